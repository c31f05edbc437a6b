import type { PrismaClient } from "../generated/prisma/client.ts";
import type { OperationKind } from "../generated/prisma/enums.ts";
import { readStepDurations, type StepDuration } from "../tenants/step-durations.ts";

/** With fewer operations to judge by, nothing is said. */
const samplesMin = 5;

/** How long what was read is believed. */
const believedMs = 10_000;

/** How long steps usually take, in milliseconds, by their names. A step that is missing was seen too rarely to say. */
export type UsualMs = ReadonlyMap<string, number>;

/** How long the steps of operations usually take, as our own rows show it. */
export interface StepDurations {
  /** For a kind of operation. What was read is up to 10 s old; many who ask at once share one query. */
  usualMs(kind: OperationKind): Promise<UsualMs>;
}

/** Makes the durations, which are read when they are asked for. */
export function createStepDurations(prisma: PrismaClient): StepDurations {
  const known = new Map<OperationKind, { readonly until: number; readonly usualMs: Promise<UsualMs> }>();
  return {
    usualMs(kind) {
      const found = known.get(kind);
      if (found !== undefined && Date.now() < found.until) return found.usualMs;
      const usualMs = readStepDurations(prisma, kind).then(usualOf);
      const entry = { until: Date.now() + believedMs, usualMs };
      known.set(kind, entry);
      // Whoever asked is told; whoever asks next reads anew.
      usualMs.catch(() => {
        if (known.get(kind) === entry) known.delete(kind);
      });
      return usualMs;
    },
  };
}

function usualOf(durations: readonly StepDuration[]): UsualMs {
  return new Map(
    durations.filter(({ samples }) => samples >= samplesMin).map(({ name, usualMs }) => [name, usualMs]),
  );
}
