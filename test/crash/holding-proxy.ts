import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A stretch of the net that keeps requests back. */
export interface HoldingProxy {
  readonly url: string;
  /** How many requests it keeps back now. */
  held(): number;
  /** From now on it keeps nothing back but what it has. */
  stopHolding(): void;
  /** Lets go what it kept back, whether or not the sender still waits, and waits until all of it was answered. */
  release(): Promise<void>;
}

/**
 * Starts a proxy before `target` for the test that runs. It passes everything on at once but the requests that
 * `isHeld`: those arrive when the test says, which may be after their sender's death.
 */
export async function startHoldingProxy(
  target: string,
  isHeld: (method: string, path: string, body: string) => boolean,
): Promise<HoldingProxy> {
  let isHolding = true;
  const held: (() => Promise<void>)[] = [];
  const server = createServer((request, response) => {
    void receive(request).then((body) => {
      const forward = () => pass(target, request, response, body);
      const { method = "GET", url = "/" } = request;
      if (isHolding && isHeld(method, url, body)) held.push(forward);
      else void forward();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    held: () => held.length,
    stopHolding: () => {
      isHolding = false;
    },
    release: async () => {
      await Promise.all(held.splice(0).map((forward) => forward()));
    },
  };
}

async function receive(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8");
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

/** Passes a request on, and its answer back if anybody is left to hear it. */
async function pass(target: string, request: IncomingMessage, response: ServerResponse, body: string) {
  const { authorization = "", "content-type": contentType = "application/json" } = request.headers;
  const answer = await fetch(`${target}${request.url}`, {
    method: request.method ?? "GET",
    headers: { authorization, "content-type": contentType },
    redirect: "manual",
    ...(body === "" ? {} : { body }),
  });
  const text = await answer.text();
  if (response.destroyed) return;
  const { date = "", "content-type": type = "" } = Object.fromEntries(answer.headers);
  response.writeHead(answer.status, { "content-type": type, date }).end(text);
}
