import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { PrismaClient } from "../generated/prisma/client.ts";
import type { Mem0 } from "../mem0/request.ts";
import { refuteAndClaim } from "../tenants/key-proofs.ts";
import { type AccessWay, type PlatformIdentity, readAccessRows } from "../tenants/memory-access.ts";
import { MemoryAccessMissing } from "../tenants/memory-refusals.ts";
import { howToUnseal, judgeHere } from "./judge-here.ts";
import { KeyClients, type KeyRef } from "./key-clients.ts";
import type { KeyRing } from "./key-ring.ts";
import type { MemoryAccess, MemoryCallForm, MemoryDoor } from "./memory-door.ts";
import { runProof } from "./proofs.ts";
import { isInvalidKey, type Mem0Target } from "./prove-key.ts";
import { CannotOpen } from "./sealed-secret.ts";

/** What the door's connection has to listen to: the database notifies a tenant's id when something may close. */
export const accessChannels: readonly string[] = ["loci_access"];

/** What the door wants to hear from its connection. */
export interface AccessReceiver {
  notified(channel: string, payload: string): void;
  /** From now on nothing is missed; before, something may have been. */
  listening(): void;
}

/** A connection that hears of changes, as `database/listen.ts` opens it. */
export interface AccessConnection {
  isListening(): boolean;
  close(): Promise<void>;
}

/** What the door works with. */
export interface DoorOptions {
  readonly prisma: PrismaClient;
  readonly target: Mem0Target;
  /** Null: there is none, and no stored key can be used. */
  readonly ring: KeyRing | null;
  /** The platform's own key: what ping said of it, and a client that needs no lease. */
  readonly platform: PlatformIdentity & { readonly mem0: Mem0 };
  readonly proofEveryMs: number;
  readonly log: Logger;
  /** Opens the connection to `accessChannels`. */
  readonly listen: (receiver: AccessReceiver) => AccessConnection;
}

/** The door, for whoever changes what it goes by. */
export interface OpenDoor extends MemoryDoor {
  /**
   * Forgets what is known of a tenant. For whoever has just changed it in this process, so that the next call does not wait for
   * the notification; all others are told by the database.
   */
  forget(tenantId: string): void;
}

/**
 * How long what was found is used without asking again. Longer than that a change cannot go unheard, also where a network died
 * and the connection does not know it yet.
 */
const keptMs = 5_000;
const keptMax = 10_000;

/** Opens the door. What it keeps is used only while it hears of changes: while it does not, every call asks the database. */
export function createMemoryDoor(options: DoorOptions): OpenDoor {
  return new Door(options);
}

class Door implements OpenDoor {
  readonly #options: DoorOptions;
  readonly #clients: KeyClients;
  readonly #connection: AccessConnection;
  readonly #kept = new LRUCache<string, MemoryAccess>({ max: keptMax });
  /** Raised by whatever may have changed something: what was read before is not kept after. */
  #generation = 0;
  #closed: Promise<void> | null = null;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#clients = new KeyClients(options.target, options.ring);
    this.#connection = options.listen({
      notified: (_channel, tenantId) => this.forget(tenantId),
      listening: () => {
        this.#generation += 1;
        this.#kept.clear();
      },
    });
  }

  async open(tenantId: string, form: MemoryCallForm): Promise<MemoryAccess> {
    if (this.#closed !== null) throw new Error("The door to memories was closed.");
    const kept = this.#connection.isListening() ? this.#kept.get(tenantId) : undefined;
    const access = kept ?? (await this.#find(tenantId));
    if (form === "without-body" && access.override !== null) {
      const message =
        "The key at hand is of another project of the tenant's organization, and this call carries no body that could name the tenant's.";
      throw new MemoryAccessMissing(tenantId, message, howToBind);
    }
    return access;
  }

  forget(tenantId: string): void {
    this.#generation += 1;
    this.#kept.delete(tenantId);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#kept.clear();
    await Promise.all([this.#connection.close(), this.#clients.close()]);
  }

  async #find(tenantId: string): Promise<MemoryAccess> {
    const { prisma, platform, ring } = this.#options;
    const generation = this.#generation;
    const [row] = await readAccessRows(prisma, [tenantId]);
    if (row === undefined) throw new MemoryAccessMissing(tenantId, "There is no such tenant.", "Sign it up.");
    const { ways, message, howTo } = judgeHere(row, platform, ring);
    if (ways.length === 0) throw new MemoryAccessMissing(tenantId, message, howTo);
    const { access, way } = await this.#firstOpen(tenantId, ways);
    // What changed while it was read may not be in it; the next call reads again.
    if (generation === this.#generation && this.#connection.isListening()) {
      const ttl = Math.max(1, Math.floor(Math.min(keptMs, way.usableForMs)));
      this.#kept.set(tenantId, access, { ttl });
    }
    return access;
  }

  /** The first way whose key can be unsealed. */
  async #firstOpen(
    tenantId: string,
    ways: readonly AccessWay[],
  ): Promise<{ access: MemoryAccess; way: AccessWay }> {
    let because = "";
    for (const way of ways) {
      const { orgId, projectId, via } = way;
      try {
        const mem0 = await this.#clientOf(tenantId, way);
        const override = via === "BOUND_KEY" ? null : { orgId, projectId };
        return { access: { tenantId, mem0, orgId, projectId, via, override }, way };
      } catch (error) {
        if (!(error instanceof CannotOpen)) throw error;
        because = error.message;
      }
    }
    throw new MemoryAccessMissing(tenantId, `The tenant's API key cannot be opened. ${because}`, howToUnseal);
  }

  async #clientOf(tenantId: string, way: AccessWay): Promise<Mem0> {
    const { holder, keyId, sealedKey } = way;
    if (holder === "PLATFORM" || keyId === null) return withoutEnd(this.#options.platform.mem0);
    const ref: KeyRef = { owner: holder === "PROJECT" ? "PROJECT" : "ACCOUNT", id: keyId };
    const client = await this.#clients.get(ref, sealedKey);
    return whoTellsOfRefusal(client, () => this.#refused(tenantId, ref));
  }

  /** Mem0 did not take a key that was proved: the door closes before the caller learns of it, and the key is proved anew. */
  async #refused(tenantId: string, ref: KeyRef): Promise<void> {
    const { prisma, ring, log } = this.#options;
    this.forget(tenantId);
    try {
      const task = await refuteAndClaim(prisma, ref, "Mem0 did not take the API key in a call (401).");
      this.forget(tenantId);
      if (task === null || ring === null) return;
      log.warn(ref, "Mem0 refused an API key that was proved");
      runProof({ ...this.#options, ring }, task)
        .catch((error: unknown) => log.error({ err: error }, "a proof failed"))
        .finally(() => this.forget(tenantId));
    } catch (error) {
      // The caller is to learn of the refusal all the same; the next call that is refused tries again.
      log.error({ err: error }, "the door could not be closed to a refused key");
    }
  }
}

const howToBind =
  "Create a key for this tenant's project in Mem0's dashboard (Settings > API keys), and attach it with the mutation attachProjectKey.";

/** The same client, whose end is the door's business. */
function withoutEnd(mem0: Mem0): Mem0 {
  return {
    origin: mem0.origin,
    clockOffsetMs: () => mem0.clockOffsetMs(),
    close: async () => {},
    send: (request) => mem0.send(request),
  };
}

/** The same client, that waits for `tell` before it passes on that its key was refused. */
function whoTellsOfRefusal(mem0: Mem0, tell: () => Promise<void>): Mem0 {
  return {
    ...withoutEnd(mem0),
    send: async (request) => {
      try {
        return await mem0.send(request);
      } catch (error) {
        if (isInvalidKey(error)) await tell();
        throw error;
      }
    },
  };
}
