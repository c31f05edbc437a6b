import { Mem0Error, Mem0Refused } from "../mem0/errors.ts";
import { type ListProofs, proveList, readListProofs } from "../tenants/installation.ts";
import {
  abandonAttempt,
  claimCreate,
  firstCreateAt,
  recordMade,
  recordNotDone,
  recordUnknown,
  type UnresolvedAttempt,
  unresolvedCreate,
  wasEverAbandoned,
} from "../tenants/mapping.ts";
import { NeedsAttention, Unsettled } from "./failures.ts";
import { type Removal, removeAndProve } from "./remove-and-prove.ts";
import type { SagaContext } from "./saga.ts";

/** Something upstream that looks like what we may have made. */
export interface Sighting {
  readonly upstreamId: string;
  readonly createdAt: Date;
  /** Why it may not be taken for ours, in words. Null: it is ours beyond doubt. */
  readonly distrust: string | null;
  /** Why it may not be deleted if it turns out to be a twin. Asked only then. Null: it may. */
  whyKeep(): Promise<string | null>;
  readonly removal: Removal;
}

/** A thing to make with a create that is not idempotent. */
export interface Making {
  readonly resourceId: string;
  /** What it is, for messages: "organization". */
  readonly what: string;
  /** The list that `look` reads, where an empty one is no proof until the list is proved. Null: none needed. */
  readonly list: keyof ListProofs | null;
  /** Sends the create; answers the upstream id. Never retries. */
  create(): Promise<string>;
  /** Everything upstream that bears the marker. `since`: when our first create may have been sent. */
  look(since: Date): Promise<readonly Sighting[]>;
}

type AnyContext = Pick<SagaContext<unknown>, "provisioning" | "operationId" | "step">;

/**
 * Makes a thing upstream once, whatever happens to answers and processes. An attempt is committed before the request;
 * where an earlier one has no known outcome, it looks before it makes another. Answers the upstream id, which then is
 * in the mapping. A repeat answers the same id and asks Mem0 nothing.
 *
 * @throws {Unsettled} when a lost create may still land
 * @throws {NeedsAttention} when it cannot be told whether something was made
 * @throws {Mem0Error} when the create failed; after a lost answer the next call looks
 */
export async function makeOnce(context: AnyContext, making: Making): Promise<string> {
  const { provisioning, operationId, step } = context;
  const { prisma } = provisioning;
  const { resourceId } = making;
  const claim = await claimCreate(prisma, { resourceId, operationId, step });
  if (claim.is === "present") return claim.upstreamId;
  if (claim.is === "unresolved") {
    const found = await resolveLost(context, making, claim.attempt);
    return found ?? makeOnce(context, making);
  }
  const { attemptId } = claim;
  let upstreamId: string;
  try {
    upstreamId = await making.create();
  } catch (error) {
    if (error instanceof Mem0Error && !error.mayHaveHappened) {
      await recordNotDone(prisma, attemptId, error.message);
      // A request that was given up as lost may have landed since, and now stands in the way of this one.
      if (error instanceof Mem0Refused && (await wasEverAbandoned(prisma, resourceId))) {
        const found = await adoptSurvivor(context, making);
        if (found !== null) return found;
      }
    } else {
      await recordUnknown(prisma, attemptId, error instanceof Error ? error.message : String(error));
    }
    throw error;
  }
  if (await recordMade(prisma, { resourceId, attemptId, upstreamId })) return upstreamId;
  // Somebody else's id is in the mapping already: what we made is a twin, and the late look removes it.
  await recordUnknown(prisma, attemptId, `Made ${upstreamId}, but the mapping had another one already.`);
  throw new Unsettled(new Date(), `The ${making.what} was made twice at the same time.`);
}

/**
 * What became of a create, for somebody who wants to undo it: the upstream id, or null when nothing was made.
 * @throws {Unsettled} {NeedsAttention} {Mem0Error} as `makeOnce`
 */
export async function whatWasMade(context: AnyContext, making: Making): Promise<string | null> {
  const lost = await unresolvedCreate(context.provisioning.prisma, making.resourceId);
  return lost === null ? null : resolveLost(context, making, lost);
}

/** Looks for what a lost create may have made. Null: looked again after the settle delay, and found nothing. */
async function resolveLost(
  context: AnyContext,
  making: Making,
  attempt: UnresolvedAttempt,
): Promise<string | null> {
  const { prisma, timings, account } = context.provisioning;
  const lostAt = await recordUnknown(prisma, attempt.id, "The process ended before the answer was recorded.");
  const found = await adoptSurvivor(context, making, attempt.id);
  if (found !== null) return found;
  const settledAt = new Date(lostAt.getTime() + timings.settleMs);
  if (new Date() < settledAt) {
    throw new Unsettled(
      settledAt,
      `The answer to creating the ${making.what} was lost; it may still appear.`,
    );
  }
  if (making.list !== null && !(await readListProofs(prisma, account.id))[making.list]) {
    throw new NeedsAttention(
      `The answer to creating the ${making.what} was lost, and Mem0's list does not show it. Nobody has seen yet that ` +
        `this list shows what the configured key creates, so its silence proves nothing. Look in Mem0's dashboard for ` +
        "a name that ends in this resource's marker, then tell the operation to go on.",
    );
  }
  await abandonAttempt(prisma, attempt.id);
  return null;
}

/** Takes the oldest trusted sighting into the mapping, and removes its twins. Null: nothing was found. */
async function adoptSurvivor(
  context: AnyContext,
  making: Making,
  attemptId: string | null = null,
): Promise<string | null> {
  const { prisma, account, log } = context.provisioning;
  const sightings = await sight(context, making);
  const trusted = sightings.filter(({ distrust }) => distrust === null);
  const [survivor, ...twins] = trusted;
  if (survivor === undefined) {
    if (sightings.length > 0) throw new NeedsAttention(describeDistrusted(making, sightings));
    return null;
  }
  if (making.list !== null) await proveList(prisma, account.id, making.list);
  for (const { upstreamId, distrust } of sightings) {
    if (distrust !== null)
      log.warn({ operationId: context.operationId, upstreamId, distrust }, "suspicious look-alike");
  }
  const { resourceId } = making;
  const { upstreamId } = survivor;
  if (!(await recordMade(prisma, { resourceId, attemptId, upstreamId }))) {
    throw new Unsettled(new Date(), `Somebody else resolved the ${making.what} at the same moment.`);
  }
  for (const twin of twins) await removeTwin(context, making, twin);
  return upstreamId;
}

/** Everything that bears the marker, oldest first, then by id: the first trusted one survives, for every looker. */
async function sight(context: AnyContext, making: Making): Promise<readonly Sighting[]> {
  const since = await firstCreateAt(context.provisioning.prisma, making.resourceId);
  if (since === null) return [];
  const sightings = await making.look(since);
  return sightings.toSorted(
    (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.upstreamId < b.upstreamId ? -1 : 1),
  );
}

/**
 * Looks once more for twins of a resource, long after: whatever bears its marker and is not what the mapping holds is
 * removed, if it is ours beyond doubt and empty. Answers how many were removed.
 * @throws {NeedsAttention} naming those that may not be removed
 */
export async function removeTwins(context: AnyContext, making: Making, keep: string | null): Promise<number> {
  const twins = (await sight(context, making)).filter(({ upstreamId }) => upstreamId !== keep);
  const distrusted = twins.filter(({ distrust }) => distrust !== null);
  if (distrusted.length > 0) throw new NeedsAttention(describeDistrusted(making, distrusted));
  for (const twin of twins) await removeTwin(context, making, twin);
  return twins.length;
}

async function removeTwin(context: AnyContext, making: Making, twin: Sighting): Promise<void> {
  const reason = await twin.whyKeep();
  if (reason !== null) {
    throw new NeedsAttention(
      `The ${making.what} ${twin.upstreamId} is a twin, but may not be deleted: ${reason}`,
    );
  }
  await removeAndProve(context, making.resourceId, twin.removal, "twin");
}

function describeDistrusted(making: Making, sightings: readonly Sighting[]): string {
  const named = sightings.map(({ upstreamId, distrust }) => `${upstreamId} (${distrust})`).join(", ");
  return `Upstream bears the marker of this ${making.what}, but cannot be trusted to be ours: ${named}.`;
}
