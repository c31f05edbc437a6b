import type { Prisma } from "../generated/prisma/client.ts";
import { Mem0Error, Mem0Refused } from "../mem0/errors.ts";
import type { Suspicion } from "../tenants/drift.ts";
import { type ListProofs, proveList, readListProofs } from "../tenants/installation.ts";
import {
  abandonAttempt,
  claimCreate,
  readResource,
  recordDoubt,
  recordMade,
  recordNotDone,
  recordUnknown,
  type UnresolvedAttempt,
  unresolvedCreate,
  wasEverAbandoned,
} from "../tenants/mapping.ts";
import { isUnaccounted } from "../tenants/unaccounted.ts";
import { ListUnproved, NeedsAttention, Unsettled } from "./failures.ts";
import { removeAndProve } from "./remove-and-prove.ts";
import type { SagaContext } from "./saga.ts";
import { type Sighting, sight, sightAdoptable, tellSuspicious, whatIsIn } from "./sightings.ts";

/** A thing to make with a create that is not idempotent. */
export interface Making {
  readonly resourceId: string;
  /** What it is, for messages: "organization". */
  readonly what: string;
  /** The list that `look` reads, where an empty one is no proof until the list is proved. Null: none needed. */
  readonly list: keyof ListProofs | null;
  /** Sends the create; answers the upstream id. Never retries. */
  create(): Promise<string>;
  /**
   * What the step answers when this was all that it had to make: then that it was made and that the step is done are one
   * record. Absent: the step does more.
   */
  answer?(upstreamId: string): Prisma.InputJsonObject;
  /** Everything upstream that bears the marker. `since`: when our first create may have been sent. */
  look(since: Date): Promise<readonly Sighting[]>;
}

type AnyContext = Pick<SagaContext<unknown>, "provisioning" | "tenant" | "operationId" | "step" | "finish">;

/**
 * Makes a thing upstream once, whatever happens to answers and processes. An attempt is committed before the request;
 * where an earlier one has no known outcome, it looks before it makes another. Answers the upstream id, which then is
 * in the mapping. A repeat answers the same id and asks Mem0 nothing; so do many at once, whoever of them was first.
 *
 * @throws {Unsettled} when a lost create may still land
 * @throws {NotYet} when what was found vanished while it was looked at
 * @throws {NeedsAttention} when it cannot be told whether something was made
 * @throws {Mem0Error} when the create failed; after a lost answer the next call looks
 */
export async function makeOnce(context: AnyContext, making: Making): Promise<string> {
  const { provisioning, operationId, step } = context;
  const { resourceId } = making;
  const claim = await claimCreate(provisioning.prisma, { resourceId, operationId, step });
  switch (claim.is) {
    case "present":
      return claim.upstreamId;
    case "gone":
      throw new NeedsAttention(`The ${making.what} is gone in the mapping, so none is made.`);
    case "unresolved":
      return (await resolveLost(context, making, claim.attempt)) ?? makeOnce(context, making);
    case "claimed":
      return create(context, making, claim.attemptId);
  }
}

async function create(context: AnyContext, making: Making, attemptId: string): Promise<string> {
  const { prisma } = context.provisioning;
  const { resourceId } = making;
  let upstreamId: string;
  try {
    upstreamId = await making.create();
  } catch (error) {
    if (error instanceof Mem0Error && !error.mayHaveHappened) {
      await recordNotDone(prisma, attemptId, error.message);
      // A request that was given up as lost may have landed since, and now stands in the way of this one.
      if (error instanceof Mem0Refused && (await wasEverAbandoned(prisma, resourceId))) {
        const { adopted, suspicious } = await adoptSurvivor(context, making);
        if (adopted !== null) return adopted;
        if (suspicious.length > 0) throw new NeedsAttention(describeSuspicious(making, suspicious));
      }
    } else {
      await recordUnknown(prisma, attemptId, error instanceof Error ? error.message : String(error));
    }
    throw error;
  }
  const answer = making.answer?.(upstreamId);
  const end = answer === undefined ? null : (context.finish?.with(answer) ?? null);
  if (await recordMade(prisma, { resourceId, attemptId, upstreamId }, end)) {
    if (end !== null) context.finish?.recorded(end);
    return upstreamId;
  }
  const mapped = await mappedId(context, making);
  // Otherwise somebody else's id was there before: what we made is a twin, and the late look removes it.
  if (mapped !== upstreamId) {
    await recordUnknown(prisma, attemptId, `Made ${upstreamId}, but the mapping had another one already.`);
  }
  return mapped;
}

/** What somebody else has written into the mapping before us. */
async function mappedId({ provisioning }: AnyContext, { resourceId, what }: Making): Promise<string> {
  const { upstreamId, state } = await readResource(provisioning.prisma, resourceId);
  if (upstreamId !== null && state !== "GONE") return upstreamId;
  throw new NeedsAttention(
    `The ${what} is gone in the mapping; what was made since is left to the late look.`,
  );
}

/**
 * What became of a create, for somebody who wants to undo it: the upstream id, or null when nothing was made.
 * @throws {Unsettled} {NeedsAttention} {Mem0Error} as `makeOnce`
 */
export async function whatWasMade(context: AnyContext, making: Making): Promise<string | null> {
  const { prisma } = context.provisioning;
  const { upstreamId } = await readResource(prisma, making.resourceId);
  if (upstreamId !== null) return upstreamId;
  const lost = await unresolvedCreate(prisma, making.resourceId);
  if (lost === null) return null;
  return (await resolveLost(context, making, lost)) ?? whatWasMade(context, making);
}

/**
 * Looks for what a lost create may have made. Null: looked again after the settle delay, and found nothing; or somebody
 * else found out meanwhile what became of it.
 */
async function resolveLost(
  context: AnyContext,
  making: Making,
  attempt: UnresolvedAttempt,
): Promise<string | null> {
  const { prisma, timings, account } = context.provisioning;
  const { what, resourceId } = making;
  const lostAt = await recordUnknown(prisma, attempt.id, "The process ended before the answer was recorded.");
  if (lostAt === null) return null;
  // What counts is when the look began: its list may have been read long before its answer came.
  const lookedAt = new Date();
  const { adopted, suspicious } = await adoptSurvivor(context, making, attempt.id);
  if (adopted !== null) return adopted;
  const settledAt = new Date(lostAt.getTime() + timings.settleMs);
  if (lookedAt < settledAt) {
    throw new Unsettled(settledAt, `The answer to creating the ${what} was lost; it may still appear.`);
  }
  if (suspicious.length > 0) {
    const reason = describeSuspicious(making, suspicious);
    await recordDoubt(prisma, resourceId, reason);
    throw new NeedsAttention(reason);
  }
  if (making.list !== null && !(await readListProofs(prisma, account.id))[making.list]) {
    throw new ListUnproved(
      making.list,
      `The answer to creating the ${what} was lost, and Mem0's list does not show it. Nobody has seen yet that ` +
        `this list shows what the configured key creates, so its silence proves nothing. Look in Mem0's dashboard for ` +
        "a name that ends in this resource's marker, then tell the operation to go on.",
    );
  }
  await abandonAttempt(prisma, attempt.id);
  return null;
}

function describeSuspicious({ what }: Making, suspicious: readonly Suspicion[]): string {
  const named = suspicious.map(({ upstreamId, why }) => `${upstreamId} (${why})`).join(", ");
  return (
    `The answer to creating the ${what} was lost, and what bears its marker upstream is suspicious, so it is neither ` +
    `adopted nor deleted: ${named}.`
  );
}

/** What a look came to. */
interface Looked {
  /** What is in the mapping now. Null: nothing was found that is ours beyond doubt. */
  readonly adopted: string | null;
  readonly suspicious: readonly Suspicion[];
}

/**
 * Takes the oldest trusted sighting into the mapping, and removes its twins. Of two at once one does so, and the other
 * answers what the first took.
 */
async function adoptSurvivor(
  context: AnyContext,
  making: Making,
  attemptId: string | null = null,
): Promise<Looked> {
  const { prisma, account } = context.provisioning;
  const { resourceId } = making;
  const { trusted, suspicious } = await sightAdoptable(context, making);
  if (suspicious.length > 0) await tellSuspicious(context, making, suspicious);
  const [survivor, ...twins] = trusted;
  if (survivor === undefined) return { adopted: null, suspicious };
  if (making.list !== null) await proveList(prisma, account.id, making.list);
  const { upstreamId } = survivor;
  if (!(await recordMade(prisma, { resourceId, attemptId, upstreamId }))) {
    return { adopted: await mappedId(context, making), suspicious };
  }
  for (const twin of twins) await removeTwin(context, making, twin);
  return { adopted: upstreamId, suspicious };
}

/**
 * Looks once more for twins of a resource, long after: whatever bears its marker and is not what the mapping holds is
 * removed, if it is ours beyond doubt and empty. What is suspicious is told in the tenant's drift and left alone:
 * nothing of ours is broken by it. Answers how many were removed.
 * @throws {NeedsAttention} naming one that is ours and has something in it
 */
export async function removeTwins(context: AnyContext, making: Making, keep: string | null): Promise<number> {
  const { trusted, suspicious } = await sight(context, making, keep);
  await tellSuspicious(context, making, suspicious);
  for (const twin of trusted) await removeTwin(context, making, twin);
  return trusted.length;
}

async function removeTwin(context: AnyContext, making: Making, twin: Sighting): Promise<void> {
  const { prisma } = context.provisioning;
  // What an inventory found is an operator's matter, whatever it looks like to us.
  const isListed = await isUnaccounted(prisma, twin.upstreamId);
  const reason = isListed ? "an inventory lists it as unaccounted" : await whatIsIn(twin);
  if (reason !== null) {
    throw new NeedsAttention(
      `The ${making.what} ${twin.upstreamId} is a twin, but may not be deleted: ${reason}.`,
    );
  }
  await removeAndProve(context, making.resourceId, twin.removal, "twin");
}
