import { json } from "./answer.ts";
import { BodyFields, pythonType } from "./body-fields.ts";
import {
  expirationField,
  flagField,
  isDictionary,
  metadataField,
  wholeNumberField,
} from "./memory-fields.ts";
import type { Hints } from "./memory-hints.ts";
import type { Message, Metadata, Scope, ScopeField } from "./memory-rows.ts";
import { readObservedDay } from "./memory-temporal.ts";
import { Refusal, refusalError, refusalFields } from "./refusal.ts";
import type { Switches } from "./switches.ts";

/** What an add asks for, understood. */
export interface AddInput {
  readonly messages: readonly Message[];
  readonly scope: Scope;
  readonly metadata: Metadata | null;
  readonly infer: boolean;
  readonly immutable: boolean;
  readonly expirationDate: string | null;
  /** The moment that `timestamp` backdates to. */
  readonly createdMs: number | null;
  /** Categories for this call alone; null when it names none. */
  readonly categories: readonly unknown[] | null;
  readonly hints: Hints;
  /** `YYYY-MM-DD`, when the conversation was observed; null when days that it speaks of are not asked for. */
  readonly observedOn: string | null;
  /** Days that it speaks of are asked for. */
  readonly isTemporal: boolean;
  /** What shall be read out of every text besides; null for nothing. */
  readonly structure: Metadata | null;
}

const misshapen =
  "Invalid input data. Please refer to the memory creation documentation at https://docs.mem0.ai/platform/quickstart#4-1-create-memories for correct formatting and required fields.";

/**
 * Reads the body of an add.
 * @throws {Refusal} 400: no entity (text seen live, envelope inferred), misshapen messages (Mem0 docs), and what is wrong by field (the framework's words; inferred but for
 *   blank content, metadata's length and categories that are texts).
 */
export function readAdd(body: Readonly<Record<string, unknown>>, switches: Switches): AddInput {
  const fields = new BodyFields(body);
  const infer = body["infer"] === null ? true : (fields.flag("infer") ?? true);
  const messages = readMessages(body["messages"], infer, switches);
  const scope = readScope(fields, switches);
  const metadata = metadataField(fields, switches);
  const expirationDate = expirationField(fields, switches);
  const immutable = body["immutable"] === null ? false : (fields.flag("immutable") ?? false);
  const seconds = wholeNumberField(fields, "timestamp", { min: 0, max: 253_402_300_799 });
  const categories = readCategories(fields);
  const hints = { includes: readHint(fields, "includes"), excludes: readHint(fields, "excludes") };
  const observedOn = readObservedDay(fields);
  const isTemporal = flagField(fields, "temporal_reasoning") || observedOn !== null;
  const structure = readStructure(fields);
  fields.refuseInvalid();
  if (Object.values(scope).every((id) => id === null)) {
    throw refusalError(400, "At least one entity ID is required (user_id, agent_id, app_id, or run_id).");
  }
  const createdMs = seconds === null ? null : seconds * 1000;
  const kept = { messages, scope, metadata, infer, immutable, expirationDate, createdMs, categories };
  return { ...kept, hints, observedOn, isTemporal, structure };
}

/** The ids stand beside each other at the top; a switch reads them in `filters` too, where Python's types want them. */
function readScope(fields: BodyFields, { addHeedsFilters }: Switches): Scope {
  const read = (name: ScopeField): string | null =>
    readId(fields, name) ?? (addHeedsFilters ? idIn(fields.raw("filters"), name) : null);
  return {
    user_id: read("user_id"),
    agent_id: read("agent_id"),
    app_id: read("app_id"),
    run_id: read("run_id"),
  };
}

function idIn(filters: unknown, name: ScopeField): string | null {
  if (Array.isArray(filters)) return filters.map((inner) => idIn(inner, name)).find(Boolean) ?? null;
  if (!isDictionary(filters)) return null;
  const id = filters[name];
  return typeof id === "string" && id !== "" ? id : idIn(filters["AND"], name);
}

/** Free text, or none. Both clients pass on whatever they are given, so null and blank say nothing (inferred). */
function readHint(fields: BodyFields, name: string): string | null {
  const value = fields.raw(name) ?? null;
  return value === null || typeof value === "string" ? value : fields.fault(name, "Not a valid string.");
}

function readStructure(fields: BodyFields): Metadata | null {
  const value = fields.raw("structured_data_schema") ?? null;
  if (value === null || isDictionary(value)) return value;
  const reason = `Expected a dictionary of items but got type "${pythonType(value)}".`;
  return fields.fault("structured_data_schema", reason);
}

function readId(fields: BodyFields, name: ScopeField): string | null {
  return fields.raw(name) === null ? null : fields.text(name, { isRequired: false });
}

/** A bare text is one user message, and a single message a list of it: both clients' users send such (inferred). */
function readMessages(value: unknown, infer: boolean, switches: Switches): readonly Message[] {
  if (value === undefined) throw refusalFields({ messages: ["This field is required."] });
  if (value === null) throw refusalFields({ messages: ["This field may not be null."] });
  if (typeof value === "string") {
    if (value.trim() === "") throw refusalFields({ messages: ["This field may not be blank."] });
    return [{ role: "user", content: value }];
  }
  const list: unknown = isDictionary(value) ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) throw badRequest(misshapen);
  const blanks = list.map((message: unknown) =>
    isDictionary(message) && typeof message["content"] === "string" && message["content"].trim() === ""
      ? { content: ["This field may not be blank."] }
      : {},
  );
  if (switches.blankContent === "refuse" && blanks.some((blank) => "content" in blank)) {
    throw refusalFields({ messages: blanks });
  }
  return list
    .map((message: unknown) => readMessage(message, infer, switches))
    .filter(({ content }) => content.trim() !== "");
}

/** @throws {Refusal} 400, for structured content in an import too (seen live; docs: skipped, a switch). */
function readMessage(message: unknown, infer: boolean, { structuredImport }: Switches): Message {
  if (!isDictionary(message)) throw badRequest(misshapen);
  const { role, content } = message;
  if (role !== "user" && role !== "assistant" && role !== "system") throw badRequest(misshapen);
  if (typeof content === "string") return { role, content };
  if (!isDictionary(content) && !Array.isArray(content)) throw badRequest(misshapen);
  if (!infer && structuredImport === "skip") return { role, content: "" };
  if (!infer) throw badRequest("Structured content is not supported with infer=false.");
  return { role, content: textOf(Array.isArray(content) ? content : [content]) };
}

/** What is written in structured content; of images and documents nothing is extracted. */
function textOf(parts: readonly unknown[]): string {
  const texts = parts.map((part) =>
    isDictionary(part) && typeof part["text"] === "string" ? part["text"] : "",
  );
  return texts.join("\n");
}

function readCategories(fields: BodyFields): readonly unknown[] | null {
  const value = fields.raw("custom_categories");
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) {
    return fields.fault("custom_categories", `Expected a list of items but got type "${pythonType(value)}".`);
  }
  const wrong: Record<string, readonly string[]> = {};
  for (const [index, item] of value.entries()) {
    if (isDictionary(item)) continue;
    wrong[String(index)] = [`Expected a dictionary of items but got type "${pythonType(item)}".`];
  }
  if (Object.keys(wrong).length === 0) return value;
  fields.errors["custom_categories"] = wrong;
  return null;
}

function badRequest(message: string): Refusal {
  return new Refusal(json(400, { error: "400 Bad Request", details: { message } }));
}
