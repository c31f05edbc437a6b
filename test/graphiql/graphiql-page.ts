import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Asserts on what the page does by itself, again and again for ten seconds: a loaded machine may take several. */
export const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 10_000 });

/** Opens the page at `url` and waits until its tabs are there. */
export async function openGraphiql(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.locator(".graphiql-tab").first().waitFor();
}

/** Pastes a token into the bar and presses the button beside it. Waits for no verdict; {@link tokenStatus} has that. */
export async function useToken(page: Page, token: string): Promise<void> {
  await page.locator("#token").fill(token);
  await page.getByRole("button", { name: "Use token" }).click();
}

/** What the bar says about the token; empty before there was one. */
export async function tokenStatus(page: Page): Promise<string> {
  return (await page.locator("#token-status").textContent()) ?? "";
}

/** Clicks a tab by its title. {@link queryText} shows when the editor has followed. */
export async function chooseTab(page: Page, name: string): Promise<void> {
  await page.locator(".graphiql-tab-button", { hasText: name }).click();
}

/** Presses Play. Waits for no answer; {@link answerText} has that. */
export async function play(page: Page): Promise<void> {
  await page.locator(".graphiql-execute-button").click();
}

/** What the query editor shows, all white space as single spaces: the editor wraps and lays out lines as it likes. */
export async function queryText(page: Page): Promise<string> {
  return await editorText(page, ".graphiql-query-editor");
}

/** What the answer's pane shows, all white space as single spaces; lines out of sight are left out. */
export async function answerText(page: Page): Promise<string> {
  return await editorText(page, ".graphiql-response");
}

/** The titles of the open tabs, from left to right. */
export async function tabTitles(page: Page): Promise<string[]> {
  return await page.locator(".graphiql-tab-button").allTextContents();
}

/** Types a comment into the query editor, on a first line of its own. */
export async function typeComment(page: Page, comment: string): Promise<void> {
  await page.locator(".graphiql-query-editor .monaco-editor").first().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText(`# ${comment}\n`);
}

/**
 * Everything that the browser keeps for the page. GraphiQL's record of its tabs, `graphiql:tabState` in sessionStorage,
 * follows a change after half a second.
 */
export async function storage(page: Page) {
  return await page.evaluate<{
    local: Record<string, string>;
    session: Record<string, string>;
    cookie: string;
  }>("({ local: { ...localStorage }, session: { ...sessionStorage }, cookie: document.cookie })");
}

async function editorText(page: Page, pane: string): Promise<string> {
  const lines = await page.locator(`${pane} .view-line`).allTextContents();
  return lines.join(" ").replace(/\s+/g, " ").trim();
}
