import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type World } from "../world.ts";
import { mustSkipBrowserTests, type OpenBrowser, openBrowser } from "./browser.ts";
import {
  answerText,
  chooseTab,
  eventually,
  openGraphiql,
  play,
  queryText,
  tokenStatus,
  useToken,
} from "./graphiql-page.ts";

/** A key of the tenant's project, made as in Mem0's dashboard, and attached. */
async function attach(world: World): Promise<void> {
  const resources = await world.prisma.resource.findMany({
    where: { tenant: { key: "acme" }, name: "main", kind: { in: ["ORGANIZATION", "PROJECT"] } },
  });
  const idOf = (kind: string) => resources.find((found) => found.kind === kind)?.upstreamId ?? "";
  const apiKey = await world.emulator.makeKey({ org_id: idOf("ORGANIZATION"), project_id: idOf("PROJECT") });
  await world.send(
    `mutation ($apiKey: String!) { attachProjectKey(input: { tenantKey: "acme", apiKey: $apiKey, reason: "first" }) {
      __typename } }`,
    { apiKey },
  );
}

/** The preset tabs, in a real browser, against all of Loci: real Postgres, engine and emulator. */

describe.skipIf(mustSkipBrowserTests())("an admin in GraphiQL", { timeout: 120_000 }, () => {
  let world: World;
  let browser: OpenBrowser;

  beforeAll(async () => {
    world = await createWorld();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  it("does the main job from the preset tabs, and no request leaves loopback", async () => {
    const tab = await browser.openTab();
    const { page } = tab;
    await openGraphiql(page, `${world.url}/graphql`);
    await useToken(page, world.token);
    await eventually(() => tokenStatus(page)).not.toBe("");

    const run = async (name: string, words: string) => {
      await chooseTab(page, name);
      await eventually(() => queryText(page)).toContain(name);
      await play(page);
      await eventually(() => answerText(page)).toContain(words);
    };
    await run("SignUpTenant", '"status": "ACTIVE"');
    expect((await world.emulator.tables()).organizations.map(({ name }) => name)).toContainEqual(
      expect.stringMatching(/^Acme Inc\. ·/),
    );
    await run("LookAtTenant", '"kind": "ORGANIZATION"');
    await run("AddMemories", '"code": "MEMORY_ACCESS_MISSING"');
    await attach(world);
    await run("AddMemories", '"status": "SUCCEEDED"');
    await run("SearchMemories", "cello");
    await run("ListTenants", '"key": "acme"');
    await run("OffboardTenant", '"status": "OFFBOARDED"');
    expect((await world.emulator.tables()).organizations.map(({ name }) => name)).not.toContainEqual(
      expect.stringMatching(/^Acme Inc\. ·/),
    );

    const hosts = new Set(
      tab.requestedUrls
        .map((url) => new URL(url))
        .filter((url) => url.protocol !== "data:")
        .map(({ host }) => host),
    );
    expect([...hosts]).toEqual([new URL(world.url).host]);
    const screenshot = process.env["LOCI_TEST_SCREENSHOT"];
    if (screenshot !== undefined) await page.screenshot({ path: screenshot });
    await tab.close();
  });
});
