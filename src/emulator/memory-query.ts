import { scopeFields } from "./memory-rows.ts";
import { refusalError } from "./refusal.ts";

/** @throws {Refusal} 400 when list or search names an entity beside `filters` (the status is Mem0 OpenAPI, the words inferred). */
export function refuseTopLevelIds(body: Readonly<Record<string, unknown>>): void {
  const named = scopeFields.filter((field) => (body[field] ?? null) !== null);
  if (named.length === 0) return;
  const names = named.map((field) => `'${field}'`).join(", ");
  throw refusalError(400, `Top-level entity parameters [${names}] are not supported. Use filters instead.`);
}
