import { Mem0Refused } from "../mem0/errors.ts";
import { recordSuspicions, type Suspicion } from "../tenants/drift.ts";
import { firstCreateAt } from "../tenants/mapping.ts";
import { NotYet } from "./failures.ts";
import type { Making } from "./make-once.ts";
import type { Removal } from "./remove-and-prove.ts";
import type { SagaContext } from "./saga.ts";

/** Something upstream that looks like what we may have made. */
export interface Sighting {
  readonly upstreamId: string;
  readonly createdAt: Date;
  /** Why it may not be taken for ours, in words that follow "but". Null: it is ours beyond doubt, if nothing is in it. */
  readonly distrust: string | null;
  /** What is in it that we did not put there, in words. Asked only where it matters. Null: nothing. */
  whyKeep(): Promise<string | null>;
  readonly removal: Removal;
}

/** What bears the marker of a resource. */
export interface Sightings {
  /** Ours beyond doubt; the oldest first, then by id, so that every looker has the same first one. */
  readonly trusted: readonly Sighting[];
  /** Neither adopted nor deleted, whatever happens. */
  readonly suspicious: readonly Suspicion[];
}

type AnyContext = Pick<SagaContext<unknown>, "provisioning" | "tenant" | "operationId">;

/** Looks for everything that bears the marker of a resource, but for `keep`. Before its first create: for nothing. */
export async function sight(
  { provisioning }: AnyContext,
  making: Making,
  keep: string | null,
): Promise<Sightings> {
  const since = await firstCreateAt(provisioning.prisma, making.resourceId);
  const found = since === null ? [] : await making.look(since);
  const others = found
    .filter(({ upstreamId }) => upstreamId !== keep)
    .toSorted(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.upstreamId < b.upstreamId ? -1 : 1),
    );
  return {
    trusted: others.filter(({ distrust }) => distrust === null),
    suspicious: others.flatMap(({ upstreamId, distrust }) =>
      distrust === null ? [] : [{ upstreamId, why: distrust }],
    ),
  };
}

/**
 * The same, for somebody who wants to adopt: what nobody but its maker can have filled is no more trusted when something
 * is in it.
 */
export async function sightAdoptable(context: AnyContext, making: Making): Promise<Sightings> {
  const { trusted, suspicious } = await sight(context, making, null);
  const contents = await Promise.all(trusted.map(whatIsIn));
  const filled = trusted.flatMap(({ upstreamId }, index) => {
    const why = contents[index] ?? null;
    return why === null ? [] : [{ upstreamId, why }];
  });
  return {
    trusted: trusted.filter((_, index) => contents[index] === null),
    suspicious: [...suspicious, ...filled],
  };
}

/**
 * What is in a sighting that we did not put there, in words; null: nothing.
 * @throws {NotYet} when it is not to be seen any more: somebody else may be removing it, and another look tells
 */
export async function whatIsIn(sighting: Sighting): Promise<string | null> {
  try {
    return await sighting.whyKeep();
  } catch (error) {
    if (!(error instanceof Mem0Refused)) throw error;
    throw new NotYet(
      `The ${sighting.removal.what} was in the list, but cannot be looked into: ${error.message}`,
    );
  }
}

/** Tells people of what is suspicious: in the log, and in the tenant's drift, where the last look of a kind stands. */
export async function tellSuspicious(
  { provisioning: { prisma, log }, operationId, tenant }: AnyContext,
  making: Making,
  suspicious: readonly Suspicion[],
): Promise<void> {
  for (const { upstreamId, why } of suspicious) {
    log.warn({ operationId, upstreamId, why }, "suspicious look-alike");
  }
  await recordSuspicions(prisma, tenant.id, making.what, suspicious);
}
