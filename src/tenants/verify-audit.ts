import type pg from "pg";
import { z } from "zod";
import { pruneAction } from "./audit-chain.ts";
import { canonicalEvent, digestOf, firstHash, hashOfSeal, rootOf, tagOf } from "./audit-seal.ts";

/** What is wrong with the audit, in words for people, by what it is about: an event's id, or "seal 7". */
export interface AuditFinding {
  readonly what: string;
  readonly problem: string;
}

/** What a walk over the audit found. */
export interface AuditReport {
  /** At most `findingsMax`; empty: the audit is whole. */
  readonly findings: readonly AuditFinding[];
  readonly seals: number;
  /** Seals whose events were deleted by retention. */
  readonly prunedSeals: number;
  /** Events that were there and as they were sealed. */
  readonly events: number;
  /** Events that no seal holds yet: of these nothing is proved. */
  readonly waiting: number;
  /** Seals with a tag; null: they were not checked, for there is no key. */
  readonly taggedSeals: number | null;
  /** Of the newest seal. Null: there is none. */
  readonly head: { readonly no: number; readonly hash: string } | null;
}

/** What a walk may be told besides. */
export interface VerifyOptions {
  /** The installation's audit key. Null: tags are not checked. */
  readonly key: Uint8Array | null;
  /** A head that was logged or written down earlier. */
  readonly anchor?: { readonly no: number; readonly hash: string } | undefined;
}

/** Most findings that are told. */
export const findingsMax = 100;
const sealsAtOnce = 200;
/** An event that names an earlier time than what was sealed before it, by more than a commit can take, was put in later. */
const lateMsMax = 600_000;

interface SealRow {
  readonly no: number;
  readonly sealed_at: Date;
  readonly newest_at: Date;
  readonly count: number;
  readonly event_ids: readonly string[];
  readonly digests: Uint8Array;
  readonly root: Uint8Array;
  readonly hash: Uint8Array;
  readonly tag: Uint8Array | null;
  readonly pruned_at: Date | null;
}

interface EventRow {
  readonly id: string;
  readonly at: Date;
  readonly action: string;
  readonly details: unknown;
  readonly canonical: string;
}

interface Waiting extends Pick<EventRow, "action" | "details"> {
  readonly event_id: string;
  /** Null: there is no such event any more. */
  readonly id: string | null;
}

/** What the walk has seen up to a seal. */
interface Walk {
  readonly findings: AuditFinding[];
  previous: SealRow | null;
  seals: number;
  prunedSeals: number;
  lastPruned: number;
  /** The last seal of which an event says that it was pruned. */
  prunedBySay: number;
  events: number;
  taggedSeals: number;
  isAnchorSeen: boolean;
}

/**
 * Walks the chain from the first seal to the last, and every event in it, on one snapshot: what was changed, removed, put in
 * or moved after it was sealed is found. What retention deleted is not, as far as an event says that it did. `client` is
 * used for nothing else meanwhile; nothing is written.
 */
export async function verifyAudit(
  client: pg.ClientBase,
  { key, anchor }: VerifyOptions,
): Promise<AuditReport> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    const walk: Walk = {
      ...{ findings: [], previous: null, seals: 0, prunedSeals: 0, lastPruned: 0, prunedBySay: 0 },
      ...{ events: 0, taggedSeals: 0, isAnchorSeen: false },
    };
    for (;;) {
      const { rows } = await client.query<SealRow>(
        "SELECT * FROM audit_seal WHERE no > $1 ORDER BY no LIMIT $2",
        [walk.previous?.no ?? 0, sealsAtOnce],
      );
      for (const seal of rows) {
        if (anchor !== undefined && isAnchor(seal, anchor)) walk.isAnchorSeen = true;
        await checkSeal(client, walk, seal, key);
        walk.previous = seal;
      }
      if (rows.length < sealsAtOnce) break;
    }
    const waiting = await checkOutside(client, walk);
    checkWhole(walk, { key, anchor });
    const { previous, seals, prunedSeals, events, taggedSeals } = walk;
    return {
      ...{ findings: walk.findings.slice(0, findingsMax), seals, prunedSeals, events, waiting },
      taggedSeals: key === null ? null : taggedSeals,
      head: previous === null ? null : { no: previous.no, hash: hex(previous.hash) },
    };
  } finally {
    await client.query("ROLLBACK");
  }
}

async function checkSeal(
  client: pg.ClientBase,
  walk: Walk,
  seal: SealRow,
  key: Uint8Array | null,
): Promise<void> {
  const { previous } = walk;
  const tell = (problem: string) => walk.findings.push({ what: `seal ${seal.no}`, problem });
  walk.seals += 1;
  const expectedNo = (previous?.no ?? 0) + 1;
  if (seal.no !== expectedNo) tell(`The seals from ${expectedNo} to ${seal.no - 1} are gone.`);
  const facts = { ...seal, sealedAt: seal.sealed_at, newestAt: seal.newest_at };
  if (hex(hashOfSeal(previous?.hash ?? firstHash, facts)) !== hex(seal.hash)) {
    tell("It does not follow from the one before it: one of the two was changed.");
  }
  if (key !== null) checkTag(walk, seal, key);
  if (seal.pruned_at !== null) {
    if (walk.lastPruned !== seal.no - 1) tell("It is marked as pruned, and an older one is not.");
    walk.lastPruned = seal.no;
    walk.prunedSeals += 1;
    return;
  }
  if (hex(rootOf(seal.digests)) !== hex(seal.root)) {
    tell("What it says of its events was changed, or put in another order.");
  }
  await checkEvents(client, walk, seal);
}

function checkTag(walk: Walk, { no, hash, tag }: SealRow, key: Uint8Array): void {
  const tell = (problem: string) => walk.findings.push({ what: `seal ${no}`, problem });
  if (tag === null) {
    // Before there was a key, seals had no tags.
    if (walk.taggedSeals > 0) tell("It bears no tag, though seals before it do.");
    return;
  }
  walk.taggedSeals += 1;
  if (hex(tagOf(key, hash)) !== hex(tag)) tell("Its tag was not made with the installation's audit key.");
}

async function checkEvents(client: pg.ClientBase, walk: Walk, seal: SealRow): Promise<void> {
  const { rows } = await client.query<EventRow>(
    `SELECT id, at, action, details, ${canonicalEvent} AS canonical FROM audit_event WHERE id = ANY($1)`,
    [seal.event_ids],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const earliest = (walk.previous?.newest_at.getTime() ?? Number.NEGATIVE_INFINITY) - lateMsMax;
  for (const [index, id] of seal.event_ids.entries()) {
    const tell = (problem: string) => walk.findings.push({ what: id, problem });
    const event = byId.get(id);
    const digest = seal.digests.subarray(index * 32, index * 32 + 32);
    if (event === undefined) tell(`It is gone; seal ${seal.no} holds it.`);
    else if (hex(digestOf(event.canonical)) !== hex(digest)) {
      tell(`It is not as it was when seal ${seal.no} was made.`);
    } else {
      walk.events += 1;
      notePruning(walk, event);
      if (event.at.getTime() < earliest) tell(`It was put in later than it says; seal ${seal.no} holds it.`);
    }
  }
}

const pruningSchema = z.object({ throughSeal: z.int() });

function notePruning(walk: Walk, { action, details }: Pick<EventRow, "action" | "details">): void {
  const pruning = action === pruneAction ? pruningSchema.safeParse(details) : null;
  if (pruning?.success === true) walk.prunedBySay = Math.max(walk.prunedBySay, pruning.data.throughSeal);
}

/** Looks at what no seal holds, or more than one. Answers how many events wait for a seal. */
async function checkOutside(client: pg.ClientBase, walk: Walk): Promise<number> {
  const { rows: strays } = await client.query<{ id: string }>(
    `SELECT id FROM audit_event e WHERE NOT EXISTS (SELECT FROM audit_unsealed u WHERE u.event_id = e.id)
     EXCEPT SELECT unnest(event_ids) FROM audit_seal ORDER BY id LIMIT $1`,
    [findingsMax],
  );
  for (const { id } of strays) {
    walk.findings.push({
      what: id,
      problem: "It was put in by hand: no seal holds it, and it waits for none.",
    });
  }
  const { rows: twice } = await client.query<{ id: string }>(
    `SELECT id FROM (SELECT unnest(event_ids) AS id FROM audit_seal UNION ALL SELECT event_id FROM audit_unsealed) s
     GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT $1`,
    [findingsMax],
  );
  for (const { id } of twice) walk.findings.push({ what: id, problem: "It is in the chain twice." });
  const { rows: waiting } = await client.query<Waiting>(
    "SELECT event_id, id, action, details FROM audit_unsealed LEFT JOIN audit_event ON id = event_id",
  );
  for (const event of waiting) {
    if (event.id !== null) notePruning(walk, event);
    else walk.findings.push({ what: event.event_id, problem: "It is gone before it was sealed." });
  }
  return waiting.length;
}

function checkWhole(walk: Walk, { key, anchor }: VerifyOptions): void {
  const tell = (what: string, problem: string) => walk.findings.push({ what, problem });
  if (walk.lastPruned > walk.prunedBySay) {
    tell(`seal ${walk.lastPruned}`, "It is marked as pruned, and no event says that retention did it.");
  }
  if (key !== null && walk.previous !== null && walk.taggedSeals === 0) {
    tell("the chain", "The installation has an audit key, and no seal bears a tag.");
  }
  if (anchor !== undefined && !walk.isAnchorSeen) {
    tell(`seal ${anchor.no}`, "It is not the one that was written down: the chain was cut off or made anew.");
  }
}

function isAnchor({ no, hash }: SealRow, anchor: { readonly no: number; readonly hash: string }): boolean {
  return no === anchor.no && hex(hash) === anchor.hash.toLowerCase();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
