import type { IncomingMessage, ServerResponse } from "node:http";
import { actFault } from "./act-fault.ts";
import { type Answer, html, json } from "./answer.ts";
import type { Received } from "./call.ts";
import type { FaultRegistry } from "./faults.ts";
import type { OpenRequest, RequestLog } from "./request-log.ts";
import { type Serving, serveUpstream } from "./serve-upstream.ts";
import type { Timers } from "./timers.ts";
import { BodyTooLarge, readBody, splitTarget, writeAnswer } from "./transport.ts";

/** What an exchange needs besides the state. */
export interface ExchangeDeps {
  readonly serving: Serving;
  readonly faults: FaultRegistry;
  readonly log: RequestLog;
  readonly timers: Timers;
}

/** Takes one upstream request from its first byte to its end: reads, injects a fault or serves, waits, answers, logs. */
export async function exchange(
  deps: ExchangeDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { authorization, "content-type": contentType = "", host = "" } = request.headers;
  const idempotencyKey = request.headersDistinct["idempotency-key"]?.[0] ?? null;
  const { path, query } = splitTarget(request.url ?? "/");
  const method = request.method ?? "GET";
  const secret = authorization?.trim().split(/\s+/).at(-1) ?? "";
  const logged = deps.log.begin(method, path, query, secret);
  response.on("close", () => logged.end(null));
  try {
    const body = await readBody(request, deps.serving.state.switches.bodyBytesMax);
    logged.setBody(body);
    const received = { method, path, query, body, contentType, authorization, host, idempotencyKey };
    converse(deps, received, { request, response, logged });
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) {
      request.socket.destroy();
      logged.end(null);
      return;
    }
    logged.end(413);
    writeAnswer(response, json(413, { detail: error.message }));
  }
}

interface Line {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly logged: OpenRequest;
}

function converse({ serving, faults, timers }: ExchangeDeps, received: Received, line: Line): void {
  const { request, response, logged } = line;
  const { state } = serving;
  const { epoch } = state;
  // A deed that is still to come when everything is reset belongs to a world that is gone.
  const perform = (): Answer =>
    state.epoch === epoch
      ? serveUpstream(serving, received)
      : html(503, "The emulator was reset while this request was waiting");
  const send = (answer: Answer): void =>
    timers.later(state.switches.latencyMs, () => {
      logged.end(answer.status);
      writeAnswer(response, answer);
    });
  // The response's "close" notes the end.
  const drop = (): void => void request.socket.destroy();
  const fault = faults.claim(received);
  if (fault === null) {
    send(perform());
    return;
  }
  logged.setFault(fault.kind);
  actFault(fault, { perform, send, drop, later: (afterMs, then) => timers.later(afterMs, then) });
}
