import { LRUCache } from "lru-cache";
import type { Mem0 } from "../mem0/request.ts";
import { openMem0 } from "../mem0/request.ts";
import type { KeyOwner } from "../tenants/key-proofs.ts";
import type { KeyRing } from "./key-ring.ts";
import type { Mem0Target } from "./prove-key.ts";
import { sealedForOf } from "./sealed-for.ts";
import { CannotOpen, open } from "./sealed-secret.ts";

/** The row that a key lies in. */
export interface KeyRef {
  readonly owner: KeyOwner;
  readonly id: string;
}

/** At most so many clients; the one that was not used for longest goes. */
const clientsMax = 1_000;
/** A client that nobody asked for is closed, and its key is in no memory any more. */
const idleMs = 300_000;
/** Calls at once by one key. */
const connectionsMax = 32;

/**
 * The clients of stored keys, one a key. Each has a circuit breaker of its own, so that what fails in one tenant's project
 * stops no other tenant; it takes ten calls a key to learn that Mem0 is away.
 */
export class KeyClients {
  readonly #target: Mem0Target;
  readonly #ring: KeyRing | null;
  readonly #clients = new LRUCache<string, Mem0>({
    max: clientsMax,
    ttl: idleMs,
    ttlAutopurge: true,
    updateAgeOnGet: true,
    // It waits for the calls under way.
    dispose: (client) => void client.close().catch(() => {}),
  });

  constructor(target: Mem0Target, ring: KeyRing | null) {
    this.#target = target;
    this.#ring = ring;
  }

  /**
   * The client of a key; opened when first needed.
   * @throws {CannotOpen} when the key cannot be unsealed here
   */
  async get(ref: KeyRef, sealedKey: unknown): Promise<Mem0> {
    const known = this.#clients.get(ref.id);
    if (known !== undefined) return known;
    if (this.#ring === null) throw new CannotOpen("LOCI_ENCRYPTION_KEY is not set.");
    const key = await open(this.#ring, sealedKey, sealedForOf(ref));
    // Another caller may have opened it meanwhile.
    const other = this.#clients.get(ref.id);
    if (other !== undefined) return other;
    const client = openMem0({ ...this.#target, apiKey: key.reveal(), connections: connectionsMax });
    this.#clients.set(ref.id, client);
    return client;
  }

  /** Waits for the calls under way, and closes all. */
  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.allSettled(clients.map((client) => client.close()));
  }
}
