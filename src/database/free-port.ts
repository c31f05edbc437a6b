import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the range from which systems take the ports of outgoing connections (32768 on Linux): a port of
 * ours from there might be somebody's at the next start.
 */
const portMin = 15_000;
const portMax = 32_000;
const attemptsMax = 50;

/** Whether `port` is free on the loopback at this moment. It may be taken in the next. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}

/** A port that is free on the loopback at this moment. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = randomInt(portMin, portMax);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free port was found between ${portMin} and ${portMax} on 127.0.0.1.`);
}
