import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { performAdd, queuedMessage } from "./memory-add.ts";
import { isDictionary } from "./memory-fields.ts";
import { Refusal } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";

/** `POST /v1/memories/`: the same adding as in version 3, in the old envelopes (Mem0 OpenAPI, deprecated). */
export const memoryLegacyAddResource: Resource = {
  routes: [{ method: "POST", path: "/v1/memories/", handle: addMemories }],
  tables: [],
};

/**
 * A bare list of one, or the same below `results` when both `output_format=v1.1` and `version=v2` are asked for. An import
 * is answered in the same envelope as done (inferred); `async_mode` has no effect (as in version 3, seen live).
 */
function addMemories(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const { infer, eventId } = performed(upstream, call, body);
  const item = infer
    ? { message: queuedMessage, status: "PENDING" }
    : { message: "Memories stored successfully", status: "SUCCEEDED" };
  const results = [{ ...item, event_id: eventId }];
  const isWrapped = body["output_format"] === "v1.1" && body["version"] === "v2";
  return json(200, isWrapped ? { results, relations: [] } : results);
}

/** @throws {Refusal} 400 in the one envelope that this version documents, whatever was wrong. */
function performed(upstream: Upstream, call: Call, body: Readonly<Record<string, unknown>>) {
  try {
    return performAdd(upstream, call, body);
  } catch (error) {
    if (!(error instanceof Refusal) || error.answer.status !== 400) throw error;
    const told: unknown = JSON.parse(error.answer.text);
    if (isDictionary(told) && "details" in told) throw error;
    const details = isDictionary(told) && "error" in told ? { message: told["error"] } : told;
    throw new Refusal(json(400, { error: "400 Bad Request", details }));
  }
}
