import { isDatabaseOutage } from "../../src/tenants/database-outage.ts";
import { accountsOf } from "../crash/accounts.ts";
import { agreedRecords } from "../crash/engine-record.ts";
import { waitUntil } from "../wait-until.ts";
import type { Accepted } from "./caller.ts";
import type { Ending, KeptProcess } from "./kept-process.ts";
import { type AskedPlace, differencesOf } from "./places.ts";
import type { ChaosPostgres } from "./postgres.ts";
import type { ChaosUpstream } from "./upstream.ts";

/** What is looked at when the storm is over. */
export interface Scene {
  readonly postgres: ChaosPostgres;
  readonly upstream: ChaosUpstream;
  readonly workers: readonly KeptProcess[];
  readonly processes: readonly KeptProcess[];
  readonly accepted: readonly Accepted[];
  readonly places: ReadonlyMap<string, AskedPlace>;
  /** Sends a document to an api that is up. */
  readonly send: <T>(document: string, variables?: object) => Promise<T>;
}

/** What is counted in the end, and what should not be the case. */
export interface Verdict {
  readonly facts: Readonly<Record<string, number>>;
  /** "SIGN_UP SUCCEEDED": how many. */
  readonly operations: Readonly<Record<string, number>>;
  readonly breaches: readonly string[];
}

interface OperationRow {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly status: string;
  readonly run: number;
  readonly reason: string | null;
}

const ended = ["SUCCEEDED", "UNWOUND", "CANCELLED"];

/**
 * Waits until nothing is under way and nobody dead has work. @throws {Error} when that is not so in time, with what is
 * still open
 */
export async function untilSettled(scene: Scene, timeoutMs: number): Promise<void> {
  const { postgres, workers } = scene;
  const isSettled = async () => {
    const [row] = await postgres.query<{ open: number; late: number; executors: number }>(`SELECT
      (SELECT count(*)::int FROM operation WHERE status IN ('QUEUED', 'RUNNING', 'PARKED', 'UNWINDING')) AS open,
      (SELECT count(*)::int FROM operation WHERE twin_check_at IS NOT NULL) AS late,
      (SELECT count(*)::int FROM executor WHERE handed_over_at IS NULL AND id <> 'loci') AS executors`);
    return row?.open === 0 && row.late === 0 && row.executors === workers.length;
  };
  try {
    await waitUntil(isSettled, { what: "everything has settled", timeoutMs, intervalMs: 250 });
  } catch (error) {
    throw new Error(`${String(error)}\n${await whatIsOpen(scene)}`);
  }
}

async function whatIsOpen({ postgres }: Scene): Promise<string> {
  const operations = await postgres.query(
    `SELECT id, kind, status, run, parks, reason, twin_check_at, resume_at, updated_at FROM operation
     WHERE status NOT IN ('SUCCEEDED', 'UNWOUND', 'CANCELLED', 'NEEDS_ATTENTION') OR twin_check_at IS NOT NULL LIMIT 20`,
  );
  const executors = await postgres.query("SELECT * FROM executor WHERE handed_over_at IS NULL");
  return [...operations, ...executors].map((row) => JSON.stringify(row)).join("\n");
}

/** Compares everything with everything else. For when all has settled. */
export async function judge(scene: Scene): Promise<Verdict> {
  const { postgres } = scene;
  const operations = await postgres.query<OperationRow>(
    `SELECT o.id, o.kind, t.key, o.status, o.run, o.reason FROM operation o JOIN tenant t ON t.id = o.tenant_id`,
  );
  const served = { send: scene.send, mem0Url: scene.upstream.direct };
  const { twins, missing, unaccounted, drift } = await accountsOf(served);
  const { disagreements } = await agreedRecords(postgres);
  return {
    facts: await factsOf(scene),
    operations: countBy(operations.map(({ kind, status }) => `${kind} ${status}`)),
    breaches: [
      ...breachesOfAcceptance(scene.accepted, operations),
      ...operations
        .filter(({ status }) => !ended.includes(status))
        .map(({ key, kind, status, reason }) => `${key}: its ${kind} is ${status}: ${reason}`),
      ...twins.map((twin) => `twin: ${twin}`),
      ...missing.map((thing) => `missing: ${thing}`),
      ...unaccounted.map((id) => `unaccounted upstream: ${id}`),
      ...drift.map((difference) => `drift: ${difference}`),
      ...(await breachesOfPlaces(scene)),
      ...disagreements.map((words) => `the engine's record: ${words}`),
      ...(await openAttempts(scene)),
      ...scene.processes.flatMap(({ endings }) => endings.flatMap(breachOfEnding)),
    ],
  };
}

/** Accepted and not there; or there, and nobody was told. */
function breachesOfAcceptance(accepted: readonly Accepted[], operations: readonly OperationRow[]): string[] {
  const known = new Map(accepted.map((operation) => [operation.id, operation]));
  const rows = new Map(operations.map((row) => [row.id, row]));
  const lost = accepted.filter(({ id, kind, key }) => {
    const row = rows.get(id);
    return row === undefined || row.kind !== kind || row.key !== key;
  });
  const untold = operations.filter(
    ({ id, kind }) => (kind === "SIGN_UP" || kind === "OFFBOARD") && !known.has(id),
  );
  return [
    ...lost.map(({ id, kind, key }) => `lost: the ${kind} ${id} of ${key}`),
    ...untold.map(({ id, kind, key }) => `made without anybody's asking: the ${kind} ${id} of ${key}`),
  ];
}

async function breachesOfPlaces({ postgres, upstream, places }: Scene): Promise<string[]> {
  const rows = await postgres.query<{ key: string; orgId: string; projectId: string }>(
    `SELECT t.key, o.upstream_id AS "orgId", p.upstream_id AS "projectId" FROM tenant t
     JOIN resource o ON o.tenant_id = t.id AND o.kind = 'ORGANIZATION'
     JOIN resource p ON p.tenant_id = t.id AND p.kind = 'PROJECT' AND p.marker IS NOT NULL
     WHERE t.status = 'ACTIVE'`,
  );
  const tables = await upstream.control.tables();
  return rows.flatMap((row) =>
    differencesOf(places.get(row.key) ?? {}, row, tables).map((words) => `${row.key}: ${words}`),
  );
}

/** Everything that was ever sent has a known outcome, now that all is quiet. */
async function openAttempts({ postgres }: Scene): Promise<string[]> {
  const rows = await postgres.query<{ key: string; step: string; action: string; error: string | null }>(
    `SELECT t.key, a.step, a.action, a.error FROM attempt a JOIN resource r ON r.id = a.resource_id
     JOIN tenant t ON t.id = r.tenant_id WHERE a.outcome IS NULL OR a.outcome = 'UNKNOWN'`,
  );
  return rows.map(({ key, step, action, error }) => `${key}: the ${action} of ${step} is open: ${error}`);
}

/** What a process may end of by itself: it was taken over from, or what it needs at its start was not there. */
const goodReasons = ["another process took over from this one", "The database at", "Mem0 at"];

function breachOfEnding({ role, code, lastWords }: Ending): string[] {
  if (goodReasons.some((reason) => lastWords.includes(reason))) return [];
  if (lastWords.startsWith("Loci could not start") && isDatabaseOutage(new Error(lastWords))) return [];
  return [`a process (${role}) ended by itself with ${code}: ${lastWords}`];
}

async function factsOf({ postgres, upstream }: Scene): Promise<Record<string, number>> {
  const [row = {}] = await postgres.query<Record<string, number>>(`SELECT
    (SELECT count(*)::int FROM executor WHERE handed_over_at IS NOT NULL AND id <> 'loci') AS "take-overs",
    (SELECT count(*)::int FROM operation WHERE ambiguous) AS "ambiguous operations",
    (SELECT count(*)::int FROM operation WHERE run > 1) AS "operations of more than one run",
    (SELECT count(*)::int FROM attempt) AS "attempts",
    (SELECT count(*)::int FROM attempt WHERE outcome = 'ABANDONED') AS "creates given up as lost",
    (SELECT count(*)::int FROM attempt WHERE twin_id IS NOT NULL) AS "twins removed"`);
  return { ...row, "requests to Mem0": upstream.requests() };
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
