import { createHash } from "node:crypto";
import { GraphQLClient } from "graphql-request";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roleScopes, tenantScopes } from "../../src/access/caller.ts";
import { newId } from "../../src/tenants/ids.ts";
import {
  type MadeToken,
  madeBy,
  newToken,
  sendAs,
  type TokenAnswer,
  type TokenView,
  tokenFields,
  tokenVerb,
} from "../access/token-rig.ts";
import { partsOf } from "../access/token-text.ts";
import { followOperation } from "../follow-operation.ts";
import { keptLog, type OtherProcess, startProcess } from "../isolation/rig.ts";
import { freshKey, offboard, signUp, until } from "../main-job.ts";
import { insertPlainOperation, touchStep } from "../plain-operation.ts";
import { createWorld, type World } from "../world.ts";

let world: World;
let client: pg.Client;
let tenantKey: string;
/** A process whose log is kept, whole. */
let elsewhere: OtherProcess;
const { log, text: logged } = keptLog();

beforeAll(async () => {
  world = await createWorld();
  client = new pg.Client({ connectionString: world.connectionString });
  await client.connect();
  elsewhere = await startProcess(world, { log });
  tenantKey = freshKey();
  await signUp(world, { key: tenantKey });
});
afterAll(async () => {
  await elsewhere?.close();
  await client?.end();
  await world?.close();
});

interface ViewerAnswer {
  readonly viewer: {
    readonly actor: string;
    readonly scopes: readonly string[];
    readonly tenant: { readonly key: string } | null;
    readonly entityType: string | null;
    readonly entityName: string | null;
  };
}

/** Who the API says that the bearer of a token is. Null: nobody that it lets in. */
async function viewer(token: string) {
  const { status, data, body } = await sendAs<ViewerAnswer>(
    ...[world, token, "{ viewer { actor scopes tenant { key } entityType entityName } }"],
  );
  if (status === 401) return null;
  if (data === null) throw new Error(body);
  return data.viewer;
}

const create = (input: object) =>
  tokenVerb(world, "createApiToken", { label: "test", reason: "A test.", ...input });
const rotate = (id: string, input: object = {}) => tokenVerb(world, "rotateApiToken", { id, ...input });
const revoke = (id: string, input: object = {}) => tokenVerb(world, "revokeApiToken", { id, ...input });

async function notTaken(token: string): Promise<void> {
  await until(async () => (await viewer(token)) === null, "the token is not taken any more");
}

/** The token as `node` shows it. */
async function shown(id: string): Promise<TokenView> {
  const { node } = await world.send<{ node: TokenView }>(
    `query ($id: ID!) { node(id: $id) { ... on ApiToken { ${tokenFields} } } }`,
    { id },
  );
  return node;
}

/** The events of the audit about one verb, the newest first. */
const audited = (action: string) =>
  world.prisma.auditEvent.findMany({ where: { action }, orderBy: { id: "desc" } });

function problemsOf({ __typename, problems = [] }: TokenAnswer): string[] {
  expect(__typename).toBe("InvalidInput");
  return [...new Set(problems.map(({ field }) => field))];
}

describe("createApiToken", () => {
  it.each(["ADMIN", "PROVISIONER", "OFFBOARDER", "AUDITOR"] as const)(
    "makes a token of the kind %s that speaks for an actor of its own from the first moment on",
    async (kind) => {
      const { token, apiToken } = await newToken(world, { kind, label: "  on a server  " });
      const role = kind.toLowerCase() as Lowercase<typeof kind>;
      expect(apiToken).toMatchObject({
        ...{
          kind,
          label: "on a server",
          tenant: null,
          isReadOnly: false,
          entityType: null,
          createdBy: "admin",
        },
        ...{ expiresAt: null, lastUsedAt: null, replacedAt: null, revokedAt: null, revokedBy: null },
      });
      expect(apiToken.actor).toMatch(new RegExp(`^${role}:tok_[0-9a-z]{26}$`));
      expect(await viewer(token)).toEqual({
        ...{ actor: apiToken.actor, tenant: null, entityType: null, entityName: null },
        scopes: [...roleScopes[role]].toSorted(),
      });
      await until(async () => (await shown(apiToken.id)).lastUsedAt, "its use is written down");
    },
  );

  it.each([
    { isReadOnly: false, entity: null },
    { isReadOnly: true, entity: null },
    { isReadOnly: false, entity: { type: "USER", name: "alice" } },
    { isReadOnly: true, entity: { type: "RUN", name: "run 7" } },
  ])("makes a token of one tenant, narrowed as it is told: %j", async ({ isReadOnly, entity }) => {
    const wish = { kind: "TENANT", tenantKey, isReadOnly, entity };
    const { token, apiToken } = await newToken(world, wish);
    const entityType = entity?.type.toLowerCase() ?? null;
    const of = { tenant: { key: tenantKey }, entityType, entityName: entity?.name ?? null };
    expect(apiToken).toMatchObject({ kind: "TENANT", isReadOnly, ...of });
    expect(await viewer(token)).toEqual({
      ...{ actor: apiToken.actor, ...of },
      scopes: [...tenantScopes({ isReadOnly, hasEntity: entity !== null })].toSorted(),
    });
  });

  it("makes another one each time", async () => {
    const [one, other] = [
      await newToken(world, { kind: "AUDITOR" }),
      await newToken(world, { kind: "AUDITOR" }),
    ];
    expect(one.token).not.toBe(other.token);
    expect(one.apiToken.actor).not.toBe(other.apiToken.actor);
  });

  it("refuses a label that is empty, of more than 100 characters, or of more than one line", async () => {
    for (const label of ["", "   ", "x".repeat(101), "two\nlines", "\u0000", "\ud83d"])
      expect(problemsOf(await create({ kind: "ADMIN", label })), JSON.stringify(label)).toEqual(["label"]);
    expect((await create({ kind: "ADMIN", label: "é".repeat(100) })).__typename).toBe("ApiTokenPayload");
  });

  it("refuses a lifetime below a minute or above a year, and ends the token after any other", async () => {
    for (const lifetimeMs of [0, -1, 59_999, 31_536_000_001, 60_000.5])
      expect(problemsOf(await create({ kind: "ADMIN", lifetimeMs })), String(lifetimeMs)).toEqual([
        "lifetimeMs",
      ]);
    for (const lifetimeMs of [60_000, 31_536_000_000]) {
      const { apiToken } = await newToken(world, { kind: "ADMIN", lifetimeMs });
      const { rows } = await client.query<{ left: number }>(
        "SELECT (extract(epoch FROM $1::timestamptz - now()) * 1000)::float8 AS left",
        [apiToken.expiresAt],
      );
      expect(rows[0]?.left).toBeLessThanOrEqual(lifetimeMs);
      expect(rows[0]?.left).toBeGreaterThan(lifetimeMs - 10_000);
    }
  });

  it("needs the tenant's key for a token of a tenant, and takes nothing of a tenant's for any other", async () => {
    expect(problemsOf(await create({ kind: "TENANT" }))).toEqual(["tenantKey"]);
    for (const kind of ["ADMIN", "PROVISIONER", "OFFBOARDER", "AUDITOR"]) {
      const entity = { type: "USER", name: "alice" };
      const wish = { kind, tenantKey, isReadOnly: true, entity };
      expect(problemsOf(await create(wish))).toEqual(["tenantKey", "isReadOnly", "entity"]);
    }
  });

  it("refuses a name of an entity that would stand for all, for none, or for nothing that can be asked for", async () => {
    for (const name of ["", "  ", "*", "al*ce", "x".repeat(256), "a\u0000b", "\ud83d"]) {
      const answer = await create({ kind: "TENANT", tenantKey, entity: { type: "USER", name } });
      expect(problemsOf(answer), JSON.stringify(name)).toEqual(["entity.name"]);
    }
  });

  it("refuses a token without a reason", async () => {
    expect(problemsOf(await create({ kind: "ADMIN", reason: " " }))).toEqual(["reason"]);
  });

  it("makes none for a tenant that never was or is closed, and the audit says that it was asked to", async () => {
    const gone = freshKey();
    await signUp(world, { key: gone });
    await offboard(world, { key: gone });
    for (const [key, refusal] of [
      [freshKey(), "TENANT_NOT_FOUND"],
      [gone, "TENANT_STATUS_REFUSED"],
    ] as const) {
      const reason = `For ${key}.`;
      const before = await world.prisma.apiToken.count();
      expect(await create({ kind: "TENANT", tenantKey: key, reason })).toMatchObject({ code: refusal });
      expect(await world.prisma.apiToken.count()).toBe(before);
      const events = (await audited("createApiToken")).filter((event) => event.reason === reason);
      expect(events).toContainEqual(
        expect.objectContaining({ actor: "admin", decision: "REFUSED", refusal }),
      );
    }
  });

  it("is audited by whoever asked for it, with what the token is and nothing of what it says", async () => {
    const admin = await newToken(world, { kind: "ADMIN" });
    const reason = `For ${freshKey()}.`;
    const made = await sendAs<{ createApiToken: MadeToken }>(
      ...[world, admin.token],
      `mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) {
        ... on ApiTokenPayload { token apiToken { id createdBy } } } }`,
      { input: { kind: "TENANT", tenantKey, label: "audited", reason } },
    );
    expect(made.data?.createApiToken.apiToken.createdBy).toBe(admin.apiToken.actor);
    const events = (await audited("createApiToken")).filter((event) => event.reason === reason);
    const tenant = await world.prisma.tenant.findFirstOrThrow({ where: { key: tenantKey } });
    expect(events).toContainEqual(
      expect.objectContaining({ actor: admin.apiToken.actor, decision: "ALLOWED", tenantId: tenant.id }),
    );
    expect(JSON.stringify(events)).toContain("audited");
    expect(JSON.stringify(events)).not.toContain(partsOf(made.data?.createApiToken.token ?? "").secret);
  });
});

describe("a token", () => {
  /** Every text in every table, the engine's too, that holds one of these. */
  async function tablesWith(texts: readonly string[]): Promise<string[]> {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    expect(rows.length).toBeGreaterThan(10);
    const found: string[] = [];
    for (const { name } of rows) {
      const all = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      if (all.rows.some(({ row }) => texts.some((text) => row.includes(text)))) found.push(name);
    }
    return found;
  }

  it("is shown once, in the answer that made it, and found nowhere else, however it is used", async () => {
    const send = <Data>(document: string, variables?: object): Promise<Data> =>
      new GraphQLClient(`${elsewhere.url}/graphql`, {
        headers: { authorization: `Bearer ${world.token}` },
      }).request(document, variables);
    const there = { url: elsewhere.url, send };
    const made: MadeToken[] = [];
    for (const kind of ["ADMIN", "PROVISIONER", "AUDITOR"]) made.push(await newToken(there, { kind }));
    made.push(await newToken(there, { kind: "TENANT", tenantKey }));
    const [first] = made;
    if (first === undefined) throw new Error("None was made.");
    made.push(await madeBy(tokenVerb(there, "rotateApiToken", { id: first.apiToken.id })));
    const answers: string[] = [];
    for (const { token, apiToken } of made) {
      // Used well, used for what it may not do, and mistyped.
      for (const text of [token, `${token}0`, token.slice(0, -1)]) {
        answers.push((await sendAs(there, text, "{ viewer { actor } }")).body);
        answers.push((await sendAs(there, text, "{ apiTokens { edges { node { id label } } } }")).body);
        answers.push((await sendAs(there, text, "{ no }")).body);
      }
      answers.push(JSON.stringify(await shown(apiToken.id)));
      answers.push(JSON.stringify(await tokenVerb(there, "revokeApiToken", { id: apiToken.id })));
    }
    answers.push(
      JSON.stringify(await send(`{ apiTokens(first: 100) { edges { cursor node { ${tokenFields} } } } }`)),
    );
    answers.push(JSON.stringify(await world.prisma.auditEvent.findMany()));
    // Used for the first time, so that it is not known yet, and what is logged is of a call by it.
    const unused = await newToken(there, { kind: "AUDITOR" });
    made.push(unused);
    await client.query("ALTER TABLE api_token RENAME TO api_token_away");
    answers.push((await sendAs(there, unused.token, "{ viewer { actor } }")).body);
    await client.query("ALTER TABLE api_token_away RENAME TO api_token");
    expect(logged()).toContain("request failed");
    for (const { token } of made) {
      const { secret, checksum } = partsOf(token);
      // As it is, as a part of it, and as whoever knew the token alone could look for it.
      const bare = createHash("sha256").update(token).digest();
      const forms = [secret, secret.slice(0, 20), secret.slice(-20), `${secret.slice(-6)}${checksum}`];
      const digests = [bare.toString("hex"), bare.toString("base64"), bare.toString("base64url")];
      const bytes = [
        Buffer.from(secret).toString("hex"),
        Buffer.from(secret).toString("base64").slice(0, 40),
      ];
      const all = [...forms, ...digests, ...bytes];
      for (const text of all) expect(answers.join("\n")).not.toContain(text);
      for (const text of all) expect(logged()).not.toContain(text);
      expect(await tablesWith(all)).toEqual([]);
    }
    // What looks for it would find it.
    expect(await tablesWith([first.apiToken.actor.slice("admin:".length)])).toContain("public.api_token");
  });

  it("is listed with all others, the newest first, page by page; a cursor that is none is no fault", async () => {
    const made: string[] = [];
    for (const label of ["one", "two", "three"]) {
      made.push((await newToken(world, { kind: "AUDITOR", label })).apiToken.id);
    }
    interface Page {
      readonly apiTokens: {
        readonly edges: readonly { readonly cursor: string; readonly node: { id: string } }[];
      };
    }
    const page = async (after: string | null) =>
      (
        await world.send<Page>(
          "query ($after: String) { apiTokens(first: 2, after: $after) { edges { cursor node { id } } } }",
          { after },
        )
      ).apiTokens.edges;
    const first = await page(null);
    const second = await page(first.at(-1)?.cursor ?? "");
    expect([...first, ...second].slice(0, 3).map(({ node }) => node.id)).toEqual(made.toReversed());
    for (const cursor of [
      "rubbish",
      "",
      "\u0000",
      Buffer.from("GPC:S:\u0000").toString("base64"),
      first[0]?.node.id,
    ]) {
      const heard = await sendAs(
        ...[world, world.token, "query ($after: String) { apiTokens(after: $after) { edges { cursor } } }"],
        { after: cursor },
      );
      expect(heard.codes, `${JSON.stringify(cursor)}: ${heard.body}`).not.toContain("INTERNAL_SERVER_ERROR");
    }
  });
});

describe("rotateApiToken", () => {
  it("makes the next token of the same caller, and both are taken until the overlap is over", async () => {
    const old = await newToken(world, { kind: "TENANT", tenantKey, isReadOnly: true, label: "rotated" });
    const was = await viewer(old.token);
    const next = await madeBy(rotate(old.apiToken.id, { overlapMs: 1_500 }));
    expect(await viewer(old.token)).toEqual(was);
    expect(await viewer(next.token)).toEqual(was);
    expect(next.token).not.toBe(old.token);
    expect(next.apiToken).toMatchObject({
      ...{ kind: "TENANT", label: "rotated", isReadOnly: true, actor: old.apiToken.actor, expiresAt: null },
      ...{ tenant: { key: tenantKey }, replacedAt: null },
    });
    const replaced = await shown(old.apiToken.id);
    expect(Date.parse(replaced.expiresAt ?? "") - Date.parse(replaced.replacedAt ?? "")).toBe(1_500);
    await notTaken(old.token);
    expect(await viewer(next.token)).toEqual(was);
  });

  it("ends the old one at once without an overlap, and an hour later by default", async () => {
    const old = await newToken(world, { kind: "AUDITOR" });
    const next = await madeBy(rotate(old.apiToken.id, { overlapMs: 0 }));
    await notTaken(old.token);
    await madeBy(rotate(next.apiToken.id));
    const { expiresAt, replacedAt } = await shown(next.apiToken.id);
    expect(Date.parse(expiresAt ?? "") - Date.parse(replacedAt ?? "")).toBe(3_600_000);
  });

  it("does not let the old one live longer than it would have", async () => {
    const old = await newToken(world, { kind: "AUDITOR", lifetimeMs: 60_000 });
    await madeBy(rotate(old.apiToken.id, { overlapMs: 604_800_000, lifetimeMs: 31_536_000_000 }));
    expect((await shown(old.apiToken.id)).expiresAt).toBe(old.apiToken.expiresAt);
  });

  it("keeps the actor, so that a sign-up that is sent again is known again", async () => {
    const old = await newToken(world, { kind: "PROVISIONER" });
    const input = { key: freshKey(), name: "Acme Inc.", idempotencyKey: freshKey(), waitMs: 20_000 };
    const send = async (token: string) => {
      const { data } = await sendAs<{ signUpTenant: { __typename: string; operation: object } }>(
        ...[world, token],
        `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename
          ... on SignUpTenantPayload { operation { id actor } } } }`,
        { input },
      );
      return data?.signUpTenant;
    };
    const first = await send(old.token);
    expect(first?.operation).toMatchObject({ actor: old.apiToken.actor });
    const next = await madeBy(rotate(old.apiToken.id, { overlapMs: 0 }));
    expect(await send(next.token)).toEqual(first);
    // Another caller's key is another intent.
    expect(await send((await newToken(world, { kind: "PROVISIONER" })).token)).toMatchObject({
      __typename: "TenantKeyTaken",
    });
  });

  it("has one winner when several rotate one token at once", async () => {
    for (let round = 0; round < 3; round += 1) {
      const { apiToken } = await newToken(world, { kind: "AUDITOR" });
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => rotate(apiToken.id, { overlapMs: 1_000 })),
      );
      const made = answers.filter(({ __typename }) => __typename === "ApiTokenPayload");
      expect(made).toHaveLength(1);
      expect(answers.filter(({ code }) => code === "API_TOKEN_ENDED")).toHaveLength(5);
      const lineId = apiToken.actor.slice("auditor:".length);
      const line = await world.prisma.apiToken.findMany({ where: { lineId, replacedAt: null } });
      expect(line).toHaveLength(1);
    }
  });

  it("refuses one that was replaced, was revoked or has expired, and the audit says so", async () => {
    const replaced = await newToken(world, { kind: "AUDITOR" });
    await madeBy(rotate(replaced.apiToken.id));
    const revoked = await newToken(world, { kind: "AUDITOR" });
    await revoke(revoked.apiToken.id);
    const expired = await newToken(world, { kind: "AUDITOR", lifetimeMs: 60_000 });
    await client.query("UPDATE api_token SET expires_at = now() WHERE id = $1", [
      expired.apiToken.actor.slice("auditor:".length),
    ]);
    for (const { apiToken } of [replaced, revoked, expired]) {
      const reason = `For ${freshKey()}.`;
      expect(await rotate(apiToken.id, { reason })).toMatchObject({ code: "API_TOKEN_ENDED" });
      const events = (await audited("rotateApiToken")).filter((event) => event.reason === reason);
      expect(events).toContainEqual(
        expect.objectContaining({ actor: "admin", decision: "REFUSED", refusal: "API_TOKEN_ENDED" }),
      );
    }
  });

  it("refuses an overlap below none or above a week, and a lifetime as a new token's", async () => {
    const { apiToken } = await newToken(world, { kind: "AUDITOR" });
    for (const overlapMs of [-1, 604_800_001])
      expect(problemsOf(await rotate(apiToken.id, { overlapMs }))).toEqual(["overlapMs"]);
    expect(problemsOf(await rotate(apiToken.id, { lifetimeMs: 1 }))).toEqual(["lifetimeMs"]);
    expect((await shown(apiToken.id)).replacedAt).toBeNull();
  });
});

describe("revokeApiToken", () => {
  it("ends a token for good, and a repeat answers the same", async () => {
    const { token, apiToken } = await newToken(world, { kind: "AUDITOR" });
    expect(await viewer(token)).not.toBeNull();
    const reason = `For ${freshKey()}.`;
    const first = await revoke(apiToken.id, { reason });
    expect(first.apiToken).toMatchObject({ id: apiToken.id, revokedBy: "admin" });
    await notTaken(token);
    expect(await revoke(apiToken.id, { reason })).toEqual(first);
    const events = (await audited("revokeApiToken")).filter((event) => event.reason === reason);
    expect(events).toContainEqual(expect.objectContaining({ actor: "admin", decision: "ALLOWED" }));
  });

  it("leaves the others of its line", async () => {
    const old = await newToken(world, { kind: "AUDITOR" });
    const next = await madeBy(rotate(old.apiToken.id));
    await revoke(old.apiToken.id);
    await notTaken(old.token);
    expect(await viewer(next.token)).not.toBeNull();
  });

  it("ends what its caller watches: nothing more of it is told", async () => {
    const { token, apiToken } = await newToken(world, { kind: "AUDITOR" });
    const operation = await insertPlainOperation(world);
    const following = await followOperation({ url: world.url, token }, operation.globalId);
    expect((await following.next())?.data?.operationUpdated.id).toBe(operation.globalId);
    await revoke(apiToken.id);
    await notTaken(token);
    // It ends without a result, and without saying that it is complete, which it is not.
    const rest = following.rest();
    await touchStep(world, operation);
    await expect(rest).rejects.toThrow(/without saying that it is complete/);
    await until(async () => world.watch.followers() === 0, "nobody follows");
  });

  it.each(["rotateApiToken", "revokeApiToken"] as const)(
    "(and %s the same) answers an id of nothing, of something else and of no form alike",
    async (verb) => {
      const id = (typename: string, own: string) => Buffer.from(`${typename}:${own}`).toString("base64");
      const answers: TokenAnswer[] = [];
      for (const strange of [
        id("ApiToken", newId("tok")),
        id("ApiToken", "tok_"),
        id("ApiToken", `${newId("tok")}' OR 1=1`.replaceAll(" ", "")),
        id("Operation", newId("op")),
        id("Tenant", newId("tok")),
      ]) {
        answers.push(await tokenVerb(world, verb, { id: strange }));
      }
      expect(answers[0]).toMatchObject({ __typename: "ApiTokenNotFound", code: "API_TOKEN_NOT_FOUND" });
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    },
  );
});

describe("the tokens of a tenant", () => {
  it("end when it is off-boarded, and only its own do", async () => {
    const key = freshKey();
    await signUp(world, { key });
    const own = [
      await newToken(world, { kind: "TENANT", tenantKey: key }),
      await newToken(world, { kind: "TENANT", tenantKey: key, entity: { type: "USER", name: "alice" } }),
    ];
    const others = [
      await newToken(world, { kind: "TENANT", tenantKey }),
      await newToken(world, { kind: "PROVISIONER" }),
    ];
    for (const { token } of [...own, ...others]) expect(await viewer(token)).not.toBeNull();
    await offboard(world, { key });
    for (const { token, apiToken } of own) {
      await notTaken(token);
      expect(await shown(apiToken.id)).toMatchObject({ revokedBy: "loci" });
      expect(await rotate(apiToken.id)).toMatchObject({ code: "API_TOKEN_ENDED" });
    }
    for (const { token } of others) expect(await viewer(token)).not.toBeNull();
    // The next tenant of the key is another one, and needs tokens of its own.
    await signUp(world, { key });
    for (const { token } of own) expect(await viewer(token)).toBeNull();
  });
});
