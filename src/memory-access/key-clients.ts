import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Mem0, Mem0Options } from "../mem0/request.ts";
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
 * The clients of stored keys, one a key, also where a row's key was replaced by another. Each has a circuit breaker of its own,
 * so that what fails in one tenant's project stops no other tenant; it takes ten calls a key to learn that Mem0 is away.
 */
export class KeyClients {
  readonly #target: Mem0Target & Pick<Mem0Options, "gate" | "breaker">;
  readonly #ring: KeyRing | null;
  readonly #clients = new LRUCache<string, Mem0>({
    max: clientsMax,
    ttl: idleMs,
    ttlAutopurge: true,
    updateAgeOnGet: true,
    // It waits for the calls under way.
    dispose: (client) => void client.close().catch(() => {}),
  });

  /** `gate`: for a process whose calls may have to stop. */
  constructor(target: Mem0Target & Pick<Mem0Options, "gate" | "breaker">, ring: KeyRing | null) {
    this.#target = target;
    this.#ring = ring;
  }

  /**
   * The client of a key; opened when first needed.
   * @throws {CannotOpen} when the key cannot be unsealed here
   */
  async get(ref: KeyRef, sealedKey: unknown): Promise<Mem0> {
    const clientId = clientIdOf(ref, sealedKey);
    const known = this.#clients.get(clientId);
    if (known !== undefined) return known;
    if (this.#ring === null) throw new CannotOpen("LOCI_ENCRYPTION_KEY is not set.");
    const key = await open(this.#ring, sealedKey, sealedForOf(ref));
    // Another caller may have opened it meanwhile.
    const other = this.#clients.get(clientId);
    if (other !== undefined) return other;
    const client = openMem0({ ...this.#target, apiKey: key.reveal(), connections: connectionsMax });
    this.#clients.set(clientId, client);
    return client;
  }

  /** Waits for the calls under way, and closes all. */
  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.allSettled(clients.map((client) => client.close()));
  }
}

/** Another one for each key that the row ever had: no two are sealed alike. */
function clientIdOf({ id }: KeyRef, sealedKey: unknown): string {
  const sealed = JSON.stringify(sealedKey) ?? "";
  return `${id} ${createHash("sha256").update(sealed).digest("base64url")}`;
}
