import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { presetTabs } from "../../src/graphiql/presets.ts";
import { mustSkipBrowserTests, type OpenBrowser, type OpenTab, openBrowser } from "./browser.ts";
import * as graphiql from "./graphiql-page.ts";
import { startTenantServer, type TenantServer } from "./tenant-server.ts";

const { eventually } = graphiql;

describe.skipIf(mustSkipBrowserTests())("the GraphiQL page in a real browser", () => {
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

  it("opens without a token, says where to find one, and has a tab for each part of the main job", async () => {
    const { page, problems } = tab;
    expect(await page.title()).toBe("Loci");
    const sentence = page.getByText("Paste the admin token that npm start printed");
    expect(await sentence.isVisible()).toBe(true);
    expect(await tabTitles()).toEqual([
      "SignUpTenant",
      "LookAtTenant",
      "AttachProjectKey",
      "AddMemories",
      "SearchMemories",
      "ListTenants",
      "WatchOperation",
      "OffboardTenant",
    ]);
    await eventually(queryText).toContain("mutation SignUpTenant");
    expect(problems).toEqual([]);
  });

  it("asks nothing of any host but its own, from opening to a completed run", async () => {
    const { page, requestedUrls, problems } = tab;
    await useToken(server.token);
    await waitForDocumentationOf("Mutation");
    await play();
    await eventually(answerText).toContain("SignUpTenantPayload");
    await page.getByRole("button", { name: "Forget token" }).click();
    await page.locator("#token").waitFor();
    const hosts = requestedUrls.filter((url) => !url.startsWith("data:")).map((url) => new URL(url).host);
    expect([...new Set(hosts)]).toEqual([new URL(server.url).host]);
    // The language service is loaded when it is needed: without it, nothing was proved about what it asks for.
    expect(requestedUrls.filter((url) => url.endsWith("/graphql.worker.js"))).not.toEqual([]);
    expect(problems).toEqual([]);
  });

  it("runs the sign-up preset as it stands, with the token and a fresh idempotency key", async () => {
    await useToken(server.token);
    await eventually(tokenStatus).toContain("Token accepted");
    await play();
    await eventually(answerText).toContain('"status": "ACTIVE"');
    const signUp = lastRequest();
    expect(signUp.authorization).toBe(`Bearer ${server.token}`);
    expect(signUp.body.operationName).toBe("SignUpTenant");
    await chooseTab("OffboardTenant");
    await play();
    await eventually(answerText).toContain('"status": "OFFBOARDED"');
    const keys = [signUp, lastRequest()].map(
      ({ body }) => /idempotencyKey: "([0-9a-f]{32})"/.exec(body.query)?.[1],
    );
    expect(new Set(keys).size).toBe(2);
    expect(keys).not.toContain(undefined);
  });

  it("runs what the editor shows, however soon Play follows the choice of a tab", async () => {
    await useToken(server.token);
    await eventually(tokenStatus).toContain("Token accepted");
    // Two clicks in one go: GraphiQL reads the operation's name from the new tab only after them.
    await tab.page.evaluate(`{
      document.querySelector(".graphiql-tab-button[title=OffboardTenant]").click();
      document.querySelector(".graphiql-execute-button").click();
    }`);
    await eventually(answerText).toContain('"status": "OFFBOARDED"');
  });

  it("chooses a tab even when the mouse slips while it is pressed, and leaves the tabs in their order", async () => {
    const { mouse } = tab.page;
    const before = await tabTitles();
    const box = await tab.page.locator(".graphiql-tab-button", { hasText: "LookAtTenant" }).boundingBox();
    if (box === null) throw new Error("the tab has no place on the page");
    await mouse.move(box.x + 30, box.y + 10);
    await mouse.down();
    await mouse.move(box.x + 60, box.y + 12, { steps: 10 });
    await mouse.up();
    await eventually(queryText).toContain("query LookAtTenant");
    expect(await tabTitles()).toEqual(before);
  });

  it("sends a preset's variables, after a reload too", async () => {
    const variables = '{"id": "operation_7"}';
    const query = "query AskById($id: ID!) { operation(id: $id) { id } }";
    const askById = await startTenantServer([{ name: "AskById", query, variables }]);
    try {
      await graphiql.openGraphiql(tab.page, askById.url);
      await useToken(askById.token);
      for (const time of [1, 2]) {
        await eventually(tokenStatus).toContain("Token accepted");
        await eventually(queryText).toContain("query AskById");
        await play();
        await eventually(answerText).toContain('"operation": null');
        const asked = askById.seen.filter(({ body }) => body.query.includes("AskById"));
        expect(asked.map(({ body }) => body.variables)).toEqual(Array(time).fill({ id: "operation_7" }));
        await eventually(storedTabs).toContain("operation_7");
        // GraphiQL saves the parts of a tab at moments of their own: as if the reload had come before this one.
        await tab.page.evaluate(`sessionStorage.removeItem("graphiql:variables")`);
        await tab.page.reload();
      }
      await eventually(queryText).toContain("query AskById");
      expect(await tabTitles()).toEqual(["AskById"]);
    } finally {
      await askById.close();
    }
  });

  it("shows a subscription's results as they come, with the token, and ends it at the press of stop", async () => {
    const { page } = tab;
    await useToken(server.token);
    await eventually(tokenStatus).toContain("Token accepted");
    await page.getByRole("button", { name: "New tab" }).click();
    await eventually(queryText).toBe("");
    await page.locator(".graphiql-query-editor .monaco-editor").first().click();
    await page.keyboard.insertText("subscription { beats }");
    await eventually(queryText).toBe("subscription { beats }");
    await play();
    await eventually(answerText).toContain('"beats": 2');
    expect(lastRequest().authorization).toBe(`Bearer ${server.token}`);
    expect(server.runningSubscriptions()).toBe(1);
    await page.getByRole("button", { name: /^Stop/ }).click();
    await eventually(() => server.runningSubscriptions()).toBe(0);
    expect(await answerText()).toContain('"beats": 2');
  });

  it("has the same tabs after a reload, and none besides, whichever was chosen", async () => {
    const { page } = tab;
    const before = await tabTitles();
    // The first time round nothing is chosen: the page as it was opened, which GraphiQL saves in another way.
    for (const [index, name] of [...before.entries()].slice(0, 3)) {
      if (index > 0) await chooseTab(name);
      await eventually(storedTabs).toContain(`"activeTabIndex":${index}`);
      await page.reload();
      await eventually(queryText).toMatch(new RegExp(`(query|mutation) ${name}`));
      expect(await tabTitles()).toEqual(before);
    }
  });

  it("shows an answer that is no JSON, with its status", async () => {
    const body = "<h1>Bad gateway</h1>";
    await tab.page.route(server.url, (route) =>
      route.fulfill({ status: 502, contentType: "text/html", body }),
    );
    await play();
    await eventually(answerText).toContain("The server answered HTTP 502, and not with JSON.");
    expect(await answerText()).toContain(body);
  });

  it("takes neither a query nor a token from the address", async () => {
    const { page } = tab;
    await graphiql.openGraphiql(
      page,
      `${server.url}?query=query+Planted+%7B+a+%7D&token=planted-token#planted`,
    );
    await eventually(queryText).toContain("mutation SignUpTenant");
    expect(await tabTitles()).not.toContain("Planted");
    expect(page.url()).toBe(server.url);
    expect(await storageText()).not.toMatch(/planted/i);
  });

  it("lets no script run that is not a file of this server", async () => {
    await tab.page.evaluate(`{
      const script = document.createElement("script");
      script.textContent = "globalThis.isPlanted = true";
      document.body.append(script);
    }`);
    expect(await tab.page.evaluate("globalThis.isPlanted === true")).toBe(false);
    await eventually(() => tab.problems.join()).toContain("Content Security Policy");
  });

  const queryText = () => graphiql.queryText(tab.page);
  const answerText = () => graphiql.answerText(tab.page);
  const tokenStatus = () => graphiql.tokenStatus(tab.page);
  const useToken = (token: string) => graphiql.useToken(tab.page, token);
  const play = () => graphiql.play(tab.page);
  const storageText = async () => JSON.stringify(await graphiql.storage(tab.page));
  const storedTabs = async () => (await graphiql.storage(tab.page)).session["graphiql:tabState"] ?? "";
  const tabTitles = () => graphiql.tabTitles(tab.page);

  async function chooseTab(name: string): Promise<void> {
    await graphiql.chooseTab(tab.page, name);
    await eventually(queryText).toMatch(new RegExp(`(query|mutation) ${name}`));
  }

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
