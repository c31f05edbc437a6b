import { type AddressInfo, createServer, type Server, type Socket, connect as tcpConnect } from "node:net";

/** A stretch of the net between a program and a server, which can be cut and can stand still. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that were made through it so far. */
  connections(): number;
  /** Breaks every connection, whatever is on its way. Answers how many there were. */
  dropAll(): number;
  /**
   * Passes nothing on for so long, in either direction. Then everything arrives, also from those who have given up
   * meanwhile: that is how a request lands late.
   */
  stall(ms: number): void;
  close(): Promise<void>;
}

/** Opens one before the port that `target` names when a connection is made. */
export async function openTcpProxy(target: () => number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let flowing: Promise<void> = Promise.resolve();
  let count = 0;
  const server = createServer((near) => {
    count += 1;
    const far = tcpConnect(target(), "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.once("close", () => {
        if (near.destroyed && far.destroyed) pairs.delete(pair);
      });
    }
    const whenFlowing = () => flowing;
    passOn(near, far, whenFlowing);
    passOn(far, near, whenFlowing);
  });
  await listen(server);
  const dropAll = () => {
    const dropped = pairs.size;
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    pairs.clear();
    return dropped;
  };
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    dropAll,
    stall: (ms) => {
      const over = new Promise<void>((resolve) => setTimeout(resolve, ms));
      flowing = Promise.all([flowing, over]).then(() => {});
    },
    close: async () => {
      dropAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** In order, chunk by chunk; an end or a break on one side is passed on behind what was read before it. */
function passOn(from: Socket, to: Socket, whenFlowing: () => Promise<void>): void {
  let passed = Promise.resolve();
  const afterwards = (deed: () => void) => {
    passed = passed.then(whenFlowing).then(deed);
  };
  from.on("data", (chunk) => {
    from.pause();
    afterwards(() => {
      if (to.writable) to.write(chunk);
      from.resume();
    });
  });
  // A break shows as an end: what matters is that the connection is over.
  from.on("error", () => {});
  from.once("close", () => afterwards(() => to.destroySoon()));
}

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
}
