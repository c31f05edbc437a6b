import type { Mem0 } from "../mem0/request.ts";

/** A client of Mem0 that counts what it puts on the wire. */
export interface CountedMem0 {
  readonly mem0: Mem0;
  /** Counts what another client puts on the wire, too. */
  count(other: Mem0): Mem0;
  /** Requests that have left and were not counted yet: written down, they are taken off. */
  uncounted: number;
}

/**
 * The same client for one step, so that its requests can be written on its row. A request counts when its call is over;
 * one that is under way when the process dies is never counted.
 */
export function countCalls(mem0: Mem0): CountedMem0 {
  const count = (client: Mem0): Mem0 => ({
    origin: client.origin,
    close: () => client.close(),
    clockOffsetMs: () => client.clockOffsetMs(),
    send: (request) => {
      const onCall = ({ hasLeft }: { readonly hasLeft: boolean }) => {
        if (hasLeft) counted.uncounted += 1;
      };
      return client.send({ ...request, options: { ...request.options, onCall } });
    },
  });
  const counted: CountedMem0 = { uncounted: 0, mem0: count(mem0), count };
  return counted;
}
