import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Mem0, type Mem0Options, openMem0 } from "../../src/mem0/request.ts";

/** What the server saw of a request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the server does about the next request. */
export type Reaction = (response: ServerResponse, socket: Socket, request: SeenRequest) => void;

/** A real HTTP server on loopback that records what it sees and does what it is told, in the order told. */
export interface ScriptedServer {
  readonly baseUrl: string;
  readonly seen: SeenRequest[];
  /** Waits until that many requests in all have been seen. */
  seenAtLeast(count: number): Promise<void>;
  react(reaction: Reaction): void;
  /** Answers the next request with this status and JSON. */
  answer(status: number, json: unknown, headers?: Readonly<Record<string, string>>): void;
  /** Answers the next request with this status and text. */
  answerText(status: number, text: string, headers?: Readonly<Record<string, string>>): void;
  close(): Promise<void>;
}

/** Starts a scripted server. A request for which nothing was said gets 599, which no test expects. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const reactions: Reaction[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => undefined);
    request.on("end", () => {
      const saw: SeenRequest = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      seen.push(saw);
      for (const wake of waiting) wake();
      waiting.clear();
      const reaction = reactions.shift();
      if (reaction === undefined) response.writeHead(599).end("nothing was said about this request");
      else reaction(response, request.socket, saw);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const react = (reaction: Reaction) => void reactions.push(reaction);
  const answerText: ScriptedServer["answerText"] = (status, text, headers = {}) =>
    react((response) => void response.writeHead(status, headers).end(text));
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    seen,
    async seenAtLeast(count) {
      while (seen.length < count) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    react,
    answerText,
    answer: (status, json, headers = {}) =>
      answerText(status, JSON.stringify(json), { "content-type": "application/json", ...headers }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The key that every test's client uses: nothing that a client shows may hold it. */
export const canaryKey = "m0-CanaryCanaryCanaryCanaryCanaryCanary1234";

/** A client of that server. */
export function openClient(server: ScriptedServer, options: Partial<Mem0Options> = {}): Mem0 {
  return openMem0({ baseUrl: server.baseUrl, apiKey: canaryKey, ...options });
}

/** What a promise rejects with; fails when it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The call was expected to fail, and did not.");
}
