import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { presetTabs } from "../../src/graphiql/presets.ts";
import { mustSkipBrowserTests, type OpenBrowser, type OpenTab, openBrowser } from "./browser.ts";
import * as graphiql from "./graphiql-page.ts";
import { startTenantServer, type TenantServer } from "./tenant-server.ts";

const { eventually } = graphiql;

describe.skipIf(mustSkipBrowserTests())("the admin token in the GraphiQL page, in a real browser", () => {
  let server: TenantServer;
  let browser: OpenBrowser;
  let tab: OpenTab;

  beforeAll(async () => {
    browser = await openBrowser();
    server = await startTenantServer(presetTabs);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    tab = await browser.openTab();
    await graphiql.openGraphiql(tab.page, server.url);
  });
  afterEach(() => tab?.close());

  it("leaves the API alone until there is a token or a press of Play", async () => {
    const before = server.seen.length;
    await eventually(queryText).toContain("mutation SignUpTenant");
    await tab.page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    await tab.page.locator(".graphiql-doc-explorer .graphiql-spinner").waitFor();
    expect(server.seen.length).toBe(before);
  });

  it("explains the 401 of a query without a token, in the answer and in the bar", async () => {
    await play();
    await eventually(answerText).toContain("Paste the admin token at the top of this page");
    expect(await answerText()).toContain("UNAUTHENTICATED");
    expect(await tokenStatus()).toContain("The server wants a token (HTTP 401)");
  });

  it("drops a token that the server refuses, says so, and goes on with the right one", async () => {
    await useToken("wrong-token");
    await eventually(tokenStatus).toContain("The server refused this token (HTTP 401)");
    expect(await storageText()).not.toContain("wrong-token");
    // GraphiQL asks for the schema twice by itself before it gives up; it has to be there after a third refusal too.
    for (const token of ["second-wrong-token", "third-wrong-token"]) {
      await useToken(token);
      await eventually(() => lastRequest().authorization).toBe(`Bearer ${token}`);
      await eventually(tokenStatus).toContain("The server refused this token (HTTP 401)");
    }
    await useToken(server.token);
    await eventually(tokenStatus).toContain("Token accepted");
    await waitForDocumentationOf("Mutation");
  });

  it("takes a token with a Bearer before it and spaces around it, and refuses what cannot be one", async () => {
    await useToken("two words");
    await eventually(tokenStatus).toContain("That cannot be a token");
    await useToken(`  Bearer ${server.token} `);
    await eventually(tokenStatus).toContain("Token accepted");
    expect(lastRequest().authorization).toBe(`Bearer ${server.token}`);
  });

  it("keeps the token in sessionStorage alone, over a reload too, and never in the address or the tabs", async () => {
    const { page } = tab;
    await useToken(server.token);
    await play();
    await eventually(answerText).toContain("SignUpTenantPayload");
    await typeComment("typed-by-a-person");
    await eventually(storedTabs).toContain("typed-by-a-person");
    await page.reload();
    await eventually(tokenStatus).toContain("Token accepted");
    await eventually(queryText).toContain("typed-by-a-person");
    const { local, session, cookie } = await storage();
    expect(local).toEqual({});
    expect(cookie).toBe("");
    const keysWithToken = Object.keys(session).filter((key) => session[key]?.includes(server.token));
    expect(keysWithToken).toEqual(["loci:admin-token"]);
    expect(page.url()).toBe(server.url);
    expect(tab.requestedUrls.filter((url) => url.includes(server.token))).toEqual([]);
  });

  it("forgets everything at the press of a button: token, answers and what was typed", async () => {
    const { page } = tab;
    await useToken(server.token);
    await play();
    await eventually(answerText).toContain("SignUpTenantPayload");
    await typeComment("typed-earlier");
    await eventually(storedTabs).toContain("typed-earlier");
    await page.getByRole("button", { name: "Forget token" }).click();
    await page.locator("#token").waitFor();
    await eventually(queryText).toContain("mutation SignUpTenant");
    expect(await answerText()).toBe("");
    expect(await storageText()).not.toMatch(new RegExp(`${server.token}|typed-|SignUpTenantPayload"`));
    await play();
    await eventually(answerText).toContain("Paste the admin token");
    expect(lastRequest().authorization).toBeUndefined();
  });

  it("lets nothing come back into storage between the press of forget and the page's new beginning", async () => {
    const { page, requestedUrls } = tab;
    await useToken(server.token);
    await eventually(tokenStatus).toContain("Token accepted");
    // An answer without content leaves the old page where it is: the moment before the new one comes, made long.
    let reloads = 0;
    await page.route(server.url, (route) => {
      reloads += 1;
      return route.fulfill({ status: 204 });
    });
    await page.getByRole("button", { name: "Forget token" }).click();
    await eventually(() => reloads).toBe(1);
    const moduleUrl = requestedUrls.find((url) => url.endsWith("/tab-storage.js"));
    await page.evaluate(`import("${moduleUrl}").then(({ tabStorage }) => {
      const { setItem } = tabStorage;
      globalThis.writes = [];
      tabStorage.setItem = (key, value) => {
        setItem(key, value);
        writes.push(value);
      };
    })`);
    await typeComment("typed-too-late");
    await eventually(() => page.evaluate("writes.join()")).toContain("typed-too-late");
    expect((await storage()).session).toEqual({});
  });

  it("says so when the server does not answer", async () => {
    const stopped = await startTenantServer(presetTabs);
    await graphiql.openGraphiql(tab.page, stopped.url);
    await stopped.close();
    await useToken(stopped.token);
    await eventually(tokenStatus).toContain("the server does not answer");
    await play();
    await eventually(answerText).toContain("The server could not be reached");
  });

  const queryText = () => graphiql.queryText(tab.page);
  const answerText = () => graphiql.answerText(tab.page);
  const tokenStatus = () => graphiql.tokenStatus(tab.page);
  const useToken = (token: string) => graphiql.useToken(tab.page, token);
  const play = () => graphiql.play(tab.page);
  const storage = () => graphiql.storage(tab.page);
  const storageText = async () => JSON.stringify(await storage());
  const storedTabs = async () => (await graphiql.storage(tab.page)).session["graphiql:tabState"] ?? "";
  const typeComment = (comment: string) => graphiql.typeComment(tab.page, comment);

  async function waitForDocumentationOf(typeName: string): Promise<void> {
    await tab.page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    const name = tab.page.locator(".graphiql-doc-explorer-content").getByText(typeName, { exact: true });
    await name.first().waitFor();
  }

  function lastRequest() {
    const last = server.seen.at(-1);
    if (last === undefined) throw new Error("the server has not seen a request yet");
    return last;
  }
});
