import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, json } from "../answer.ts";
import { Router } from "../router.ts";
import { SwitchRefused } from "../switches.ts";
import { BodyTooLarge, readBody, splitTarget, writeAnswer } from "../transport.ts";
import { ControlRefused } from "./control-input.ts";
import type { Control, ControlRoute } from "./control-route.ts";
import { deliveryRoutes } from "./delivery-routes.ts";
import { faultRoutes } from "./fault-routes.ts";
import { peopleRoutes } from "./people-routes.ts";
import { requestRoutes } from "./request-routes.ts";
import { signUpRoutes } from "./sign-up-routes.ts";
import { stateRoutes } from "./state-routes.ts";

const router = new Router<ControlRoute>([
  ...stateRoutes,
  ...requestRoutes,
  ...faultRoutes,
  ...peopleRoutes,
  ...signUpRoutes,
  ...deliveryRoutes,
]);

/** No order to the control plane comes near it. */
const bodyBytesMax = 2_500_000;

/** Answers a request below `/_emulator/`. Never rejects. What cannot be done is a 400 that names the field. */
export async function serveControl(
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    refuseStrangers(request);
    const body = await readBody(request, bodyBytesMax);
    writeAnswer(response, json(200, dispatch(control, request, body)));
  } catch (error) {
    writeAnswer(response, refusalOf(error));
  }
}

function dispatch(control: Control, request: IncomingMessage, body: string): object {
  const { path, query } = splitTarget(request.url ?? "/");
  const match = router.match(path.replace(/\/$/, ""));
  if (match === null) throw new ControlRefused(null, `There is no control endpoint ${path}.`, 404);
  const route = match.byMethod.get(request.method ?? "");
  if (route === undefined) {
    const methods = [...match.byMethod.keys()].join(", ");
    throw new ControlRefused(null, `${path} takes ${methods}.`, 405);
  }
  return route.handle(control, {
    params: match.params,
    query: Object.fromEntries(new URLSearchParams(query)),
    body: body.trim() === "" ? {} : parseJson(body),
  });
}

/**
 * A web page in a developer's browser can reach loopback too. It cannot forge `Host` or leave out `Origin`: so a name
 * that is not loopback's (DNS rebinding) and a foreign origin are refused.
 */
function refuseStrangers({ headers }: IncomingMessage): void {
  const names = [`http://${headers.host ?? "127.0.0.1"}`, headers.origin ?? "http://127.0.0.1"];
  const areLocal = names.every(
    (name) => URL.canParse(name) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(name).hostname),
  );
  if (!areLocal) throw new ControlRefused(null, "The control plane answers this machine only.", 403);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ControlRefused(null, "The body is not JSON.");
  }
}

function refusalOf(error: unknown): Answer {
  if (error instanceof ControlRefused)
    return json(error.status, { error: error.message, field: error.field });
  if (error instanceof SwitchRefused) return json(400, { error: error.message, field: error.field });
  if (error instanceof BodyTooLarge) return json(413, { error: error.message, field: null });
  return json(500, { error: error instanceof Error ? error.message : String(error), field: null });
}
