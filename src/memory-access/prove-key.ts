import { Mem0Error, Mem0Refused } from "../mem0/errors.ts";
import { type Ping, ping } from "../mem0/ping.ts";
import { type CallOptions, openMem0 } from "../mem0/request.ts";
import type { ProofOutcome } from "../tenants/key-proofs.ts";
import type { Secret } from "./secret.ts";

/** Where Mem0 is, and how long a call may take. */
export interface Mem0Target {
  readonly baseUrl: string;
  readonly timeoutMs: number;
}

/** A proof is quick or it is repeated: nobody is to wait for it as long as for a call that does something. */
const proofTimeoutMaxMs = 15_000;

/**
 * What Mem0 says that a key stands for: one ping by a client of its own, which no circuit breaker stops.
 * @throws {Mem0Refused} 401 when the key is not valid
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function askWhose(
  { baseUrl, timeoutMs }: Mem0Target,
  key: Secret,
  options: Pick<CallOptions, "signal" | "onCall"> = {},
): Promise<Ping> {
  const mem0 = openMem0({ baseUrl, apiKey: key.reveal(), breaker: false, connections: 1 });
  try {
    return await ping(mem0, { timeoutMs: Math.min(timeoutMs, proofTimeoutMaxMs), ...options });
  } finally {
    await mem0.close();
  }
}

/** Whether a ping names this very organization and this very project. */
export function isOf(identity: Ping, home: { readonly orgId: string; readonly projectId: string }): boolean {
  return identity.orgId === home.orgId && identity.projectId === home.projectId;
}

/** Proves a key anew. It does not throw for what Mem0 answers, nor for no answer. */
export async function proveKey(
  target: Mem0Target,
  key: Secret,
  home: { readonly orgId: string; readonly projectId: string },
  signal?: AbortSignal,
): Promise<ProofOutcome> {
  try {
    const identity = await askWhose(target, key, signal === undefined ? {} : { signal });
    if (isOf(identity, home)) return { is: "PROVED" };
    return { is: "REFUTED", because: "Mem0 says that the API key is of another project." };
  } catch (error) {
    if (!(error instanceof Mem0Error)) throw error;
    if (!isInvalidKey(error)) return { is: "UNANSWERED" };
    return { is: "REFUTED", because: "Mem0 says that the API key is not valid (any more)." };
  }
}

/** Whether Mem0 did not take the key: 401, whatever was asked for (Mem0 OpenAPI, ping). */
export function isInvalidKey(error: unknown): boolean {
  return error instanceof Mem0Refused && error.status === 401;
}
