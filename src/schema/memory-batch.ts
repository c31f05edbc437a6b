import { type BatchItem, batchItemsMax } from "../mem0/memory-batches.ts";
import { NotInProject } from "../tenants/memory-refusals.ts";
import { InvalidInput, type Refusal } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { mem0RefusalOf } from "./mem0-failures.ts";
import type { TenantProject } from "./memory-call.ts";
import { type IdScope, mem0IdOf } from "./memory-ids.ts";

/** A refusal of one memory of many: no Error itself, which GraphQL would take for the failure of the field. */
type Problem = Pick<Refusal, "code" | "message" | "retryable">;

/** What became of one memory of many. */
export interface BatchOutcome {
  readonly id: string;
  readonly isDone: boolean | null;
  readonly problem: Problem | null;
}

const MemoryProblem = builder.objectRef<Problem>("MemoryProblem").implement({
  description: "Why one memory of many was not changed.",
  fields: (t) => ({
    code: t.exposeString("code", {
      description: "The stable word of the refusal that the one alone would have met.",
    }),
    message: t.exposeString("message"),
    retryable: t.exposeBoolean("retryable"),
  }),
});

const MemoryOutcome = builder.objectRef<BatchOutcome>("MemoryOutcome").implement({
  description: "What became of one memory of many.",
  fields: (t) => ({
    id: t.exposeID("id", { description: "As it was given." }),
    isDone: t.exposeBoolean("isDone", {
      nullable: true,
      description:
        "Whether Mem0 did it. Null: not known, because its answer was lost, or it counted fewer than it was sent without saying " +
        "which; then look at the memory.",
    }),
    problem: t.field({
      type: MemoryProblem,
      nullable: true,
      description: "What went wrong, or kept it from being sent. Null: nothing that we know of.",
      resolve: ({ problem }) => problem,
    }),
  }),
});

/**
 * Refuses a list that is empty, too long, or names a memory twice, before anything is sent. `path` says where an id stands.
 * @throws {InvalidInput}
 */
export function checkIds(list: string, ids: readonly string[], path: (index: number) => string): void {
  if (ids.length === 0) throw new InvalidInput([{ field: list, message: "Must not be empty." }]);
  if (ids.length > batchItemsMax) {
    throw new InvalidInput([{ field: list, message: `Must be at most ${batchItemsMax}.` }]);
  }
  const seen = new Set<string>();
  for (const [index, id] of ids.entries()) {
    if (seen.has(id)) throw new InvalidInput([{ field: path(index), message: "This id is there twice." }]);
    seen.add(id);
  }
}

/** One memory that is sent, with the place that it has in the input. */
interface Sent {
  readonly index: number;
  readonly mem0Id: string;
}

/** What a batch is sent as: which of the given ids mean a memory of this tenant. In the order of the input. */
export function sentOf({ tenantId, sealer }: IdScope, ids: readonly string[]): Sent[] {
  return ids.flatMap((id, index) => {
    const mem0Id = mem0IdOf(sealer, "Memory", tenantId, id);
    return mem0Id === null ? [] : [{ index, mem0Id }];
  });
}

/**
 * Sends what means a memory of this tenant, in one go, and answers what became of each in the order of the input. What means
 * none is not there, as a single one would be.
 */
export async function changeMany(
  project: TenantProject,
  ids: readonly string[],
  change: (sent: readonly Sent[]) => Promise<readonly BatchItem[]>,
): Promise<BatchOutcome[]> {
  const sent = sentOf(project, ids);
  const items = sent.length === 0 ? [] : await change(sent);
  const byId = new Map(items.map((item) => [item.memoryId, item]));
  const sentIds = new Map(sent.map(({ index, mem0Id }) => [index, mem0Id]));
  return ids.map((id, index) => {
    const mem0Id = sentIds.get(index);
    if (mem0Id === undefined) return { id, isDone: false, problem: problemOf(new NotInProject("memory")) };
    const item = byId.get(mem0Id);
    if (item === undefined) throw new Error("A batch did not say what became of a memory.");
    return { id, isDone: item.isDone, problem: problemOf(mem0RefusalOf(item.error)) };
  });
}

function problemOf(refusal: Refusal | null): Problem | null {
  if (refusal === null) return null;
  const { code, message, retryable } = refusal;
  return { code, message, retryable };
}

/** The payload of a mutation of many memories. */
export function batchPayload(name: string) {
  return builder.objectRef<{ readonly results: BatchOutcome[] }>(name).implement({
    description: "What became of each.",
    fields: (t) => ({
      results: t.field({
        type: [MemoryOutcome],
        description: "In the order of the input.",
        resolve: ({ results }) => results,
      }),
    }),
  });
}
