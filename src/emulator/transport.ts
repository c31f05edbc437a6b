import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";

/** The body was larger than it may be. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

/**
 * Reads a body to its end. More than so many bytes are not kept.
 * @throws {BodyTooLarge} when it is; any other error when the client went away before its end.
 */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const read: Buffer = chunk;
    bytes += read.length;
    // The rest is read and thrown away, so that the connection stays good for the answer and the next request.
    if (bytes <= bytesMax) chunks.push(read);
  }
  if (bytes > bytesMax) throw new BodyTooLarge(`The body has more than ${bytesMax} bytes`);
  return Buffer.concat(chunks).toString("utf8");
}

/** Splits a request target into path and query (without the question mark). */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf("?");
  if (mark === -1) return { path: target, query: "" };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Writes the answer with the headers the real service was seen to send; nothing if the client has gone. */
export function writeAnswer(response: ServerResponse, answer: Answer): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(answer.status, {
    server: "uvicorn",
    vary: "Accept, origin, Authorization, Cookie",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    ...(answer.status === 204
      ? {}
      : { "content-type": answer.contentType, "content-length": Buffer.byteLength(answer.text) }),
    ...answer.headers,
  });
  response.end(answer.text);
}
