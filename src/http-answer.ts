import type { IncomingMessage, ServerResponse } from "node:http";

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
}

/** A refusal in the shape of a GraphQL answer, which is what clients of this server can read. */
export function refusal(code: string, message: string): object {
  return { errors: [{ message, extensions: { code } }] };
}

/** Answers with JSON, and ends the answer. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** A browser that opens the page asks for HTML; programs ask for JSON, or do not say. */
export function isPageWanted({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && (headers.accept ?? "").includes("text/html");
}
