import type { OperationKind } from "../generated/prisma/enums.ts";
import type { Db } from "./mapping.ts";

/** How long a step usually takes. */
export interface StepDuration {
  readonly name: string;
  /** The median from its first attempt to its end, in milliseconds. */
  readonly usualMs: number;
  /** Of how many operations. */
  readonly samples: number;
}

/** Operations of a kind that are looked at, and how many of any kind are gone through to find them. */
const sampledMax = 200;
const searchedMax = 5_000;

/**
 * How long the steps of a kind of operation took in the newest that SUCCEEDED. Reads by primary key, which sorts by time,
 * and a bounded number of rows however many there are: a kind that is very rare may come out empty.
 */
export async function readStepDurations(db: Db, kind: OperationKind): Promise<StepDuration[]> {
  return db.$queryRaw<StepDuration[]>`
    WITH newest AS (SELECT id, kind, status FROM operation ORDER BY id DESC LIMIT ${searchedMax}),
      sampled AS (SELECT id FROM newest WHERE kind = ${kind}::"OperationKind" AND status = 'SUCCEEDED'
        ORDER BY id DESC LIMIT ${sampledMax})
    SELECT s.name, count(*)::int AS samples, percentile_cont(0.5) WITHIN GROUP (
        ORDER BY extract(epoch FROM s.finished_at - s.started_at)::float8 * 1000) AS "usualMs"
    FROM sampled JOIN operation_step s ON s.operation_id = sampled.id
    WHERE s.status = 'SUCCEEDED' AND s.finished_at >= s.started_at
    GROUP BY s.name`;
}
