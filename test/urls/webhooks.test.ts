import { GraphQLClient } from "graphql-request";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadGraphiql } from "../../src/graphiql/page.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import { countCalls } from "../../src/provisioning/count-calls.ts";
import type { Provisioning } from "../../src/provisioning/provisioning.ts";
import { webhookUrlPolicy, whyNotTellUrl } from "../../src/provisioning/webhooks.ts";
import { listen } from "../../src/server.ts";
import { type Answer, errorFields, freshKey, operationFields, retry, settled, signUp } from "../main-job.ts";
import { handMade, sentRequests, write } from "../schema/mem0-write-cases.ts";
import { createWorld, type World } from "../world.ts";
import { type NameServer, startNameServer } from "./name-server.ts";

let world: World;
let names: NameServer;

beforeAll(async () => {
  names = await startNameServer();
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
  await names.close();
});

const hook = (host: string) => ({
  name: host,
  url: `https://${host}/s3cret-path`,
  eventTypes: ["MEMORY_ADD"],
});

type Send = <T>(document: string, variables?: object) => Promise<T>;

async function change(input: object, send: Send = world.send): Promise<Answer> {
  const { changePlace } = await send<{ changePlace: Answer }>(
    `mutation ($input: ChangePlaceInput!) { changePlace(input: $input) { __typename
      ... on ChangePlacePayload { operation { ${operationFields} } } ${errorFields} } }`,
    { input: { idempotencyKey: freshKey(), waitMs: 20_000, ...input } },
  );
  return changePlace;
}

async function urlsInMem0(): Promise<string[]> {
  const { webhooks } = await world.emulator.tables();
  return webhooks.map(({ url }) => new URL(url).hostname);
}

describe("a webhook whose host resolves to an address that is not public", () => {
  it("is never told to Mem0: its sign-up is undone, and says why without the URL", async () => {
    names.tell("hidden.test", ["93.184.216.34", "10.0.0.7"]);
    const { operation } = await signUp(world, { key: "hidden", webhooks: [hook("hidden.test")] });
    expect(operation).toMatchObject({ status: "UNWOUND" });
    const error = operation?.steps.find(({ name }) => name === "createWebhooks")?.error;
    expect(error).toMatchObject({ code: "StepRefused" });
    expect(error?.message).toContain("not public");
    expect(JSON.stringify(operation)).not.toMatch(/s3cret|10\.0\.0\.7/);
    expect(await urlsInMem0()).not.toContain("hidden.test");
  });

  it("is found out also when it was bound so after it was used before: then the change NEEDS_ATTENTION", async () => {
    names.tell("rebound.test", ["93.184.216.34"]);
    await signUp(world, { key: "rebound", webhooks: [hook("rebound.test")] });
    await settled(world, "rebound");
    expect(await urlsInMem0()).toContain("rebound.test");
    names.tell("rebound.test", ["127.0.0.1"]);
    const again = { ...hook("rebound.test"), name: "again", url: "https://rebound.test/again" };
    const { operation } = await change({ key: "rebound", setWebhooks: [again] });
    expect(operation).toMatchObject({ status: "NEEDS_ATTENTION" });
    expect(operation?.reason).toContain("not public");
    expect((await urlsInMem0()).filter((host) => host === "rebound.test")).toHaveLength(1);

    names.tell("rebound.test", ["93.184.216.34"]);
    await retry(world, operation?.id ?? "");
    await settled(world, "rebound");
    expect((await urlsInMem0()).filter((host) => host === "rebound.test")).toHaveLength(2);
  });
});

describe("a webhook that gets another URL", () => {
  it("keeps the one that it has when the other's host resolves to an address that is not public", async () => {
    await signUp(world, { key: "moved", webhooks: [hook("moved.test")] });
    await settled(world, "moved");
    names.tell("inside.test", ["192.168.0.1"]);
    const moved = { ...hook("moved.test"), url: "https://inside.test/s3cret-path" };
    const { operation } = await change({ key: "moved", setWebhooks: [moved] });
    expect(operation).toMatchObject({ status: "NEEDS_ATTENTION" });
    expect(operation?.reason).toContain("not public");
    const hosts = await urlsInMem0();
    expect(hosts).toContain("moved.test");
    expect(hosts).not.toContain("inside.test");
  });
});

describe("a webhook whose host cannot be resolved", () => {
  it("is told to Mem0, which resolves it in the end", async () => {
    names.keepSilentAbout("silent.test");
    await signUp(world, { key: "silent", webhooks: [hook("silent.test"), hook("unknown.test")] });
    await settled(world, "silent");
    expect(await urlsInMem0()).toEqual(expect.arrayContaining(["silent.test", "unknown.test"]));
  });
});

describe("a webhook that an admin makes or changes in Mem0 by hand", () => {
  it.each([
    ["a host that resolves to loopback", "https://here.test/s3cret-path"],
    ["a private address", "https://10.0.0.1/s3cret-path"],
    ["an IPv4 address inside of IPv6", "https://[::ffff:a9fe:a9fe]/s3cret-path"],
    ["a name of a local net", "https://metadata.google.internal/s3cret-path"],
    ["credentials", "https://ada:s3cret-path@acme.test/"],
  ])("is held against the same rules (%s), and nothing is sent", async (_what, url) => {
    names.tell("here.test", ["127.0.0.1"]);
    const { organizationId, projectId, webhookId } = await handMade(world);
    await world.emulator.clearRequests();
    const ids = { organizationId, projectId };
    for (const [verb, input] of [
      ["createMem0Webhook", { ...ids, name: "n", url, eventTypes: ["MEMORY_ADD"] }],
      ["updateMem0Webhook", { ...ids, webhookId, url }],
    ] as const) {
      const answer = await write(world, verb, input);
      expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field: "url" }] });
      expect(JSON.stringify(answer)).not.toContain("s3cret-path");
    }
    expect(await sentRequests(world)).toEqual([]);
  });
});

describe("a webhook on loopback", () => {
  const url = "http://127.0.0.1:9/s3cret-path";

  /** As it is where Mem0 is not on this machine. */
  const elsewhere = (): Provisioning => {
    const { mem0 } = countCalls(world.provisioning.mem0);
    return { ...world.provisioning, mem0: { ...mem0, origin: "https://api.mem0.ai" } };
  };

  it("is fine where Mem0 is on this machine, too, and nowhere else", async () => {
    expect(webhookUrlPolicy(world.provisioning)).toEqual({ allowsLoopback: true });
    expect(await whyNotTellUrl(world.provisioning, url)).toBeNull();
    expect(webhookUrlPolicy(elsewhere())).toEqual({ allowsLoopback: false });
    expect(await whyNotTellUrl(elsewhere(), url)).toBe("Must be an https URL.");
    expect(await whyNotTellUrl(elsewhere(), "https://127.0.0.1/")).toContain("not public");
  });

  it("is refused where Mem0 is elsewhere, by the field that it stands in, before anything is written", async () => {
    const { operation } = await signUp(world, { key: "elsewhere", webhooks: [hook("acme.test")] });
    await settled(world, "elsewhere");
    const log = pino({ level: "silent" });
    const server = await listen("127.0.0.1", 0, log);
    const graphql = createGraphqlEndpoint({ ...world, provisioning: elsewhere() }, log);
    const graphiql = loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: [] });
    const { authenticate, token } = world;
    server.serve({ api: { graphql, graphiql, authenticate }, whyNotReady: async () => null });
    const client = new GraphQLClient(`${server.url}/graphql`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const send: Send = (document, variables) => client.request(document, variables);
    try {
      const setWebhooks = [hook("fine.test"), { ...hook("here"), url }];
      expect(await change({ key: "elsewhere", setWebhooks }, send)).toMatchObject({
        ...{ __typename: "InvalidInput", problems: [{ field: "setWebhooks.1.url" }] },
      });
      const { signUpTenant } = await send<{ signUpTenant: Answer }>(
        `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename ${errorFields} } }`,
        {
          input: {
            key: "new",
            name: "New",
            idempotencyKey: freshKey(),
            webhooks: [{ ...hook("here"), url }],
          },
        },
      );
      expect(signUpTenant).toMatchObject({
        ...{ __typename: "InvalidInput", problems: [{ field: "webhooks.0.url" }] },
      });
      const input = { id: operation?.id, reason: "A slip.", webhookUrl: { name: "acme.test", url } };
      const { amendOperation } = await send<{ amendOperation: Answer }>(
        `mutation ($input: AmendOperationInput!) { amendOperation(input: $input) { __typename ${errorFields} } }`,
        { input },
      );
      expect(amendOperation).toMatchObject({
        ...{ __typename: "InvalidInput", problems: [{ field: "webhookUrl.url" }] },
      });
    } finally {
      await server.close(100);
    }
  });
});
