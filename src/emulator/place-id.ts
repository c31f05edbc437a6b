import { randomUUID } from "node:crypto";
import { randomId } from "./random-id.ts";
import type { Upstream } from "./resource.ts";

/** A new id of an organization or project: the prefix and 40 alphanumerics (Mem0's docs and tests), or a UUID by a switch. */
export function newPlaceId({ state }: Upstream, prefix: "org_" | "proj_"): string {
  return state.switches.placeIds === "uuid" ? randomUUID() : randomId(prefix, 40);
}
