import { randomBytes } from "node:crypto";
import { ClientError, GraphQLClient } from "graphql-request";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshKey, offboard, settled, signUp, until } from "../main-job.ts";
import { attach, detach, makeKeyOf, type Placed, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import { type MemoryCall, memoryCalls } from "./memory-calls.ts";
import { call, type Inhabited, inhabit, keptLog, type OtherProcess, startProcess, type Told } from "./rig.ts";

/** Words that stand for what may be in no log, each of one kind. They occur nowhere else. */
const canary = (kind: string) => `Cnry${kind}${randomBytes(6).toString("hex")}`;
const words = {
  text: canary("Text"),
  user: canary("User"),
  document: canary("Document"),
  mailbox: canary("Mail").toLowerCase(),
  webhook: canary("Hook").toLowerCase(),
  instructions: canary("Instructions"),
};
const email = `${words.mailbox}@acme.test`;
const hook = { name: "main", url: `https://acme.test/${words.webhook}`, eventTypes: ["MEMORY_ADD"] };

const { log, text: logged } = keptLog();
/** Every key that there was. */
const keys: string[] = [];
/** Every answer that was given. */
const answers: string[] = [];
let world: World;
let process: OtherProcess;
let tenant: Inhabited;

/** The world as the process with the kept log shows it. */
function there(): World {
  const client = new GraphQLClient(`${process.url}/graphql`, {
    headers: { authorization: `Bearer ${world.token}` },
    responseMiddleware: (response) => {
      // An error of this client's holds the request, too, which is the caller's own.
      answers.push(JSON.stringify(response instanceof ClientError ? response.response : response));
    },
  });
  return { ...world, url: process.url, send: (document, variables) => client.request(document, variables) };
}

async function keyOf(placed: Placed): Promise<string> {
  const apiKey = await makeKeyOf(world, placed);
  keys.push(apiKey);
  return apiKey;
}

beforeAll(async () => {
  world = await createWorld();
  // Sagas of this world run in this process, with this very object.
  Object.assign(world.provisioning, { log });
  process = await startProcess(world, { log, timeoutMs: 300 });
  await until(async () => process.isListening(), "the process listens");
  keys.push((await world.emulator.tables()).keys[0]?.api_key ?? "");
  const placed = await place(world);
  const apiKey = await keyOf(placed);
  const attached = await attach(there(), { tenantKey: placed.key, apiKey });
  const identity = { ...placed, tag: words.text, apiKey, keyId: attached.projectKey?.id ?? "" };
  tenant = { ...identity, names: await inhabit(process, world, identity) };
});
afterAll(async () => {
  await process?.close();
  await world?.close();
});

async function ask(one: MemoryCall, others: object = {}): Promise<Told> {
  const told = await call(process, world, tenant, one, { user: words.user, text: words.text, ...others });
  answers.push(told.body);
  return told;
}

async function refill(): Promise<void> {
  tenant = { ...tenant, names: await inhabit(process, world, tenant) };
}

/** How a secret could be written. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("hex"),
    secret.slice(0, -5),
  ];
}

function expectNotLogged(): void {
  for (const [kind, word] of Object.entries(words)) {
    const at = logged().indexOf(word);
    expect(at < 0 ? null : logged().slice(Math.max(0, at - 1500), at + 200), kind).toBeNull();
  }
  for (const key of keys) {
    for (const form of formsOf(key)) expect(logged()).not.toContain(form);
  }
}

describe("what is said in memory calls", () => {
  /** What was sent, said back: the text, and the key that it was sent with. */
  const echo = () => ({
    error: `${words.text} ${tenant.apiKey}`,
    errors: { text: [words.text, tenant.apiKey], [words.text]: [words.user] },
  });

  it.each([400, 403, 404, 409, 413, 422, 429, 500, 503])(
    "is not logged when Mem0 says it back with a %i",
    async (status) => {
      await refill();
      for (const one of memoryCalls) {
        await world.emulator.failNext({
          match: { path: "/v*/**" },
          fault: { kind: "refuse", status, body: status === 503 ? JSON.stringify(echo()) : echo() },
        });
        const told = await ask(one);
        expect(told.body, one.title).not.toContain("INTERNAL_SERVER_ERROR");
        await world.emulator.clearFaults();
        const [stats] = memoryCalls.filter(({ field }) => field === "memoryStats");
        if (stats !== undefined) await ask(stats);
      }
      expectNotLogged();
    },
  );

  it("is not logged when all goes well, and when what goes wrong is ours", async () => {
    for (const one of memoryCalls) await ask(one);
    await refill();
    await world.prisma.$executeRaw`ALTER TABLE tenant RENAME COLUMN key TO lost`;
    try {
      for (const one of memoryCalls) {
        const told = await ask(one);
        expect(told.code).toBe("INTERNAL_SERVER_ERROR");
      }
    } finally {
      await world.prisma.$executeRaw`ALTER TABLE tenant RENAME COLUMN lost TO key`;
    }
    // The log is the log, and the faults are in it.
    expect(logged()).toContain("graphql fault");
    expectNotLogged();
  });

  it("is not logged when the door is what fails", async () => {
    await refill();
    await world.prisma.$executeRaw`ALTER TABLE project_key RENAME TO lost`;
    try {
      // What the door has kept would serve.
      await until(async () => {
        const [listing] = memoryCalls;
        return listing !== undefined && (await ask(listing)).code === "INTERNAL_SERVER_ERROR";
      }, "the door has forgotten");
      for (const one of memoryCalls) await ask(one);
      const attaching = attach(there(), { tenantKey: tenant.key, apiKey: await keyOf(tenant) });
      await expect(attaching).rejects.toThrow("Internal error");
    } finally {
      await world.prisma.$executeRaw`ALTER TABLE lost RENAME TO project_key`;
    }
    expectNotLogged();
  });

  it("is not logged when the request itself is broken, however it was sent", async () => {
    const authorization = `Bearer ${world.token}`;
    const document = `{ tenant(key: "${words.document}") { memories(filter: { userId: { eq: "${words.text}" } }) } }`;
    const [apiKey = ""] = keys;
    const bodies = [
      ...[words.document, `{"query": "${words.document}`, JSON.stringify({ query: words.document })],
      JSON.stringify({ query: `{ ${words.document} }` }),
      JSON.stringify({ query: document }),
      JSON.stringify({ query: `mutation { attachProjectKey(input: "${apiKey}") }` }),
      JSON.stringify({
        query: "mutation ($input: AttachProjectKeyInput!) { attachProjectKey(input: $input) { __typename } }",
        variables: { input: { tenantKey: words.text, apiKey: { is: words.document } } },
      }),
      JSON.stringify({
        query: "mutation ($input: AddMemoriesInput!) { addMemories(input: $input) { __typename } }",
        variables: { input: { tenantKey: tenant.key, messages: words.text, userId: [words.text] } },
      }),
      JSON.stringify({ query: "{ tenant(key: 1) { id } }", padding: words.text.repeat(200_000) }),
    ];
    for (const body of bodies) {
      for (const contentType of ["application/json", "text/plain", "application/graphql"]) {
        const headers = { authorization, "content-type": contentType };
        const response = await fetch(`${process.url}/graphql`, { method: "POST", headers, body });
        await response.text();
      }
    }
    for (const url of [
      `/graphql?query=${encodeURIComponent(document)}`,
      `/graphql?query=${words.document}&variables={}`,
      `/${words.document}?${words.text}`,
    ]) {
      await (await fetch(`${process.url}${url}`, { headers: { authorization } })).text();
      await (await fetch(`${process.url}${url}`, { headers: { authorization: `Bearer ${apiKey}` } })).text();
    }
    expectNotLogged();
  });

  it("is not logged when variables or extensions in a URL or form are no JSON: the error quotes them", async () => {
    const own = keptLog();
    const another = await startProcess(world, { log: own.log });
    try {
      const headers = { authorization: `Bearer ${world.token}` };
      for (const name of ["variables", "extensions"]) {
        const url = `${another.url}/graphql?query={__typename}&${name}=${words.text}`;
        await (await fetch(url, { headers })).text();
      }
      const body = new URLSearchParams({ query: "{ __typename }", variables: words.text });
      await (await fetch(`${another.url}/graphql`, { method: "POST", headers, body })).text();
      expect(own.text()).not.toContain(words.text);
    } finally {
      await another.close();
    }
  });

  it("is not logged when the caller goes away", async () => {
    await refill();
    const [listing] = memoryCalls;
    if (listing === undefined) throw new Error("There are no calls.");
    await world.emulator.clearRequests();
    await world.emulator.failNext({ match: { path: "/v3/memories/" }, fault: { kind: "hang", done: false } });
    const gone = new AbortController();
    const asking = fetch(`${process.url}/graphql`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.token}`, "content-type": "application/json" },
      body: JSON.stringify({
        query: `query ($key: String!, $filter: MemoryFilterInput!) { tenant(key: $key) {
          memories(filter: $filter) { __typename } } }`,
        variables: { key: tenant.key, filter: { userId: { eq: words.text } } },
      }),
      signal: gone.signal,
    });
    await until(async () => (await world.emulator.faults())[0]?.fired === 1, "Mem0 is asked");
    gone.abort();
    await expect(asking).rejects.toThrow();
    await world.emulator.clearFaults();
    expectNotLogged();
  });
});

describe("what a place is made of", () => {
  it("is not logged when Mem0 says it back while it is made, changed or taken away", async () => {
    await world.emulator.registerUser(email);
    const body = {
      errors: { email: [email], url: [hook.url] },
      detail: `${email} ${words.instructions} ${hook.url}`,
    };
    for (const [status, path] of [
      [500, "/api/v1/orgs/organizations/*/members/"],
      [400, "/api/v1/webhooks/**"],
      [403, "/api/v1/orgs/organizations/*/projects/*/"],
      [503, "/api/v1/**"],
    ] as const) {
      const key = freshKey();
      await world.emulator.failNext({ match: { path }, fault: { kind: "refuse", status, body }, count: 2 });
      const answer = await signUp(there(), {
        ...{ key, members: [{ email }], webhooks: [hook], waitMs: 20_000 },
        settings: { customInstructions: words.instructions },
      });
      const { status: became } = await settled(world, key);
      await world.emulator.clearFaults();
      expect(answer.__typename).toBe("SignUpTenantPayload");
      if (became === "ACTIVE") await offboard(there(), { key });
    }
    expectNotLogged();
  });
});

describe("an API key", () => {
  it("is told to nobody, whatever becomes of it", async () => {
    await refill();
    const stranger = await place(world);
    const from = answers.length;
    for (const status of [400, 401, 500]) {
      const apiKey = await keyOf(tenant);
      const body = { detail: `Bad token ${apiKey}`, [apiKey]: [apiKey] };
      await world.emulator.failNext({
        match: { path: "/v1/ping/" },
        fault: { kind: "refuse", status, body },
      });
      await attach(there(), { tenantKey: tenant.key, apiKey });
    }
    await world.emulator.clearFaults();
    for (const input of [
      { tenantKey: tenant.key, apiKey: await keyOf(stranger) },
      { tenantKey: "nobody", apiKey: await keyOf(tenant) },
      { tenantKey: tenant.key, apiKey: `${await keyOf(tenant)} ` },
      { tenantKey: tenant.key, apiKey: await keyOf(tenant), overlapMs: -1 },
      { tenantKey: tenant.key, apiKey: await keyOf(tenant), reason: "x".repeat(3_000) },
      { tenantKey: tenant.key, apiKey: await keyOf(tenant) },
    ]) {
      await attach(there(), input);
    }
    const revoked = await keyOf(tenant);
    const { projectKey } = await attach(there(), { tenantKey: tenant.key, apiKey: revoked, overlapMs: 0 });
    await world.emulator.revokeKey(revoked);
    for (const one of memoryCalls) await ask(one);
    await detach(there(), projectKey?.id ?? "");
    const rotation = "mutation { rotateEncryptionKey(input: {}) { __typename ... on Error { message } } }";
    await there().send(rotation);
    await there().send("{ installation { encryptionKeys { keyId isKnown isSealing sealedValues } } }");
    expect(answers.length).toBeGreaterThan(from + 20);
    for (const answer of answers) {
      for (const key of keys) {
        for (const form of formsOf(key)) expect(answer).not.toContain(form);
      }
    }
    expectNotLogged();
  });

  it("is in no table but sealed, and no memory is in any", async () => {
    const placed = await place(world);
    const apiKey = await keyOf(placed);
    await attach(there(), { tenantKey: placed.key, apiKey });
    await attach(there(), { tenantKey: placed.key, apiKey: await keyOf(placed) });
    const tables = await world.prisma.$queryRaw<{ name: string }[]>`
      SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;
    const dump: string[] = [];
    for (const { name } of tables) {
      const rows = await world.prisma.$queryRawUnsafe<{ row: string }[]>(
        `SELECT t::text AS row FROM ${name} t`,
      );
      dump.push(...rows.map(({ row }) => `${name} ${row}`));
    }
    const all = dump.join("\n");
    // What is sealed is there, and so is what people may read.
    expect(all).toContain("encrypted_key");
    expect(all).toContain(email);
    expect(tables.map(({ name }) => name)).toContain("dbos.workflow_status");
    for (const key of keys) {
      for (const form of formsOf(key)) expect(all).not.toContain(form);
    }
    for (const word of [words.text, words.user, words.document]) expect(all).not.toContain(word);
  });
});
