import type { IncomingMessage } from "node:http";

/** The longest request body, in bytes. A deletion of 10,000 memories by their ids has about 1.2 million. */
export const bodyBytesMax = 2 * 1024 * 1024;

/** For how long a body that nobody wants is read all the same. */
const discardMs = 2_000;

/**
 * The whole body of a request, or null as soon as it is, or says it will be, longer than `bodyBytesMax`. Nothing
 * beyond that is kept.
 * @throws when the client goes away before the end
 */
export function readBody(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bodyBytesMax) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      resolve(null);
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("The client went away before the end of its request.")));
  });
}

/**
 * Throws away what still comes of a request that was answered without reading it, for a while; then the connection is
 * cut. Cutting it at once would reset it, and a client that is still sending might never see the answer.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete) return;
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), discardMs);
  request.once("close", () => clearTimeout(timer));
}
