import { setTimeout as sleep } from "node:timers/promises";
import type { PrismaClient } from "../generated/prisma/client.ts";
import { auditingRefusals, recordAllowed, type VerbCall } from "../tenants/audit.ts";
import { EncryptionKeyMissing } from "../tenants/key-refusals.ts";
import {
  type Resealed,
  readSealed,
  replaceSealed,
  type SealedPlace,
  type SealedValue,
  sealedPlaces,
} from "../tenants/sealed-values.ts";
import type { KeyRing } from "./key-ring.ts";
import { CannotOpen, open, seal, sealingKeyIdOf } from "./sealed-secret.ts";

/** What values are sealed anew with. */
export interface RewrapWork {
  readonly prisma: PrismaClient;
  /** Null: this process can neither open nor seal anything. */
  readonly ring: KeyRing | null;
}

/** How many values were sealed with one key. */
export interface KeyCount {
  readonly keyId: string;
  readonly count: number;
}

/** What came of sealing everything anew. */
export interface Rewrapped {
  /** The key that seals. */
  readonly keyId: string;
  /** By the keys that they were sealed with before. */
  readonly rewrapped: readonly KeyCount[];
  /** How many were sealed with `keyId` before. */
  readonly alreadyCurrent: number;
  /** By the keys that this process has not: these values stayed as they are. */
  readonly unopenable: readonly KeyCount[];
  /** How many do not open although their key is here, or say of none: they were changed, or were never sealed here. */
  readonly damaged: number;
  /** Whether all were looked at, and none left because somebody else was changing it. A repeat goes on where this ended. */
  readonly isComplete: boolean;
}

/** Limits of one call. */
export interface RewrapLimits {
  /** Values that are read and written at once. */
  readonly batch: number;
  /** After which no other batch is begun. */
  readonly timeoutMs: number;
}

const defaultLimits: RewrapLimits = { batch: 200, timeoutMs: 20_000 };
/** How often everything is walked for what somebody else held before, and the pause between. */
const walksMax = 5;
const pauseMs = 50;

/**
 * Seals every sealed value with the ring's sealing key that is sealed with another one, while everything goes on: each is
 * replaced only where it still lies as it was read. The content is opened and sealed anew: the wrapping key's id and iv stand
 * in the protected header, which the content's own seal covers, so a content key cannot get another wrapping without it.
 * A repeat changes nothing once all is current. Any number of processes may do it at once. Audited: the event that says ASKED
 * is in the transaction of the first change, and the last one has the counts.
 * @throws {EncryptionKeyMissing}
 */
export async function rotateEncryptionKey(
  { prisma, ring }: RewrapWork,
  { actor, reason }: { readonly actor: string; readonly reason: string },
  limits: RewrapLimits = defaultLimits,
): Promise<Rewrapped> {
  const call: VerbCall = {
    ...{ actor, reason, verb: "rotateEncryptionKey", operationId: null, tenantId: null },
    details: ring === null ? {} : { keyId: ring.sealing.id },
  };
  return auditingRefusals(prisma, call, async () => {
    if (ring === null) throw new EncryptionKeyMissing();
    const rotation = new Rotation(prisma, ring, call, limits);
    const outcome = await rotation.run();
    await rotation.recordOutcome(outcome);
    return outcome;
  });
}

/** How many values each key has sealed, of those that this database holds. Reads all of them. Null: no sealed value. */
export async function countBySealingKey({
  prisma,
}: Pick<RewrapWork, "prisma">): Promise<ReadonlyMap<string | null, number>> {
  const counts = new Map<string | null, number>();
  for (const place of sealedPlaces) {
    for await (const values of batchesOf(prisma, place, 1_000)) {
      for (const { sealed } of values) add(counts, sealingKeyIdOf(sealed));
    }
  }
  return counts;
}

async function* batchesOf(
  prisma: PrismaClient,
  place: SealedPlace,
  limit: number,
): AsyncGenerator<readonly SealedValue[]> {
  let after = "";
  for (;;) {
    const values = await readSealed(prisma, place, { after, limit });
    const last = values.at(-1);
    if (last === undefined) return;
    yield values;
    if (values.length < limit) return;
    after = last.id;
  }
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** What was found in one walk over everything. */
class Walk {
  current = 0;
  damaged = 0;
  /** Openable, and held or changed by somebody else just then. */
  left = 0;
  isCut = false;
  readonly unopenable = new Map<string, number>();
}

class Rotation {
  readonly #prisma: PrismaClient;
  readonly #ring: KeyRing;
  readonly #call: VerbCall;
  readonly #limits: RewrapLimits;
  readonly #endsAt: number;
  readonly #rewrapped = new Map<string, number>();
  #isAsked = false;

  constructor(prisma: PrismaClient, ring: KeyRing, call: VerbCall, limits: RewrapLimits) {
    this.#prisma = prisma;
    this.#ring = ring;
    this.#call = call;
    this.#limits = limits;
    this.#endsAt = Date.now() + limits.timeoutMs;
  }

  async run(): Promise<Rewrapped> {
    const first = await this.#walk();
    let last = first;
    for (let walks = 1; last.left > 0 && !last.isCut && walks < walksMax; walks += 1) {
      await sleep(pauseMs);
      last = await this.#walk();
    }
    return {
      keyId: this.#ring.sealing.id,
      rewrapped: listOf(this.#rewrapped),
      alreadyCurrent: first.current,
      unopenable: listOf(last.unopenable),
      damaged: last.damaged,
      isComplete: last.left === 0 && !last.isCut,
    };
  }

  /** Says in the audit what came of it, if it was begun. Without it the event that says ASKED stands alone: nobody knows. */
  async recordOutcome({ rewrapped, unopenable, damaged, isComplete }: Rewrapped): Promise<void> {
    if (!this.#isAsked) return;
    const details = {
      ...{ ...this.#call.details, damaged, isComplete },
      rewrapped: recordOf(rewrapped),
      unopenable: recordOf(unopenable),
    };
    const outcome = rewrapped.length > 0 ? "DONE" : "NOT_DONE";
    await recordAllowed(this.#prisma, { ...this.#call, details, outcome });
  }

  async #walk(): Promise<Walk> {
    const walk = new Walk();
    for (const place of sealedPlaces) {
      for await (const values of batchesOf(this.#prisma, place, this.#limits.batch)) {
        if (Date.now() >= this.#endsAt) {
          walk.isCut = true;
          return walk;
        }
        await this.#rewrap(walk, place, values);
      }
    }
    return walk;
  }

  async #rewrap(walk: Walk, place: SealedPlace, values: readonly SealedValue[]): Promise<void> {
    const resealed: Resealed[] = [];
    for (const value of values) {
      const next = await this.#reseal(walk, place, value);
      if (next !== null) resealed.push({ ...value, next });
    }
    if (resealed.length === 0) return;
    const put = await this.#prisma.$transaction(async (tx) => {
      if (!this.#isAsked) await recordAllowed(tx, { ...this.#call, outcome: "ASKED" });
      return replaceSealed(tx, place, resealed);
    });
    this.#isAsked = true;
    walk.left += resealed.length - put.size;
    for (const { id, sealed } of resealed) {
      if (put.has(id)) add(this.#rewrapped, sealingKeyIdOf(sealed) ?? "");
    }
  }

  /** The same sealed with the ring's sealing key. Null: it stays as it is, for the reason that was counted. */
  async #reseal(walk: Walk, place: SealedPlace, { id, sealed }: SealedValue): Promise<object | null> {
    const keyId = sealingKeyIdOf(sealed);
    if (keyId === this.#ring.sealing.id) {
      walk.current += 1;
      return null;
    }
    if (keyId !== null && this.#ring.find(keyId) === null) {
      add(walk.unopenable, keyId);
      return null;
    }
    const sealedFor = { purpose: place, id };
    try {
      return await seal(this.#ring, await open(this.#ring, sealed, sealedFor), sealedFor);
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
      walk.damaged += 1;
      return null;
    }
  }
}

function listOf(counts: ReadonlyMap<string, number>): KeyCount[] {
  return [...counts].map(([keyId, count]) => ({ keyId, count }));
}

function recordOf(counts: readonly KeyCount[]): Record<string, number> {
  return Object.fromEntries(counts.map(({ keyId, count }) => [keyId, count]));
}
