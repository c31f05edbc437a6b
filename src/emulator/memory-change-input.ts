import { BodyFields } from "./body-fields.ts";
import type { MemoryChange } from "./memory-changes.ts";
import { expirationField, metadataField } from "./memory-fields.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { parseMoment } from "./moment.ts";
import { refusalError } from "./refusal.ts";
import type { Switches } from "./switches.ts";

/**
 * Reads what an update changes. Null clears metadata and expiration date (the date's is Mem0 docs, metadata's inferred).
 * @throws {Refusal} 400 when nothing is given (inferred, a switch), and by field for what cannot be (inferred).
 */
export function readChange(body: Readonly<Record<string, unknown>>, switches: Switches): MemoryChange {
  const fields = new BodyFields(body);
  const isGiven = ["text", "metadata", "expiration_date", "timestamp"].some((name) => fields.has(name));
  if (!isGiven && switches.emptyUpdate === "refuse") {
    throw refusalError(400, "At least one of text, metadata, timestamp or expiration_date must be provided");
  }
  const text = fields.text("text", { isRequired: false });
  const metadata = metadataField(fields, switches);
  const expirationDate = expirationField(fields, switches);
  const createdMs = fields.has("timestamp") ? parseMoment(fields.raw("timestamp")) : null;
  if (fields.has("timestamp") && createdMs === null)
    fields.fault("timestamp", "A valid timestamp is required.");
  fields.refuseInvalid();
  return {
    ...(text === null ? {} : { text }),
    ...(fields.has("metadata") ? { metadata } : {}),
    ...(fields.has("expiration_date") ? { expirationDate } : {}),
    ...(createdMs === null ? {} : { createdMs }),
  };
}

/** @throws {Refusal} for a memory that was added as immutable (Mem0 docs; the words are inferred, the status is a switch). */
export function refuseImmutable(memory: MemoryRow, { immutableUpdate }: Switches): void {
  if (!memory.immutable) return;
  throw refusalError(Number(immutableUpdate), "Memory is immutable and cannot be updated.");
}
