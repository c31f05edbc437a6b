import type { Dispatcher } from "undici";
import { describe, expect, test } from "vitest";
import { type Exchange, exchange } from "../../src/mem0/exchange.ts";
import { failureOf } from "./scripted-server.ts";

/*
 * What undici documents that it may do, and what no real socket can be made to show at will: `onRequestStart` "may
 * be invoked multiple times when a request is retried when the request at the head of the pipeline fails". So here,
 * and only here, the dispatcher is not a real one.
 */
class RestartingDispatcher {
  writes = 0;

  dispatch(_options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      let isAborted = false;
      const controller: Dispatcher.DispatchController = {
        aborted: false,
        paused: false,
        reason: null,
        abort: () => {
          isAborted = true;
        },
        pause: () => undefined,
        resume: () => undefined,
      };
      handler.onRequestStart?.(controller, null);
      if (isAborted) return true;
      this.writes += 1;
      if (attempt === 1) {
        handler.onResponseStart?.(controller, 200, {});
        handler.onResponseEnd?.(controller, {});
      }
    }
    return true;
  }
}

function request(dispatcher: RestartingDispatcher, method: Exchange["method"]): Exchange {
  const bounds = { timeoutMs: 5_000, bodyBytesMax: 1_000, signal: null };
  return { dispatcher, method, path: "/", headers: {}, body: null, ...bounds };
}

describe("exchange, when undici starts a request again", () => {
  test("does not let a write leave a second time, and says that the first may have happened", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const) {
      const dispatcher = new RestartingDispatcher();
      expect(await failureOf(exchange(request(dispatcher, method)))).toMatchObject({
        reason: "reset",
        hasLeft: true,
      });
      expect(dispatcher.writes).toBe(1);
    }
  });

  test("lets a GET be, which changes nothing", async () => {
    const dispatcher = new RestartingDispatcher();
    expect(await exchange(request(dispatcher, "GET"))).toMatchObject({ status: 200 });
    expect(dispatcher.writes).toBe(2);
  });
});
