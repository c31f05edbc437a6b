import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TokenKey } from "../../src/access/token-key.ts";
import { createKeyRing, type KeyRing } from "../../src/memory-access/key-ring.ts";
import { countBySealingKey, rotateEncryptionKey } from "../../src/memory-access/rewrap.ts";
import { open, seal, sealingKeyIdOf } from "../../src/memory-access/sealed-secret.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import { lockLinking } from "../../src/tenants/mem0-accounts.ts";
import {
  readSealed,
  replaceSealed,
  type SealedPlace,
  sealedColumns,
  sealedPlaces,
} from "../../src/tenants/sealed-values.ts";
import { newToken, sendAs } from "../access/token-rig.ts";
import { startProcess } from "../isolation/rig.ts";
import { until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { linkedCustomer, makeCustomer } from "./account-rig.ts";
import { attachNew, openDoorElsewhere, place, reaches } from "./key-rig.ts";

/** Everything that is sealed, before and after the key-encryption key was changed. */

const old = randomBytes(32);
const fresh = randomBytes(32);
const oldRing = createKeyRing([old]);
/** Of processes that were started with the new key in front of the old one. */
const ring = createKeyRing([fresh, old]);
const [oldId, freshId] = [oldRing.sealing.id, ring.sealing.id];
const by = { actor: "admin", reason: "The old one was seen." };

let world: World;
/** One that was made before anything was rotated. */
let token: string;

beforeAll(async () => {
  world = await createWorld();
  for (let made = 0; made < 3; made += 1) await attachNew(world, await place(world));
  await linkedCustomer(world);
  ({ token } = await newToken(world, { kind: "AUDITOR" }));
});
afterAll(() => world?.close());

interface Lying {
  readonly place: SealedPlace;
  readonly id: string;
  readonly sealed: unknown;
}

async function allSealed(): Promise<Lying[]> {
  const found: Lying[] = [];
  for (const place of sealedPlaces) {
    const values = await readSealed(world.prisma, place, { after: "", limit: 1_000 });
    found.push(...values.map((value) => ({ place, ...value })));
  }
  return found;
}

/** The secrets as a process with this ring reads them. */
async function revealed(by: KeyRing): Promise<string[]> {
  const all = await allSealed();
  const opened = all.map(({ place: purpose, id, sealed }) => open(by, sealed, { purpose, id }));
  return (await Promise.all(opened)).map((secret) => secret.reveal());
}

function put(place: SealedPlace, id: string, sealed: object): Promise<unknown> {
  const { table, column } = sealedColumns[place];
  const where = table === "installation" ? "id = 1" : `id = '${id}'`;
  return world.prisma.$executeRawUnsafe(
    `UPDATE ${table} SET ${column} = $1::jsonb WHERE ${where}`,
    JSON.stringify(sealed),
  );
}

/** A process whose prisma is this one. */
const workOf = (of: KeyRing | null) => ({ prisma: world.prisma, ring: of });
const rotate = (limits?: { batch: number; timeoutMs: number }) =>
  rotateEncryptionKey(workOf(ring), by, limits);
const audited = () =>
  world.prisma.auditEvent.findMany({ where: { action: "rotateEncryptionKey" }, orderBy: { id: "asc" } });

beforeEach(async () => {
  // All of it as it is when the new key was just configured, the audit's key included, which no test here made.
  const auditKey = await seal(oldRing, new Secret("of the audit"), {
    purpose: "audit-key",
    id: "installation",
  });
  await put("audit-key", "installation", auditKey);
  for (const { place: purpose, id, sealed } of await allSealed()) {
    if (purpose === "audit-key") continue;
    const known = createKeyRing([
      old,
      fresh,
      ...(world.projectKeys.ring?.keys ?? []).map(({ bytes }) => bytes),
    ]);
    const secret = await open(known, sealed, { purpose, id });
    await put(purpose, id, await seal(oldRing, secret, { purpose, id }));
  }
});

describe("everything that is sealed", () => {
  it("is known by its column: there is none that a rotation would pass by", async () => {
    const columns = await world.prisma.$queryRaw<{ table: string; column: string }[]>`
      SELECT table_name AS table, column_name AS column FROM information_schema.columns
      WHERE table_schema = 'public' AND column_name LIKE 'sealed%' AND data_type = 'jsonb'`;
    const named = (all: readonly { table: string; column: string }[]) =>
      all.map(({ table, column }) => `${table}.${column}`).toSorted();
    expect(named(columns)).toEqual(named(Object.values(sealedColumns)));
    expect(new Set((await allSealed()).map((lying) => lying.place)).size).toBe(sealedPlaces.length);
  });

  it("opens by the new key alone after a rotation, and is the same as before", async () => {
    const before = await revealed(oldRing);
    const rotated = await rotate({ batch: 2, timeoutMs: 20_000 });
    expect(rotated).toEqual({
      ...{ keyId: freshId, alreadyCurrent: 0, unopenable: [], damaged: 0, isComplete: true },
      rewrapped: [{ keyId: oldId, count: before.length }],
    });
    expect(await revealed(createKeyRing([fresh]))).toEqual(before);
    expect(await countBySealingKey(world)).toEqual(new Map([[freshId, before.length]]));
  });

  it("stays byte by byte as it is when a rotation is repeated, which says so", async () => {
    await rotate();
    const [before, events] = [await allSealed(), await audited()];
    const repeated = await rotate();
    expect(repeated).toMatchObject({ rewrapped: [], alreadyCurrent: before.length, isComplete: true });
    expect(await allSealed()).toEqual(before);
    expect(await audited()).toEqual(events);
  });

  it("stays where its key is not there, or where it is damaged, and the answer says how many and which key", async () => {
    const lost = createKeyRing([randomBytes(32)]);
    const [one, other, ...rest] = (await allSealed()).filter((lying) => lying.place === "project-key");
    if (one === undefined || other === undefined) throw new Error("There are too few keys.");
    const foreign = await seal(lost, new Secret("any"), { purpose: "project-key", id: one.id });
    await put("project-key", one.id, foreign);
    // A key of another row, which is what a swapped ciphertext is.
    const swapped = await seal(oldRing, new Secret("any"), { purpose: "project-key", id: rest[0]?.id ?? "" });
    await put("project-key", other.id, swapped);
    const rotated = await rotate();
    expect(rotated).toMatchObject({ damaged: 1, unopenable: [{ keyId: lost.sealing.id, count: 1 }] });
    const lying = new Map((await allSealed()).map(({ id, sealed }) => [id, sealed]));
    expect(lying.get(one.id)).toEqual(foreign);
    expect(lying.get(other.id)).toEqual(swapped);
    // With the key that was missing the rest follows.
    const lostKey = lost.sealing.bytes;
    const again = await rotateEncryptionKey(workOf(createKeyRing([fresh, lostKey])), by);
    expect(again.rewrapped).toEqual([{ keyId: lost.sealing.id, count: 1 }]);
    // The damaged one is given again for the tests to come.
    await put(
      "project-key",
      other.id,
      await seal(oldRing, new Secret("any"), { purpose: "project-key", id: other.id }),
    );
  });

  it("is refused to be rotated by a process that has no key, and that is audited", async () => {
    await expect(rotateEncryptionKey(workOf(null), by)).rejects.toMatchObject({
      code: "ENCRYPTION_KEY_MISSING",
    });
    expect((await audited()).at(-1)).toMatchObject({
      decision: "REFUSED",
      refusal: "ENCRYPTION_KEY_MISSING",
    });
  });
});

describe("a rotation", () => {
  it("never overwrites what was replaced or forgotten after it was read", async () => {
    const [one, other] = (await allSealed()).filter((lying) => lying.place === "project-key");
    if (one === undefined || other === undefined) throw new Error("There are too few keys.");
    const next = await seal(ring, new Secret("stale"), { purpose: "project-key", id: one.id });
    const replacement = await seal(oldRing, new Secret("replaced"), { purpose: "project-key", id: one.id });
    await put("project-key", one.id, replacement);
    const stale = [
      { ...one, next },
      { ...other, next: { any: "thing" }, sealed: next },
    ];
    const done = await world.prisma.$transaction((tx) => replaceSealed(tx, "project-key", stale));
    expect(done).toEqual(new Set());
    const lying = new Map((await allSealed()).map(({ id, sealed }) => [id, sealed]));
    expect(lying.get(one.id)).toEqual(replacement);
    expect(lying.get(other.id)).toEqual(other.sealed);
  });

  it("waits for nobody who holds a row, says that it is not complete, and goes on from there", async () => {
    const [held] = (await allSealed()).filter((lying) => lying.place === "project-key");
    const total = (await allSealed()).length;
    const first = await world.prisma.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT id FROM project_key WHERE id = ${held?.id ?? ""} FOR UPDATE`;
        return rotate();
      },
      { timeout: 20_000 },
    );
    expect(first).toMatchObject({ isComplete: false, rewrapped: [{ keyId: oldId, count: total - 1 }] });
    const second = await rotate();
    expect(second).toMatchObject({ isComplete: true, rewrapped: [{ keyId: oldId, count: 1 }] });
    expect(second.alreadyCurrent).toBe(total - 1);
  });

  it("that was broken off in the middle leaves everything openable and goes on when it is repeated", async () => {
    const before = await revealed(oldRing);
    let transactions = 0;
    const dying = new Proxy(world.prisma, {
      get(target, property) {
        if (property === "$transaction") {
          transactions += 1;
          if (transactions === 3) throw new Error("The process died.");
        }
        return Reflect.get(target, property, target);
      },
    });
    const limits = { batch: 1, timeoutMs: 20_000 };
    const events = (await audited()).length;
    await expect(rotateEncryptionKey({ prisma: dying, ring }, by, limits)).rejects.toThrow("died");
    expect(await revealed(ring)).toEqual(before);
    // Begun, and nobody says how it ended.
    expect((await audited()).slice(events).map(({ outcome }) => outcome)).toEqual(["ASKED"]);
    const again = await rotate(limits);
    expect(again).toMatchObject({ alreadyCurrent: 2, isComplete: true });
    expect(again.rewrapped).toEqual([{ keyId: oldId, count: before.length - 2 }]);
    expect(await revealed(createKeyRing([fresh]))).toEqual(before);
  });

  it("that has no time left begins nothing more, and says so", async () => {
    const before = await allSealed();
    expect(await rotate({ batch: 2, timeoutMs: 0 })).toMatchObject({ isComplete: false, rewrapped: [] });
    expect(await allSealed()).toEqual(before);
  });

  it("reaches an account whose key is linked again at the same time, which writes back what it read", async () => {
    const customer = await makeCustomer(world);
    const [account] = (await allSealed()).filter((lying) => lying.place === "account-key");
    if (account === undefined) throw new Error(`Nobody is linked, not even ${customer.name}.`);
    const { prisma } = world;
    let rotating: ReturnType<typeof rotate> | undefined;
    await prisma.$transaction(
      async (tx) => {
        await lockLinking(tx);
        const read = await tx.mem0Account.findUniqueOrThrow({ where: { id: account.id } });
        rotating = rotate();
        await until(async () => {
          const waiting = await prisma.$queryRaw<unknown[]>`
            SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
              AND query LIKE '%PLATFORM%'`;
          return waiting.length > 0;
        }, "the rotation waits for whoever is linking");
        await tx.mem0Account.update({ where: { id: account.id }, data: { sealedKey: read.sealedKey ?? {} } });
      },
      { timeout: 20_000 },
    );
    expect(await rotating).toMatchObject({ isComplete: true });
    const { sealedKey } = await prisma.mem0Account.findUniqueOrThrow({ where: { id: account.id } });
    expect(sealingKeyIdOf(sealedKey)).toBe(freshId);
  });

  it("is not noticed by those who use the keys meanwhile", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    const both = [...(world.projectKeys.ring?.keys ?? []).map(({ bytes }) => bytes), old, fresh];
    const { door } = openDoorElsewhere(world, { ring: createKeyRing(both) });
    let isOver = false;
    let calls = 0;
    const calling = (async () => {
      while (!isOver) {
        expect(await reaches(await door.open(tenant.tenantId, "with-body"))).toBe(tenant.projectId);
        calls += 1;
      }
    })();
    try {
      for (const sealing of both) {
        const turned = createKeyRing([sealing, ...both]);
        expect(await rotateEncryptionKey(workOf(turned), by)).toMatchObject({ isComplete: true });
        const from = calls;
        await until(async () => calls > from, "another call was made");
      }
    } finally {
      isOver = true;
      const ended = await Promise.allSettled([calling]);
      await door.close();
      expect(ended).toEqual([{ status: "fulfilled", value: undefined }]);
    }
  });
});

describe("the API", () => {
  interface Rotation {
    readonly __typename: string;
    readonly rewrapped: readonly { readonly keyId: string; readonly count: number }[];
    readonly alreadyCurrent: number;
    readonly isComplete: boolean;
    readonly installation: { readonly encryptionKeys: readonly object[] };
  }

  it("rotates for an operator, shows which keys are in use, and audits what it did", async () => {
    const projectKeys = { ...world.projectKeys, ring };
    const process = await startProcess({ ...world, projectKeys });
    const keyFields = "encryptionKeys { keyId isKnown isSealing sealedValues }";
    const mutation = `mutation ($input: RotateEncryptionKeyInput!) { answer: rotateEncryptionKey(input: $input) {
      __typename ... on RotateEncryptionKeyPayload { keyId alreadyCurrent damaged isComplete
        rewrapped { keyId count } unopenable { keyId count } installation { ${keyFields} } } } }`;
    const ask = async () => {
      const input = { input: { reason: by.reason } };
      const heard = await sendAs<{ answer: Rotation }>(process, world.token, mutation, input);
      if (heard.data === null) throw new Error(heard.body);
      return heard.data.answer;
    };
    const total = (await allSealed()).length;
    const known = { isKnown: true };
    const keysOf = (freshCount: number, oldCount: number) => [
      { keyId: freshId, isSealing: true, sealedValues: freshCount, ...known },
      { keyId: oldId, isSealing: false, sealedValues: oldCount, ...known },
    ];
    try {
      const before = await sendAs<{ installation: object }>(
        ...[process, world.token, `{ installation { ${keyFields} } }`],
      );
      expect(before.data).toEqual({ installation: { encryptionKeys: keysOf(0, total) } });
      const events = (await audited()).length;
      expect(await ask()).toMatchObject({
        ...{ __typename: "RotateEncryptionKeyPayload", isComplete: true, alreadyCurrent: 0 },
        rewrapped: [{ keyId: oldId, count: total }],
        installation: { encryptionKeys: keysOf(total, 0) },
      });
      expect(await ask()).toMatchObject({ rewrapped: [], alreadyCurrent: total });
      const written = (await audited()).slice(events);
      expect(written.map(({ outcome }) => outcome)).toEqual(["ASKED", "DONE", "REPEATED"]);
      expect(new Set(written.slice(0, 2).map(({ callId }) => callId)).size).toBe(1);
      expect(written[1]).toMatchObject({
        ...{ reason: by.reason, decision: "ALLOWED" },
        details: { keyId: freshId, rewrapped: { [oldId]: total }, isComplete: true },
      });
      const told = JSON.stringify(written);
      for (const key of [old, fresh]) expect(told).not.toContain(key.toString("hex"));
    } finally {
      await process.close();
    }
  });

  it("knows the tokens that were made before by the same hashes after", async () => {
    await rotate();
    const tokenId = /^loci_[a-z]+_([^_]+)_/.exec(token)?.[1] ?? "";
    const { hash } = await world.prisma.apiToken.findFirstOrThrow({ where: { id: { endsWith: tokenId } } });
    const elsewhere = new TokenKey(world.prisma, createKeyRing([fresh]));
    expect(Buffer.from((await elsewhere.hash(token)) ?? []).equals(hash)).toBe(true);
  });
});
