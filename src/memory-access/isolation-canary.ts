import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { PrismaClient } from "../generated/prisma/client.ts";
import { addMemories, deleteMemory, type Memory } from "../mem0/memories.ts";
import { listMemories, searchMemories } from "../mem0/memory-lists.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { breachCode, closeForBreach } from "../tenants/isolation-breach.ts";
import { findTenant } from "../tenants/tenant-store.ts";
import type { MemoryAccess } from "./memory-door.ts";
import type { OpenDoor } from "./open-door.ts";

/** What the standing canary works with. */
export interface CanaryWork {
  readonly prisma: PrismaClient;
  /** The door that memory calls of this process go through: it is what is checked. */
  readonly door: Pick<OpenDoor, "open" | "forget">;
  readonly log: Logger;
  /** The keys of the two tenants that are there for nothing else. */
  readonly tenantKeys: readonly [string, string];
}

/**
 * CLEAR: neither saw what is the other's. BREACHED: one did, and both doors are closed. UNTOLD: it could not be found out, because
 * a tenant or its door is not there or Mem0 did not answer.
 */
export type CanaryOutcome = "CLEAR" | "BREACHED" | "UNTOLD";

/** Of whom the canaries' memories are. */
const canaryUser = "loci-canary";
/** How long a memory that was written may take to be in its own tenant's list, and how often one looks. */
const shownWithinMs = 30_000;
const lookEveryMs = 1_000;
/** A canary that could not be deleted is not shown any longer than that. */
const leftForMs = 2 * 86_400_000;
const listedMax = 100;
/** The first check waits no longer than that, so that a start with a wrong key does not wait for an hour. */
const firstWithinMs = 60_000;

/** Checks both directions once. It does not throw for what Mem0 answers, nor for no answer. Safe in any number of processes. */
export async function checkIsolation(work: CanaryWork, signal?: AbortSignal): Promise<CanaryOutcome> {
  const [one, other] = work.tenantKeys;
  const outcomes: CanaryOutcome[] = [];
  for (const [writer, reader] of [
    [one, other],
    [other, one],
  ] as const) {
    const outcome = await checkDirection(work, writer, reader, signal).catch((error: unknown) => {
      // A plain word for each: neither the canary's text nor a key is in any of them.
      work.log.warn({ err: error, writer, reader }, "the isolation canary could not be judged");
      return "UNTOLD" as const;
    });
    // Both doors are closed now.
    if (outcome === "BREACHED") return outcome;
    outcomes.push(outcome);
  }
  return outcomes.every((outcome) => outcome === "CLEAR") ? "CLEAR" : "UNTOLD";
}

async function checkDirection(
  work: CanaryWork,
  writerKey: string,
  readerKey: string,
  signal: AbortSignal | undefined,
): Promise<CanaryOutcome> {
  const { door, log } = work;
  // By keys of their own: what is deleted by its id cannot be led elsewhere.
  const writer = await door.open(await tenantIdOf(work, writerKey), "without-body");
  const reader = await door.open(await tenantIdOf(work, readerKey), "without-body");
  const word = `canary${randomBytes(12).toString("hex")}`;
  const memoryId = await write(writer, word);
  try {
    if (!(await isShownToItsOwn(writer, word, signal))) {
      log.warn({ writer: writerKey }, "the isolation canary was not shown to its own tenant");
      return "UNTOLD";
    }
    const seenBy = await ways(reader, word);
    if (seenBy.length === 0) return "CLEAR";
    await alarm(work, { writer, reader, seenBy });
    return "BREACHED";
  } finally {
    await deleteCanary(writer, memoryId, log);
  }
}

async function tenantIdOf({ prisma }: CanaryWork, key: string): Promise<string> {
  const tenant = await findTenant(prisma, key);
  if (tenant?.status === "ACTIVE") return tenant.id;
  throw new Error("A tenant of LOCI_CANARY_TENANTS is not ACTIVE.");
}

async function write({ mem0, override }: MemoryAccess, word: string): Promise<string> {
  const input = {
    messages: [{ role: "user", content: word }],
    ...{ userId: canaryUser, infer: false },
    expirationDate: new Date(Date.now() + leftForMs).toISOString().slice(0, 10),
  } as const;
  const { results } = await addMemories(mem0, input, { project: override });
  const [stored] = results;
  if (stored === undefined) throw new Error("Mem0 did not say what it stored of the canary.");
  return stored.memoryId;
}

function has(found: readonly Pick<Memory, "memory">[], word: string): boolean {
  return found.some(({ memory }) => memory.includes(word));
}

const filters = { userId: { eq: canaryUser } };

async function isListed({ mem0, override }: MemoryAccess, word: string): Promise<boolean> {
  const page = await listMemories(mem0, { filters, pageSize: listedMax }, { project: override });
  return has(page.items, word);
}

async function isFound({ mem0, override }: MemoryAccess, word: string): Promise<boolean> {
  const query = { query: word, filters, topK: listedMax, threshold: 0 };
  return has(await searchMemories(mem0, query, { project: override }), word);
}

/** Before that, its being hidden from somebody says nothing. */
async function isShownToItsOwn(
  writer: MemoryAccess,
  word: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const until = Date.now() + shownWithinMs;
  while (!(await isListed(writer, word))) {
    if (Date.now() > until || signal?.aborted === true) return false;
    await sleep(lookEveryMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
  return true;
}

/** The calls by which the reader sees it. */
async function ways(reader: MemoryAccess, word: string): Promise<string[]> {
  const [isInSearch, isInList] = [await isFound(reader, word), await isListed(reader, word)];
  return [...(isInSearch ? ["search"] : []), ...(isInList ? ["list"] : [])];
}

interface Sighting {
  readonly writer: MemoryAccess;
  readonly reader: MemoryAccess;
  readonly seenBy: readonly string[];
}

async function alarm({ prisma, door, log }: CanaryWork, { writer, reader, seenBy }: Sighting): Promise<void> {
  const [writerId, readerId] = [writer.tenantId, reader.tenantId];
  // Told first: it must be known also where nothing can be closed.
  log.error({ code: breachCode, writerId, readerId, seenBy }, "memories crossed between two tenants");
  const keysClosed = await prisma.$transaction((tx) => closeForBreach(tx, { writerId, readerId, seenBy }));
  for (const tenantId of [writerId, readerId]) door.forget(tenantId);
  if (keysClosed === 0)
    log.error({ code: breachCode, writerId, readerId }, "there was no key to close the doors to");
}

async function deleteCanary({ mem0 }: MemoryAccess, memoryId: string, log: Logger): Promise<void> {
  try {
    await orAbsent(deleteMemory(mem0, memoryId));
  } catch (error) {
    log.warn({ err: error }, "a memory of the isolation canary could not be deleted");
  }
}

/** What checks until it is stopped. */
export interface Canary {
  /** Starts no other check, and waits for the end of the one under way. */
  stop(): Promise<void>;
}

/** Checks again and again, the first time within a minute, one check at a time. Every process checks its own door. */
export function startIsolationCanary(work: CanaryWork & { readonly everyMs: number }): Canary {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {});
  const loop = async () => {
    await pause(Math.min(work.everyMs, firstWithinMs) * Math.random());
    while (!signal.aborted) {
      const outcome = await checkIsolation(work, signal);
      work.log.debug({ outcome }, "isolation canary");
      await pause(work.everyMs);
    }
  };
  const ended = loop();
  return {
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
