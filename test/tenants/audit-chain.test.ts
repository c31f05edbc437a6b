import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { insertEvent } from "../../src/tenants/audit.ts";
import { pruneOnce, readChainHead, sealedEventsMax, sealOnce } from "../../src/tenants/audit-chain.ts";
import { verifyAudit } from "../../src/tenants/verify-audit.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

const key = new Uint8Array(randomBytes(32));
const withKey = async () => key;
const withoutKey = async () => null;

let database: TestDatabase;
let ours: Database;
/** Of somebody who may do anything in the database, and whom no trigger stops. */
let intruder: pg.Client;

beforeEach(async () => {
  database = await createTestDatabase();
  ours = await openDatabase(database.connectionString);
  intruder = new pg.Client({ connectionString: database.connectionString });
  await intruder.connect();
  await intruder.query("SET session_replication_role = replica");
});
afterEach(async () => {
  await intruder?.end();
  await ours?.close();
  await database?.drop();
});

/** Writes events, and seals them as one. */
async function sealed(count: number, openKey: () => Promise<Uint8Array | null> = withKey): Promise<void> {
  for (let made = 0; made < count; made += 1) await event();
  expect(await sealOnce(ours.prisma, openKey)).toBe(count);
}

const event = (details: object = { step: "any", nested: { b: [1, 2.5, null], a: "ü" } }) =>
  insertEvent(ours.prisma, {
    ...{ actor: "admin", action: "skipStep", decision: "ALLOWED", refusal: null, outcome: "DONE" },
    ...{ tenantId: null, operationId: null, reason: "any", details: JSON.parse(JSON.stringify(details)) },
  });

const verify = (options: Partial<Parameters<typeof verifyAudit>[1]> = {}) =>
  verifyAudit(intruder, { key, ...options });

/** What is found, by what it is about. */
const findings = async (options: Parameters<typeof verify>[0] = {}) =>
  (await verify(options)).findings.map(({ what, problem }) => `${what}: ${problem}`);

async function ids(): Promise<string[]> {
  const { rows } = await intruder.query<{ id: string }>("SELECT id FROM audit_event ORDER BY id");
  return rows.map(({ id }) => id);
}

describe("the audit's chain", () => {
  it("holds every event once, in seals that follow from each other, and is found whole", async () => {
    await sealed(3);
    await sealed(2);
    await event();
    expect(await verify()).toEqual({
      ...{ findings: [], seals: 2, prunedSeals: 0, events: 5, waiting: 1, taggedSeals: 2 },
      head: await readChainHead(ours.prisma),
    });
    expect(await sealOnce(ours.prisma, withKey)).toBe(1);
    expect(await sealOnce(ours.prisma, withKey)).toBe(0);
  });

  it("is not forked by processes that seal at once, and leaves nobody's event out", async () => {
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        await event();
        await sealOnce(ours.prisma, withKey);
      }),
    );
    while ((await sealOnce(ours.prisma, withKey)) > 0);
    expect(await verify()).toMatchObject({ findings: [], events: 60, waiting: 0 });
  });

  it("takes an event whose transaction ends late into a later seal, though its id is older", async () => {
    let isWritten = () => {};
    const written = new Promise<void>((resolve) => {
      isWritten = resolve;
    });
    let end = () => {};
    const mayEnd = new Promise<void>((resolve) => {
      end = resolve;
    });
    const late = ours.prisma.$transaction(async (tx) => {
      await insertEvent(tx, {
        ...{ actor: "admin", action: "late", decision: "ALLOWED", refusal: null, outcome: "DONE" },
        ...{ tenantId: null, operationId: null, reason: "", details: {} },
      });
      isWritten();
      await mayEnd;
    });
    await written;
    await sealed(2);
    end();
    await late;
    expect(await sealOnce(ours.prisma, withKey)).toBe(1);
    expect(await verify()).toMatchObject({ findings: [], events: 3, seals: 2 });
  });

  it("seals at most a thousand events at once, and what was there before there was a chain", async () => {
    await ours.pool.query(
      `INSERT INTO audit_event (id, at, actor, action, decision, reason, details)
       SELECT 'aud_' || lpad(n::text, 26, '0'), now() - interval '30 days' + n * interval '1 minute', 'admin', 'skipStep',
         'ALLOWED', 'any', '{}' FROM generate_series(1, 1500) n`,
    );
    expect(await sealOnce(ours.prisma, withKey)).toBe(sealedEventsMax);
    expect(await sealOnce(ours.prisma, withKey)).toBe(500);
    expect(await verify()).toMatchObject({ findings: [], events: 1500 });
  });
});

describe("a walk over the chain finds", () => {
  it.each([
    ["its reason", "reason = 'another'"],
    ["its actor", "actor = 'another'"],
    ["its time", "at = at - interval '1 ms'"],
    ["its decision", "decision = 'REFUSED', refusal = 'ANY', outcome = 'NOT_DONE'"],
    ["its outcome", "outcome = NULL"],
    ["its details", "details = jsonb_set(details, '{nested,b,1}', '2.6')"],
    ["its tenant", "tenant_id = 'tnt_any'"],
    ["its operation", "operation_id = 'op_any'"],
    ["its request", "correlation_id = 'any'"],
    ["its call", "call_id = 'any'"],
    ["its action", "action = 'another'"],
  ])("a changed event, by %s", async (_what, set) => {
    await sealed(3);
    const [, changed] = await ids();
    await intruder.query(`UPDATE audit_event SET ${set} WHERE id = $1`, [changed]);
    expect(await findings()).toEqual([`${changed}: It is not as it was when seal 1 was made.`]);
  });

  it("a removed event, sealed or not", async () => {
    await sealed(3);
    await event();
    const [, removed, , waiting] = await ids();
    await intruder.query("DELETE FROM audit_event WHERE id = ANY($1)", [[removed, waiting]]);
    expect(await findings()).toEqual([
      `${removed}: It is gone; seal 1 holds it.`,
      `${waiting}: It is gone before it was sealed.`,
    ]);
    expect(await sealOnce(ours.prisma, withKey)).toBe(0);
    expect(await findings()).toHaveLength(2);
  });

  it("an event that was put in beside the chain", async () => {
    await sealed(3);
    await intruder.query(
      "INSERT INTO audit_event (id, actor, action, decision, reason, details) VALUES ('aud_any', 'admin', 'skipStep', 'ALLOWED', '', '{}')",
    );
    expect(await findings()).toEqual([
      "aud_any: It was put in by hand: no seal holds it, and it waits for none.",
    ]);
  });

  it("an event that was put in through the front door with an earlier time", async () => {
    await sealed(3);
    await ours.pool.query(
      `INSERT INTO audit_event (id, at, actor, action, decision, reason, details)
       VALUES ('aud_any', now() - interval '1 day', 'admin', 'skipStep', 'ALLOWED', '', '{}')`,
    );
    await sealOnce(ours.prisma, withKey);
    expect(await findings()).toEqual(["aud_any: It was put in later than it says; seal 2 holds it."]);
  });

  it("events in another order, in one seal and over two", async () => {
    await sealed(2);
    await sealed(2);
    const swap = `UPDATE audit_seal SET event_ids = ARRAY[event_ids[2], event_ids[1]],
      digests = substring(digests FROM 33) || substring(digests FROM 1 FOR 32) WHERE no = 1`;
    await intruder.query(swap);
    const said = "seal 1: What it says of its events was changed, or put in another order.";
    expect(await findings()).toEqual([said]);
    await intruder.query(swap);
    expect(await findings()).toEqual([]);
    await intruder.query("UPDATE audit_seal SET event_ids = ARRAY[event_ids[2], event_ids[1]] WHERE no = 1");
    expect(await findings()).toHaveLength(2);
  });

  it("seals in another order, a removed seal, and one that was changed", async () => {
    for (const _ of [1, 2, 3]) await sealed(1);
    const swap = `UPDATE audit_seal SET no = -no WHERE no IN (2, 3);
      UPDATE audit_seal SET no = 5 + no WHERE no IN (-2, -3)`;
    const broken = "It does not follow from the one before it: one of the two was changed.";
    await intruder.query("ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_is_whole");
    await intruder.query(swap);
    expect(await findings()).toEqual([`seal 2: ${broken}`, `seal 3: ${broken}`]);
    await intruder.query(swap);
    expect(await findings()).toEqual([]);
    await intruder.query("UPDATE audit_seal SET sealed_at = sealed_at - interval '1 hour' WHERE no = 3");
    expect(await findings()).toEqual([`seal 3: ${broken}`]);
    await intruder.query("DELETE FROM audit_seal WHERE no = 2");
    expect(await findings()).toContain("seal 3: The seals from 2 to 2 are gone.");
  });

  it("a chain that was cut off, or made anew, by a head that was written down", async () => {
    await sealed(2);
    await sealed(1);
    const anchor = (await readChainHead(ours.prisma)) ?? { no: 0, hash: "" };
    await sealed(1);
    expect(await findings({ anchor })).toEqual([]);
    await intruder.query(`DELETE FROM audit_event WHERE id IN (SELECT unnest(event_ids) FROM audit_seal WHERE no > 1);
      DELETE FROM audit_seal WHERE no > 1`);
    expect(await findings()).toEqual([]);
    expect(await findings({ anchor })).toEqual([
      "seal 2: It is not the one that was written down: the chain was cut off or made anew.",
    ]);
  });

  it("a chain that somebody made anew without the installation's key", async () => {
    await sealed(2);
    await intruder.query("UPDATE audit_event SET reason = 'another'; DELETE FROM audit_seal");
    await intruder.query("INSERT INTO audit_unsealed SELECT id FROM audit_event");
    await sealOnce(ours.prisma, async () => new Uint8Array(32));
    expect(await findings()).toEqual(["seal 1: Its tag was not made with the installation's audit key."]);
    expect(await findings({ key: null })).toEqual([]);
    await intruder.query("UPDATE audit_seal SET tag = NULL");
    expect(await findings()).toEqual([
      "the chain: The installation has an audit key, and no seal bears a tag.",
    ]);
  });

  it("a seal without a tag behind one that has one, and none before it", async () => {
    await sealed(1, withoutKey);
    await sealed(1);
    expect(await findings()).toEqual([]);
    await sealed(1, withoutKey);
    expect(await findings()).toEqual(["seal 3: It bears no tag, though seals before it do."]);
  });
});

describe("retention", () => {
  it("deletes whole seals' events that are old enough, and leaves a chain that is whole", async () => {
    for (const _ of [1, 2, 3]) await sealed(2);
    expect(await pruneOnce(ours.prisma, new Date(0))).toBe(0);
    const soon = new Date(Date.now() + 60_000);
    // The newest seal keeps its events.
    expect(await pruneOnce(ours.prisma, soon)).toBe(2);
    expect(await verify()).toMatchObject({ findings: [], seals: 3, prunedSeals: 2, events: 2, waiting: 1 });
    const pruning = await ours.prisma.auditEvent.findFirstOrThrow({ where: { action: "pruneAudit" } });
    expect(pruning).toMatchObject({ actor: "loci", details: { throughSeal: 2, seals: 2, events: 4 } });
    expect(await sealOnce(ours.prisma, withKey)).toBe(1);
    expect(await verify()).toMatchObject({ findings: [], waiting: 0 });
    // The event that said so goes itself, and the next says it for both.
    expect(await pruneOnce(ours.prisma, soon)).toBe(1);
    await sealOnce(ours.prisma, withKey);
    expect(await pruneOnce(ours.prisma, soon)).toBe(1);
    expect(await verify()).toMatchObject({ findings: [], seals: 5, prunedSeals: 4 });
  });

  it("is no cloak: events that somebody else removed as if it had are found", async () => {
    for (const _ of [1, 2, 3]) await sealed(1);
    await intruder.query(`DELETE FROM audit_event WHERE id IN (SELECT unnest(event_ids) FROM audit_seal WHERE no = 2);
      UPDATE audit_seal SET pruned_at = now(), event_ids = '{}', digests = '' WHERE no = 2`);
    expect(await findings()).toEqual([
      "seal 2: It is marked as pruned, and an older one is not.",
      "seal 2: It is marked as pruned, and no event says that retention did it.",
    ]);
  });
});
