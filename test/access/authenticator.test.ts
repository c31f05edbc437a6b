import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ApiTokens,
  createApiToken,
  revokeApiToken,
  type TokenWish,
} from "../../src/access/api-tokens.ts";
import { type AuthenticatorOptions, createAuthenticator } from "../../src/access/authenticator.ts";
import { type Caller, roleScopes, scopes, tenantScopes } from "../../src/access/caller.ts";
import { makeToken } from "../../src/access/token-format.ts";
import { TokenKey } from "../../src/access/token-key.ts";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import type { PrismaClient } from "../../src/generated/prisma/client.ts";
import { createKeyRing } from "../../src/memory-access/key-ring.ts";
import { CannotOpen } from "../../src/memory-access/sealed-secret.ts";
import { insertToken } from "../../src/tenants/api-tokens.ts";
import { newId } from "../../src/tenants/ids.ts";
import { openMarkerSecret } from "../../src/tenants/installation.ts";
import { until } from "../main-job.ts";
import { insertTenant } from "../tenants/legal-rows.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import { partsOf, withChecksum } from "./token-text.ts";

const adminToken = "test-admin-token-0123456789";
const ring = createKeyRing([randomBytes(32)]);
const silent = pino({ level: "silent" });
const by = { actor: "admin", reason: "A test." };

let testDatabase: TestDatabase;
let database: Database;
let client: pg.Client;
let apiTokens: ApiTokens;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase(testDatabase.connectionString);
  client = new pg.Client({ connectionString: testDatabase.connectionString });
  await client.connect();
  await openMarkerSecret(database.prisma);
  apiTokens = { prisma: database.prisma, tokenKey: new TokenKey(database.prisma, ring) };
});
afterAll(async () => {
  await client?.end();
  await database?.close();
  await testDatabase?.drop();
});

/** Another installation, of which nobody has a token yet. */
async function openElsewhere() {
  const fresh = await createTestDatabase();
  const opened = await openDatabase(fresh.connectionString);
  await openMarkerSecret(opened.prisma);
  return {
    ...{ prisma: opened.prisma, drop: fresh.drop },
    close: async () => {
      await opened.close();
      await fresh.drop();
    },
  };
}

/** What is asked of the database from now on: how many look-ups, and how often the last use is written. */
function counting() {
  const seen = { reads: 0, writes: [] as Promise<unknown>[] };
  const prisma = new Proxy(database.prisma, {
    get(target, property): unknown {
      if (property === "$queryRaw") seen.reads += 1;
      const found: unknown = Reflect.get(target, property, target);
      if (property !== "$executeRaw" || typeof found !== "function") return found;
      return (...args: unknown[]) => {
        // Of a method of Prisma's that is called as Prisma would.
        const written = Reflect.apply(found, target, args) as Promise<unknown>;
        seen.writes.push(written);
        return written;
      };
    },
  });
  return { seen, prisma };
}

/** A process that lets callers in. */
function door(options: Partial<AuthenticatorOptions> = {}) {
  const tokenKey = new TokenKey(database.prisma, ring);
  const { authenticate } = createAuthenticator({
    ...{ prisma: database.prisma, adminToken, tokenKey, log: silent },
    ...options,
  });
  return (token: string): Promise<Caller | null> => authenticate(`Bearer ${token}`);
}

async function make(wish: Partial<TokenWish> = {}): Promise<{ id: string; token: string }> {
  const { row, token } = await createApiToken(apiTokens, by, {
    ...{ kind: "AUDITOR", label: "test", tenantKey: null, isReadOnly: false, entity: null, lifetimeMs: null },
    ...wish,
  });
  return { id: row.id, token: token.reveal() };
}

/** A new tenant, ACTIVE; its key is its id. */
const tenant = () => insertTenant(client, { status: "ACTIVE" });

describe("a token's caller", () => {
  it.each(["admin", "provisioner", "offboarder", "auditor"] as const)(
    "is %s, with what that may do and no more, bound to no tenant",
    async (role) => {
      const { id, token } = await make({ kind: role.toUpperCase() as Uppercase<typeof role> });
      expect(await door()(token)).toEqual({
        ...{ actor: `${role}:${id}`, scopes: new Set(roleScopes[role]), tenantId: null, entity: null },
      });
    },
  );

  it("is bound to the tenant it was made for, and may only read where it was made so", async () => {
    const tenantKey = await tenant();
    for (const isReadOnly of [false, true]) {
      const { id, token } = await make({ kind: "TENANT", tenantKey, isReadOnly });
      expect(await door()(token)).toEqual({
        ...{ actor: `tenant:${id}`, tenantId: tenantKey, entity: null },
        scopes: new Set(tenantScopes({ isReadOnly, hasEntity: false })),
      });
    }
  });

  it.each(["user", "agent", "app", "run"] as const)(
    "is bound to the one %s it was made for",
    async (type) => {
      const tenantKey = await tenant();
      const entity = { type, id: "alice@acme.test" };
      const { token } = await make({ kind: "TENANT", tenantKey, entity });
      expect(await door()(token)).toMatchObject({
        ...{ tenantId: tenantKey, entity },
        scopes: new Set(tenantScopes({ isReadOnly: false, hasEntity: true })),
      });
    },
  );

  it("is the admin for the token of the configuration, for which the database is not asked", async () => {
    const { seen, prisma } = counting();
    expect(await door({ prisma })(adminToken)).toMatchObject({ actor: "admin", scopes: new Set(scopes) });
    expect(seen).toEqual({ reads: 0, writes: [] });
  });
});

describe("nobody is let in", () => {
  it("by another secret with the id of a token that there is", async () => {
    const { id } = await make();
    expect(await door()(makeToken({ kind: "auditor", id }))).toBeNull();
  });

  it("by the secret of one token with the id of another", async () => {
    const [one, other] = [await make(), await make()];
    expect(await door()(withChecksum(partsOf(one.token).prefix + partsOf(other.token).secret))).toBeNull();
  });

  it("by a token whose kind was written over", async () => {
    const { token } = await make();
    const { prefix, secret } = partsOf(token);
    const forged = withChecksum(`${prefix.replace("auditor", "admin")}${secret}`);
    expect(await door()(forged)).toBeNull();
    expect(await door()(token)).not.toBeNull();
  });

  it("by a token that says another kind than its row, even if its hash were there", async () => {
    const id = newId("tok");
    const token = makeToken({ kind: "admin", id });
    const hash = await apiTokens.tokenKey.hashOfNew(token);
    await database.prisma.$transaction((tx) =>
      insertToken(tx, {
        ...{ id, lineId: id, kind: "AUDITOR", label: "forged", tenantId: null, isReadOnly: false, hash },
        ...{ entityType: null, entityId: null, createdBy: "admin", lifetimeMs: null },
      }),
    );
    expect(await door()(token)).toBeNull();
  });

  it("by what is mistyped or made up, for which the database is not asked", async () => {
    const { seen, prisma } = counting();
    const enter = door({ prisma });
    const { token } = await make();
    const { authenticate } = createAuthenticator({ ...apiTokens, prisma, adminToken, log: silent });
    for (const text of [token.slice(0, -1), `${token}0`, token.toLowerCase(), "loci_admin_x", "null"])
      expect(await enter(text)).toBeNull();
    for (const header of [undefined, "", token, `Basic ${token}`, `Bearer ${token} ${token}`])
      expect(await authenticate(header)).toBeNull();
    expect(seen.reads).toBe(0);
    expect(await enter(makeToken({ kind: "admin", id: newId("tok") }))).toBeNull();
    expect(seen.reads).toBe(1);
  });

  it("by a process that has no key-encryption key, or had no token made yet", async () => {
    const { token } = await make();
    expect(await door({ tokenKey: new TokenKey(database.prisma, null) })(token)).toBeNull();
    const none = { hash: () => Promise.resolve(null) };
    expect(await door({ tokenKey: none })(token)).toBeNull();
  });

  it("by a process with another key-encryption key, which cannot tell: it fails instead", async () => {
    const { token } = await make();
    const other = new TokenKey(database.prisma, createKeyRing([randomBytes(32)]));
    await expect(door({ tokenKey: other })(token)).rejects.toThrow(CannotOpen);
  });

  it("while the database cannot tell, and as soon as it can everybody who may be is", async () => {
    const { token } = await make();
    const enter = door();
    await client.query("ALTER TABLE api_token RENAME TO api_token_away");
    try {
      await expect(enter(token)).rejects.toThrow(/api_token/);
      expect(await enter(adminToken)).not.toBeNull();
    } finally {
      await client.query("ALTER TABLE api_token_away RENAME TO api_token");
    }
    expect(await enter(token)).not.toBeNull();
  });

  it("when the database is away", async () => {
    const { prisma, drop, close } = await openElsewhere();
    try {
      const tokenKey = new TokenKey(prisma, ring);
      const wish = { kind: "ADMIN", label: "test", tenantKey: null, entity: null, lifetimeMs: null } as const;
      const { token } = await createApiToken({ prisma, tokenKey }, by, {
        ...{ ...wish, isReadOnly: false },
      });
      await drop();
      await expect(door({ prisma, tokenKey })(token.reveal())).rejects.toThrow();
    } finally {
      await close();
    }
  });
});

describe("a token that has ended", () => {
  it("is not taken from its end on by the database's clock, also by who has just read it", async () => {
    const { token } = await make({ lifetimeMs: 200 });
    const { seen, prisma } = counting();
    const enter = door({ prisma });
    expect(await enter(token)).not.toBeNull();
    await until(async () => (await enter(token)) === null, "it has expired");
    // By what was known of it, and not because it was read again.
    expect(seen.reads).toBe(1);
    const { rows } = await client.query<{ over: boolean }>(
      "SELECT expires_at <= now() AS over FROM api_token ORDER BY id DESC LIMIT 1",
    );
    expect(rows).toEqual([{ over: true }]);
  });

  it("is not taken though the process's own clock is late", async () => {
    const { id, token } = await make({ lifetimeMs: 3_600_000 });
    await client.query("UPDATE api_token SET expires_at = now() - interval '1 ms' WHERE id = $1", [id]);
    expect(await door()(token)).toBeNull();
  });

  it("is taken by no process for longer than a second after it was revoked, whatever each has read of it", async () => {
    const { id, token } = await make();
    const processes = [door(), door(), door()];
    for (const enter of processes) expect(await enter(token)).not.toBeNull();
    let revokedMs = Number.POSITIVE_INFINITY;
    const letIn: number[] = [];
    const knock = async (enter: (typeof processes)[number], startMs: number) => {
      await sleep(startMs);
      while (performance.now() < revokedMs + 1_300) {
        const begunMs = performance.now();
        if ((await enter(token)) !== null) letIn.push(begunMs);
        await sleep(5);
      }
    };
    const knocking = processes.map((enter, index) => knock(enter, index * 300));
    await sleep(1_500);
    await revokeApiToken(apiTokens, by, id);
    revokedMs = performance.now();
    await Promise.all(knocking);
    const last = Math.max(...letIn);
    // They were let in up to it, so that what is measured is its end; and then for a second at most.
    expect(last).toBeGreaterThan(revokedMs - 1_000);
    expect(last - revokedMs).toBeLessThan(1_000);
  });

  it("is not taken once its tenant is closed", async () => {
    const tenantKey = await insertTenant(client, {});
    const { token } = await make({ kind: "TENANT", tenantKey });
    expect(await door()(token)).not.toBeNull();
    await client.query("UPDATE tenant SET status = 'FAILED', closed_at = now() WHERE id = $1", [tenantKey]);
    expect(await door()(token)).toBeNull();
  });
});

describe("letting a caller in", () => {
  it("costs one look-up of a token a second, however many calls there are", async () => {
    const { token } = await make();
    const { seen, prisma } = counting();
    const enter = door({ prisma });
    const startMs = performance.now();
    let calls = 0;
    while (performance.now() - startMs < 2_200) {
      const callers = await Promise.all(Array.from({ length: 50 }, () => enter(token)));
      expect(callers.every((caller) => caller !== null)).toBe(true);
      calls += callers.length;
      await sleep(1);
    }
    const seconds = Math.ceil((performance.now() - startMs) / 1_000);
    expect(calls).toBeGreaterThan(1_000);
    expect(seen.reads).toBeGreaterThan(1);
    expect(seen.reads).toBeLessThanOrEqual(seconds);
    expect(seen.writes).toHaveLength(1);
  });

  it("writes the last use down once a minute, by whichever process it is", async () => {
    const { id, token } = await make();
    const lastUse = async () =>
      (await database.prisma.apiToken.findUniqueOrThrow({ where: { id } })).lastUsedAt;
    const useElsewhere = async () => {
      const { seen, prisma } = counting();
      expect(await door({ prisma })(token)).not.toBeNull();
      await Promise.all(seen.writes);
      return lastUse();
    };
    expect(await lastUse()).toBeNull();
    const first = await useElsewhere();
    expect(first).not.toBeNull();
    const setBack = (seconds: number) =>
      client.query("UPDATE api_token SET last_used_at = now() - $2 * interval '1 s' WHERE id = $1", [
        id,
        seconds,
      ]);
    await setBack(55);
    const recent = await lastUse();
    expect(await useElsewhere()).toEqual(recent);
    await setBack(61);
    const before = await lastUse();
    expect((await useElsewhere())?.getTime()).toBeGreaterThan((before?.getTime() ?? 0) + 60_000);
  });

  it("does not fail because the last use could not be written", async () => {
    const { token } = await make();
    const prisma: PrismaClient = new Proxy(database.prisma, {
      get(target, property): unknown {
        if (property === "$executeRaw") return () => Promise.reject(new Error("The disk is full."));
        return Reflect.get(target, property, target);
      },
    });
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
    const enter = door({ prisma, log });
    expect(await enter(token)).not.toBeNull();
    await until(async () => lines.length > 0, "it was logged");
    expect(lines.join("")).not.toContain(partsOf(token).secret);
  });

  it("compares hashes in a time that tells nothing, and by nothing else", async () => {
    // What it takes cannot be measured without failing now and then; what is written can be read.
    const source = await readFile("src/access/authenticator.ts", "utf8");
    expect(source.match(/timingSafeEqual\(hash, token\.hash\)/g)).toHaveLength(1);
    expect(source).not.toMatch(/hash\)?\s*[!=]==?\s+(?!null)|\.equals\(|compare\(/);
  });
});

describe("the key that tokens are hashed by", () => {
  it("is made once, also when two processes make their first token at the same time", async () => {
    const { prisma, close } = await openElsewhere();
    try {
      const keys = Array.from({ length: 8 }, () => new TokenKey(prisma, ring));
      const hashes = await Promise.all(keys.map((key) => key.hashOfNew("any")));
      expect(new Set(hashes.map((hash) => Buffer.from(hash).toString("hex"))).size).toBe(1);
    } finally {
      await close();
    }
  });

  it("is needed to tell a token from its hash: the same token has another one in another installation", async () => {
    const { prisma, close } = await openElsewhere();
    try {
      const elsewhere = await new TokenKey(prisma, ring).hashOfNew("any");
      expect(elsewhere).not.toEqual(await apiTokens.tokenKey.hashOfNew("any"));
      expect(elsewhere).toHaveLength(32);
    } finally {
      await close();
    }
  });
});
