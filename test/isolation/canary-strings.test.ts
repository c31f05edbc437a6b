import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database/connect.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../database/temporary-folder.ts";
import { EmulatorControl } from "../emulator-control.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { freshKey, until } from "../main-job.ts";
import { killAll, lastLine, type Run, run } from "../run-loci.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import {
  type Canaries,
  canaryOf,
  everythingDocument,
  type Findings,
  findInAnswer,
  findInDatabase,
  kindsIn,
  quietDocument,
} from "./canary-strings.ts";
import { memoryCalls, type Names } from "./memory-calls.ts";

/**
 * The whole life of tenants in the real program at its most talkative, with a string of its own in everything that is
 * nobody else's business. Where each was found afterwards is in the lists below, with the reason; anywhere else is a leak.
 */

const asked =
  "what was asked for: what a saga runs by, goes on by in another process, and is compared with when it is repeated";
const wanted = "what shall be there: what is read back, and looked for after a crash, by these very words";
const mem0s =
  "Mem0's own words in an error, at most 300 characters: it may say back what it was told in that call, but for the key";
const chosen = "the caller's own word, by which it is told from others and found again; no secret";
const kept = "what the audit is there to keep: who did what to whom";

/** What the database holds in the clear. A column that is not here holds none, and one that is here has to. */
const inDatabase: Readonly<Record<string, string>> = {
  "api_token.entity_id: end user": "what the token is narrowed to, which every call is forced to",
  "attempt.error: e-mail": mem0s,
  "attempt.error: instructions": mem0s,
  "audit_event.details: idempotency key": kept,
  "dbos.operation_outputs.output: e-mail": mem0s,
  "dbos.operation_outputs.output: instructions": mem0s,
  "mem0_account.user_email: e-mail": "whose account it is, compared at each start and each link",
  "operation.idempotency_key: idempotency key": chosen,
  "operation.input: e-mail": asked,
  "operation.input: instructions": asked,
  "operation.input: webhook path": asked,
  "operation.reason: e-mail": mem0s,
  "operation.reason: instructions": mem0s,
  "operation_step.error_message: e-mail": mem0s,
  "operation_step.error_message: instructions": mem0s,
  "resource.desired: e-mail": wanted,
  "resource.desired: instructions": wanted,
  "resource.desired: webhook path": wanted,
  "resource.name: e-mail": "a member has no other id in Mem0",
};

/** What fields of the control plane say to whoever may ask for them, and asks. */
const inFields: Readonly<Record<string, string>> = {
  "ApiToken.entityName: end user": "what the token is narrowed to",
  "AuditDetail.value: idempotency key": kept,
  "LastError.message: e-mail": mem0s,
  "LastError.message: instructions": mem0s,
  "Mem0Account.userEmail: e-mail": "whose account it is",
  "Operation.reason: e-mail": mem0s,
  "Operation.reason: instructions": mem0s,
  "Resource.name: e-mail": "a member has no other name",
  "StepError.message: e-mail": mem0s,
  "StepError.message: instructions": mem0s,
};

const ownWords = "Mem0's own words about this very call, to the caller who said it";

/** What answers may say to whoever said it himself in the very request. */
const inAnswers: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["Mem0Refused", "Mem0Throttled", "Mem0Unavailable"].flatMap((type) =>
      ["memory text", "end user"].map((kind) => [`${type}.message: ${kind}`, ownWords]),
    ),
  ),
  "errors.message: API key of Mem0":
    "a literal of the wrong type in the caller's own document, quoted to him alone",
};

/** The mailbox, which is looked for: what the audit keeps of an address is its domain and a hash. */
const words = {
  member: canaryOf("Member").toLowerCase(),
  waiting: canaryOf("Waiting").toLowerCase(),
  customer: canaryOf("Customer").toLowerCase(),
  hook: canaryOf("Hook"),
  laterHook: canaryOf("LaterHook"),
  instructions: canaryOf("Instructions"),
  memory: canaryOf("Memory"),
  endUser: canaryOf("EndUser"),
  idempotencyKey: canaryOf("Intent"),
  adminToken: canaryOf("Admin"),
  garbage: canaryOf("Garbage"),
};
const [newKey, oldKey] = [randomBytes(32), randomBytes(32)];
const keys = new Set<string>();
const tokens = new Set<string>([words.adminToken]);
const canaries: Canaries = new Map([
  ["API key of Mem0", keys],
  ["token", tokens],
  ["key-encryption key", new Set([newKey, oldKey].map((key) => key.toString("hex")))],
  ["e-mail", new Set([words.member, words.waiting, words.customer])],
  ["webhook path", new Set([words.hook, words.laterHook])],
  ["instructions", new Set([words.instructions])],
  ["memory text", new Set([words.memory])],
  ["end user", new Set([words.endUser])],
  ["idempotency key", new Set([words.idempotencyKey])],
  ["garbage", new Set([words.garbage])],
]);

const emails = {
  member: `${words.member}@acme.test`,
  waiting: `${words.waiting}@acme.test`,
  customer: `${words.customer}@customer.test`,
};
const hook = { name: "main", url: `https://acme.test/${words.hook}`, eventTypes: ["MEMORY_ADD"] };
const laterHook = { ...hook, name: "later", url: `https://acme.test/hooks/${words.laterHook}?a=b` };

let program: LociProgram;
let folder: TemporaryFolder;
let database: TestDatabase;
let db: Awaited<ReturnType<typeof openDatabase>>;
let loci: Run;
let emulator: EmulatorControl;
let url: string;

/** Every answer as it came. */
const answers: { readonly head: string; readonly body: string }[] = [];
const dumped: Findings = new Set();
const told: Findings = new Set();

interface Body {
  readonly data?: Readonly<Record<string, { readonly __typename?: string } | null>> | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
}

async function hear(path: string, init: RequestInit): Promise<string> {
  const response = await fetch(`${url}${path}`, init);
  const body = await response.text();
  answers.push({ head: JSON.stringify([...response.headers]), body });
  return body;
}

const postOf = (document: object, token = words.adminToken): RequestInit => ({
  method: "POST",
  headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
  body: JSON.stringify(document),
});

/** Does something, and asks for nothing of what was said. Answers the type of what came of it, or the error's code. */
async function quietly(name: string, input: object, token?: string): Promise<string> {
  const document = quietDocument("Mutation", name, { input });
  const text = await hear("/graphql", postOf(document, token));
  const { data, errors } = JSON.parse(text) as Body;
  return data?.["answer"]?.__typename ?? errors?.[0]?.extensions?.code ?? text;
}

/** Asks for what holds a canary by right: the answer is not kept. */
async function openly<T>(query: string, variables: object = {}): Promise<T> {
  const response = await fetch(`${url}/graphql`, postOf({ query, variables }));
  const { data, errors } = (await response.json()) as { data: T | null; errors?: unknown };
  if (data === null || errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

const settledStatus = (key: string) =>
  until(async () => {
    const tenant = await db.prisma.tenant.findFirst({ where: { key }, include: { operations: true } });
    const isOpen = tenant?.operations.some(({ status }) =>
      ["QUEUED", "RUNNING", "UNWINDING"].includes(status),
    );
    return isOpen === false && tenant !== null ? tenant : null;
  }, `${key} settles`);

const intent = () => `${words.idempotencyKey}${freshKey()}`;

beforeAll(async () => {
  program = await compileLoci();
  folder = await makeTemporaryFolder("loci-canary-");
  database = await createTestDatabase();
  db = await openDatabase(database.connectionString);
  loci = run(program.main, [], {
    ...{ LOCI_DATA_DIR: folder.path, LOG_LEVEL: "trace", DATABASE_URL: database.connectionString },
    ...{ LOCI_ADMIN_TOKEN: words.adminToken, LOCI_KEY_PROOF_MINUTES: "1" },
    ...{ LOCI_SETTLE_MS: "100", LOCI_TWIN_CHECK_MS: "0" },
    LOCI_ENCRYPTION_KEY: [oldKey, newKey].map((key) => key.toString("hex")).join(","),
  });
  await loci.said(lastLine);
  url = /GraphQL +(\S+)\/graphql/.exec(loci.stdout())?.[1] ?? "";
  emulator = new EmulatorControl(/Mem0 +(\S+)/.exec(loci.stdout())?.[1] ?? "");
  keys.add((await emulator.tables()).keys[0]?.api_key ?? "");
  await live();
}, 180_000);

afterAll(async () => {
  await killAll();
  await db?.close();
  await database?.drop();
  await folder?.remove();
  await program?.remove();
});

/** What Mem0 could say back in an error: what it is told in such a call, the key included. */
const echoOf = {
  ping: (apiKey: string) => ({ detail: `Bad token ${apiKey}`, [apiKey]: [apiKey] }),
  provisioning: (apiKey: string) => ({
    detail: `${emails.member} ${hook.url} ${words.instructions} ${apiKey}`,
    errors: { email: [emails.member, emails.waiting], url: [hook.url, laterHook.url], [apiKey]: [apiKey] },
  }),
  memories: (apiKey: string) => ({
    detail: `${words.memory} ${words.endUser} ${apiKey}`,
    errors: { text: [words.memory, apiKey], [words.memory]: [words.endUser] },
  }),
};

async function live(): Promise<void> {
  const key = freshKey();
  await signUp(key);
  await attachKeys(key, await placeOf(key));
  await rememberThings(key);
  await linkCustomer();
  await useTokens(key);
  await meetRefusals();
  await sendGarbage();
  await lose("audit_event", () => signUpBriefly(freshKey()));
  await lose("project_key", () => callMemories(key));
  for (const path of ["/healthz", "/readyz", "/", "/favicon.ico"]) await hear(path, {});
  await findInDatabase(database.connectionString, canaries, dumped);
  await askForEverything();
  expect(await quietly("rotateEncryptionKey", { reason: "It was seen." })).toBe("RotateEncryptionKeyPayload");
  expect(await quietly("offboardTenant", { key, idempotencyKey: intent(), waitMs: 20_000 })).toBe(
    "OffboardTenantPayload",
  );
  expect(await settledStatus(key)).toMatchObject({ status: "OFFBOARDED" });
  await findInDatabase(database.connectionString, canaries, dumped);
  await askForEverything();
}

const signUpBriefly = (key: string) =>
  quietly("signUpTenant", {
    ...{ key, name: "Acme", idempotencyKey: intent(), waitMs: 20_000, webhooks: [hook] },
    members: [{ email: emails.member }, { email: emails.waiting }],
    settings: { customInstructions: words.instructions, agentCustomInstructions: words.instructions },
  });

async function signUp(key: string): Promise<void> {
  await emulator.registerUser(emails.member);
  expect(await signUpBriefly(key)).toBe("SignUpTenantPayload");
  expect(await settledStatus(key)).toMatchObject({ status: "ACTIVE" });
  const change = {
    ...{ key, idempotencyKey: intent(), waitMs: 20_000, setWebhooks: [laterHook] },
    ...{ removeMembers: [emails.member], settings: { customInstructions: `${words.instructions}!` } },
  };
  expect(await quietly("changePlace", change)).toBe("ChangePlacePayload");
  // What is sent twice, and what is sent under another's key, is refused in words.
  expect(await quietly("changePlace", { ...change, removeMembers: [emails.waiting] })).toBe(
    "IdempotencyKeyReused",
  );
  expect(await signUpBriefly(key)).toBe("TenantKeyTaken");
  await quietly("changePlace", {
    ...change,
    idempotencyKey: intent(),
    setWebhooks: [{ ...hook, url: words.hook }],
  });
  await settledStatus(key);
}

interface Place {
  readonly org_id: string;
  readonly project_id: string;
}

async function placeOf(key: string): Promise<Place> {
  const { resources } = await db.prisma.tenant.findFirstOrThrow({
    where: { key },
    include: { resources: true },
  });
  const idOf = (kind: string) =>
    resources.find((row) => row.kind === kind && row.name === "main")?.upstreamId ?? "";
  return { org_id: idOf("ORGANIZATION"), project_id: idOf("PROJECT") };
}

async function keyOf(place: Place & { readonly email?: string }): Promise<string> {
  const apiKey = await emulator.makeKey(place);
  keys.add(apiKey);
  return apiKey;
}

async function attachKeys(tenantKey: string, place: Place): Promise<void> {
  const attach = async (apiKey: string) => quietly("attachProjectKey", { tenantKey, apiKey });
  for (const status of [400, 401, 500]) {
    const apiKey = await keyOf(place);
    const fault = { kind: "refuse", status, body: echoOf.ping(apiKey) } as const;
    await emulator.failNext({ match: { path: "/v1/ping/" }, fault });
    expect(await attach(apiKey)).not.toBe("AttachProjectKeyPayload");
  }
  await emulator.clearFaults();
  expect(await attach(`${await keyOf(place)} `)).toBe("InvalidInput");
  for (let made = 0; made < 2; made += 1) {
    attachedKey = await keyOf(place);
    expect(await attach(attachedKey)).toBe("AttachProjectKeyPayload");
  }
}

let names: Names;
/** What the tenant's memory calls go by. */
let attachedKey: string;
/** The kinds of which Mem0 was told something. */
let said: readonly string[];

/** Calls every field of the data plane, in words that say nothing of what was said. */
async function callMemories(tenantKey: string): Promise<void> {
  for (const { root, field, args } of memoryCalls) {
    const given = root === "Tenant" ? args(names) : { input: { tenantKey, ...args(names) } };
    const { query, variables } = quietDocument(root, field, given);
    await hear("/graphql", postOf({ query, variables: { tenantKey, ...variables } }));
  }
}

async function rememberThings(tenantKey: string): Promise<void> {
  const say = (text: string) => ({ messages: [{ role: "USER", content: `${text} likes tea.` }] });
  const added = await openly<{ addMemories: { results: { id: string }[]; eventId: string } }>(
    `mutation ($input: AddMemoriesInput!) { addMemories(input: $input) {
       ... on AddMemoriesPayload { eventId results { id } } } }`,
    { input: { tenantKey, userId: words.endUser, infer: false, ...say(words.memory) } },
  );
  const { eventId, results } = added.addMemories;
  const made = await openly<{ createMemoryExport: { exportId: string } }>(
    `mutation ($input: CreateMemoryExportInput!) { createMemoryExport(input: $input) {
       ... on CreateMemoryExportPayload { exportId } } }`,
    { input: { tenantKey, schema: { type: "object" }, filter: { userId: { eq: words.endUser } } } },
  );
  names = {
    ...{ memory: results[0]?.id ?? "", event: eventId, export: made.createMemoryExport.exportId },
    ...{ cursor: null, user: words.endUser, text: words.memory },
  };
  said = kindsIn(JSON.stringify(await emulator.tables()), canaries);
  for (const status of [400, 429, 500]) {
    const fault = { kind: "refuse", status, body: echoOf.memories(attachedKey) } as const;
    await emulator.failNext({ match: { path: "/v*/**" }, fault, count: memoryCalls.length });
    await callMemories(tenantKey);
    await emulator.clearFaults();
  }
  await callMemories(tenantKey);
}

async function linkCustomer(): Promise<void> {
  const { org_id } = await emulator.putOrganization({ name: "Customer", owner_email: emails.customer });
  const project = (await emulator.tables()).projects.find((row) => row.org_id === org_id);
  const apiKey = await keyOf({ org_id, project_id: project?.project_id ?? "", email: emails.customer });
  expect(await quietly("linkMem0Account", { apiKey, label: "Theirs" })).toBe("LinkMem0AccountPayload");
  const { id } = await db.prisma.mem0Account.findFirstOrThrow({ where: { role: "CUSTOMER" } });
  const accountId = Buffer.from(`Mem0Account:${id}`).toString("base64");
  const linked = { key: freshKey(), name: "Theirs", accountId, idempotencyKey: intent(), waitMs: 20_000 };
  expect(await quietly("signUpLinkedTenant", linked)).toBe("SignUpLinkedTenantPayload");
}

async function useTokens(tenantKey: string): Promise<void> {
  const create =
    "mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) { ... on ApiTokenPayload";
  const entity = { type: "USER", name: words.endUser };
  for (const more of [{ kind: "ADMIN" }, { kind: "TENANT", tenantKey, entity }]) {
    const input = { label: "any", reason: "A test.", ...more };
    const made = await openly<{ createApiToken: { token: string; apiToken: { id: string } } }>(
      `${create} { token apiToken { id } } } }`,
      { input },
    );
    const { token, apiToken } = made.createApiToken;
    tokens.add(token);
    const asks = (by: string) => hear("/graphql", postOf({ query: "{ viewer { actor } }" }, by));
    await asks(token);
    await asks(`${token.slice(0, -1)}!`);
    expect(await quietly("revokeApiToken", { id: apiToken.id })).toBe("RevokeApiTokenPayload");
    await asks(token);
    await hear(`/graphql?access_token=${token}`, {});
  }
}

/** Mem0 says back what it was told while places are made and taken away: in steps, in reasons, in what is undone. */
async function meetRefusals(): Promise<void> {
  const [platformKey = ""] = keys;
  const body = echoOf.provisioning(platformKey);
  for (const [status, path] of [
    [400, "/api/v1/webhooks/**"],
    [403, "/api/v1/orgs/organizations/*/projects/*/"],
    [422, "/api/v1/orgs/organizations/*/members/"],
    [500, "/api/v1/orgs/organizations/*/members/"],
  ] as const) {
    const key = freshKey();
    await emulator.failNext({ match: { path }, fault: { kind: "refuse", status, body }, count: 3 });
    expect(await signUpBriefly(key)).toBe("SignUpTenantPayload");
    const { status: became } = await settledStatus(key);
    await emulator.clearFaults();
    if (became === "ACTIVE")
      await quietly("offboardTenant", { key, idempotencyKey: intent(), waitMs: 20_000 });
    await settledStatus(key);
  }
}

async function sendGarbage(): Promise<void> {
  const { garbage } = words;
  const [platformKey = ""] = keys;
  const headers = { authorization: `Bearer ${words.adminToken}`, "content-type": "application/json" };
  for (const body of [
    garbage,
    `{"query": "${garbage}`,
    JSON.stringify({ query: `{ ${garbage} }` }),
    JSON.stringify({ query: `mutation { attachProjectKey(input: "${platformKey}") }` }),
    JSON.stringify({ query: "{ __typename }", variables: { a: words.memory } }),
  ]) {
    for (const [name, value] of Object.entries({ "content-type": "text/plain", "x-request-id": garbage })) {
      await hear("/graphql", { method: "POST", headers: { ...headers, [name]: value }, body });
    }
  }
  for (const token of [platformKey, garbage, words.idempotencyKey]) {
    await hear("/graphql", postOf({ query: "{ __typename }" }, token));
  }
  for (const path of [
    `/graphql?query=${garbage}`,
    `/graphql?variables=${garbage}`,
    `/${garbage}?${garbage}`,
  ]) {
    await hear(path, { headers });
  }
}

/** Does something while the database has not all its tables: the fault is ours, and logged. */
async function lose(table: string, deed: () => Promise<unknown>): Promise<void> {
  await db.prisma.$executeRawUnsafe(`ALTER TABLE ${table} RENAME TO lost`);
  try {
    await deed();
  } finally {
    await db.prisma.$executeRawUnsafe(`ALTER TABLE lost RENAME TO ${table}`);
  }
}

/** Asks for all that the control plane says of itself: of each tenant and operation alone, for all at once would cost too much. */
async function askForEverything(): Promise<void> {
  const ask = async (name: string, argument: string, outside: readonly string[] = []) =>
    findInAnswer(await openly(everythingDocument(name, argument, outside)), canaries, told);
  for (const { key } of await db.prisma.tenant.findMany()) await ask("tenant", `(key: "${key}")`);
  for (const { id } of await db.prisma.operation.findMany()) {
    await ask("operation", `(id: "${Buffer.from(`Operation:${id}`).toString("base64")}")`);
  }
  for (const name of ["apiTokens", "mem0Accounts", "unaccounted", "auditEvents"]) {
    await ask(name, "(first: 100)", ["Tenant", "Operation"]);
  }
  await ask("installation", "");
}

describe("what is nobody else's business", () => {
  it("was said, kept and answered here, or else the rest of this file proves nothing", async () => {
    expect(keys.size).toBeGreaterThan(6);
    expect(tokens.size).toBe(3);
    expect(answers.length).toBeGreaterThan(100);
    expect(said).toEqual(
      expect.arrayContaining(["API key of Mem0", "e-mail", "webhook path", "memory text", "end user"]),
    );
    // The log is at its most talkative, and the faults are in it.
    expect(loci.stderr()).toMatch(/"level":(10|20),/);
    expect(loci.stderr()).toContain("graphql fault");
  });

  it("is in no line that the program wrote, to its log or to its terminal", () => {
    for (const line of `${loci.stdout()}\n${loci.stderr()}`.split("\n")) {
      expect(kindsIn(line, canaries), line).toEqual([]);
    }
  });

  it("is in no answer to who did not ask for it, nor in the head of any, nor in an error", () => {
    const found: Findings = new Set();
    // Whoever sends what is no request is told what of it is none.
    const others = new Map([...canaries].filter(([kind]) => kind !== "garbage"));
    for (const { head, body } of answers) {
      findInAnswer(head, canaries, found, "head");
      findInAnswer(parsed(body), others, found);
    }
    expect([...found].filter((place) => !(place in inAnswers)).toSorted()).toEqual([]);
  });

  it("is in no field of the control plane but those that are there to say it", () => {
    expect([...told].toSorted()).toEqual(Object.keys(inFields).toSorted());
  });

  it("is in no column of the database but those that need it", () => {
    expect([...dumped].toSorted()).toEqual(Object.keys(inDatabase).toSorted());
  });
});

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
