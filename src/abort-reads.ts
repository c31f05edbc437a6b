import type { Mem0 } from "./mem0/request.ts";
import type { MemoryDoor } from "./memory-access/memory-door.ts";

/**
 * The same client, whose calls end with a signal, too. Only for what reads: of a write that is broken off nobody could tell any
 * more what became of it.
 */
export function abortingCalls(mem0: Mem0, signal: AbortSignal): Mem0 {
  return {
    origin: mem0.origin,
    close: () => mem0.close(),
    clockOffsetMs: () => mem0.clockOffsetMs(),
    send: (request) => {
      const given = request.options?.signal;
      const either = given === undefined ? signal : AbortSignal.any([given, signal]);
      return mem0.send({ ...request, options: { ...request.options, signal: either } });
    },
  };
}

/** The same door, whose clients' calls end with a signal. For what reads. */
export function abortingDoor(door: MemoryDoor, signal: AbortSignal): MemoryDoor {
  return {
    open: async (tenantId, form) => {
      const access = await door.open(tenantId, form);
      return { ...access, mem0: abortingCalls(access.mem0, signal) };
    },
    close: () => door.close(),
  };
}
