import { waitUntil } from "../wait-until.ts";
import type { LociHome } from "./loci-home.ts";

/** The engine's record beside our rows. */
export interface Comparison {
  /** How many operations there are of each status. */
  readonly operations: Readonly<Record<string, number>>;
  /** Where the two say different things, in words. */
  readonly disagreements: readonly string[];
}

/** Our statuses of an operation that the engine is to go on with; in all others it is to have nothing to go on with. */
const underWay = ["RUNNING", "UNWINDING"];

/** The engine's statuses of a workflow that it goes on with. One that it recovers waits ENQUEUED until it is taken. */
const alive = ["PENDING", "ENQUEUED", "DELAYED"];

/**
 * Compares in one statement, hence at one moment: an operation under way has a live workflow of its current run, and
 * every live workflow is the current run of an operation under way.
 */
export async function compareRecords(home: Pick<LociHome, "query">): Promise<Comparison> {
  const rows = await home.query<{ workflow: string; ours: string | null; engines: string | null }>(`
    SELECT coalesce(w.workflow_uuid, o.id || ':' || o.run) AS workflow, o.status::text AS ours, w.status AS engines
    FROM operation o FULL JOIN dbos.workflow_status w ON w.workflow_uuid = o.id || ':' || o.run`);
  const operations: Record<string, number> = {};
  for (const { ours } of rows) if (ours !== null) operations[ours] = (operations[ours] ?? 0) + 1;
  return {
    operations,
    disagreements: rows
      .filter(({ ours, engines }) => underWay.includes(ours ?? "") !== alive.includes(engines ?? ""))
      .map(({ workflow, ours, engines }) => `${workflow} is ${ours} with us, ${engines} with the engine`),
  };
}

/**
 * Compares again and again until the two agree, and answers that; or what they disagree in after ten seconds. A moment
 * of disagreement is in the nature of two records: a workflow lives before it says that it begins, and still does
 * just after it has said that it ended.
 */
export async function agreedRecords(home: Pick<LociHome, "query">): Promise<Comparison> {
  let comparison = await compareRecords(home);
  const agree = async () => {
    comparison = await compareRecords(home);
    return comparison.disagreements.length === 0;
  };
  await waitUntil(agree, { what: "the two records agree", timeoutMs: 10_000 }).catch(() => {});
  return comparison;
}
