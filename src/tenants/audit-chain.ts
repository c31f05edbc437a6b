import { Prisma, type PrismaClient } from "../generated/prisma/client.ts";
import { insertEvent } from "./audit.ts";
import { canonicalEvent, digestOf, firstHash, hashOfSeal, rootOf, tagOf } from "./audit-seal.ts";
import type { Db } from "./mapping.ts";

/** Of the lock whose holder appends to the chain, until its commit: "lociseal" in ASCII. */
const sealLock = "7813573183171060076";

/** Most events of one seal, and most seals that are pruned in one transaction. */
export const sealedEventsMax = 1_000;
const prunedSealsMax = 200;

/** What an event says that tells what was pruned: `throughSeal` in its details is the last seal that was. */
export const pruneAction = "pruneAudit";

/** The end of the chain: it depends on every event that was ever sealed. */
export interface ChainHead {
  /** The number of the newest seal. */
  readonly no: number;
  /** Its hash, in hex. */
  readonly hash: string;
}

/** The newest seal. Null: nothing was sealed yet. */
export async function readChainHead(db: Db): Promise<ChainHead | null> {
  const seal = await db.auditSeal.findFirst({ orderBy: { no: "desc" }, select: { no: true, hash: true } });
  return seal === null ? null : { no: seal.no, hash: Buffer.from(seal.hash).toString("hex") };
}

/**
 * Appends what waits to the chain, as one seal of at most `sealedEventsMax` events. Answers how many; 0: nothing waits, or
 * another process is at it. Two at once never fork the chain, and no writer of an event ever waits for it. `openKey` answers
 * what makes the seal's tag; null: it bears none.
 */
export async function sealOnce(
  prisma: PrismaClient,
  openKey: () => Promise<Uint8Array | null>,
  now: () => Date = () => new Date(),
): Promise<number> {
  // Looked for before any transaction: nearly always there is nothing.
  const waiting = await prisma.$queryRaw<unknown[]>`SELECT FROM audit_unsealed LIMIT 1`;
  if (waiting.length === 0) return 0;
  const key = await openKey();
  return prisma.$transaction(async (tx) => {
    if (!(await tryLock(tx))) return 0;
    const events = await takeWaiting(tx);
    if (events.length === 0) return 0;
    const last = await tx.auditSeal.findFirst({ orderBy: { no: "desc" } });
    const digests = new Uint8Array(Buffer.concat(events.map(({ canonical }) => digestOf(canonical))));
    const newest = Math.max(last?.newestAt.getTime() ?? 0, ...events.map(({ at }) => at.getTime()));
    const facts = {
      ...{ no: (last?.no ?? 0) + 1, count: events.length, root: rootOf(digests) },
      // Never before the one before it, whatever the clock of this machine says.
      sealedAt: new Date(Math.max(now().getTime(), last?.sealedAt.getTime() ?? 0)),
      newestAt: new Date(newest),
    };
    const hash = hashOfSeal(last?.hash ?? firstHash, facts);
    const tag = key === null ? null : tagOf(key, hash);
    await tx.auditSeal.create({
      data: { ...facts, hash, tag, digests, eventIds: events.map(({ id }) => id) },
    });
    return events.length;
  });
}

async function tryLock(tx: Db): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ taken: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(${sealLock}::bigint) AS taken`;
  return row?.taken === true;
}

/**
 * The events that wait longest by their ids, which sort by time; they wait no longer once this is committed. Of an event that is
 * gone the line keeps the id: it shows that there was one.
 */
async function takeWaiting(tx: Db): Promise<{ id: string; at: Date; canonical: string }[]> {
  return tx.$queryRaw`
    WITH taken AS (
      DELETE FROM audit_unsealed
      WHERE event_id IN (
        SELECT event_id FROM audit_unsealed JOIN audit_event ON id = event_id
        ORDER BY event_id LIMIT ${sealedEventsMax}::int)
      RETURNING event_id
    )
    SELECT id, at, ${Prisma.raw(canonicalEvent)} AS canonical FROM audit_event
    WHERE id IN (SELECT event_id FROM taken) ORDER BY id`;
}

/**
 * Deletes the events of seals that were made before `before`, the oldest first and whole seals alone; the newest seal keeps
 * its own. Their seals stay, so that the chain can be walked, and an event of its own says what went. Answers how many
 * seals were pruned: at most `prunedSealsMax`, and 0 while another process is at the chain. A repeat goes on.
 */
export async function pruneOnce(prisma: PrismaClient, before: Date): Promise<number> {
  return prisma.$transaction(async (tx) => {
    if (!(await tryLock(tx))) return 0;
    const seals = await tx.$queryRaw<{ no: number; event_ids: string[] }[]>`
      SELECT no, event_ids FROM audit_seal
      WHERE pruned_at IS NULL AND sealed_at < ${before}::timestamptz AND no < (SELECT max(no) FROM audit_seal)
      ORDER BY no LIMIT ${prunedSealsMax}::int`;
    const last = seals.at(-1);
    if (last === undefined) return 0;
    const ids = seals.flatMap(({ event_ids }) => event_ids);
    const numbers = seals.map(({ no }) => no);
    await insertEvent(tx, {
      ...{ actor: "loci", action: pruneAction, decision: "ALLOWED", refusal: null, outcome: "DONE" },
      ...{ tenantId: null, operationId: null, reason: "Retention." },
      details: {
        throughSeal: last.no,
        seals: seals.length,
        events: ids.length,
        before: before.toISOString(),
      },
    });
    await tx.$executeRaw`SELECT set_config('loci.audit_retention', 'on', true)`;
    await tx.$executeRaw`DELETE FROM audit_event WHERE id = ANY(${ids}::text[])`;
    await tx.$executeRaw`
      UPDATE audit_seal SET pruned_at = now(), event_ids = '{}', digests = '' WHERE no = ANY(${numbers}::int[])`;
    return seals.length;
  });
}
