import { type Refusal, refusalFields } from "./refusal.ts";

/** 400 about a filter. The envelope was seen live for an unknown key; for everything else it is inferred. */
export function filterRefusal(reason: string): Refusal {
  return refusalFields({ filters: [reason] });
}
