import { z } from "zod";
import { filledObject, textIfGiven, uuid } from "./arguments.ts";
import { filterOnWire, type MemoryFilter } from "./filters.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import { orAbsent } from "./or-absent.ts";
import { mem0Path } from "./path.ts";
import { type MemoryCallOptions, withOverride } from "./project-override.ts";
import type { Mem0 } from "./request.ts";
import { upstreamId } from "./wire-fields.ts";

/** What to export, and into which form. */
export interface MemoryExportInput {
  /** A JSON Schema of an object; its properties are those of what comes out. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly filters: MemoryFilter;
  /** How to fill the schema, in words. */
  readonly instructions?: string;
}

/** Which export to get: by its id, or the latest of those filters. */
export type MemoryExportKey =
  | { readonly exportId: string; readonly filters?: undefined }
  | { readonly filters: MemoryFilter; readonly exportId?: undefined };

const createdAnswer = z.object({ id: upstreamId }).transform((wire) => ({ exportId: wire.id }));

const exportAnswer = z
  .record(z.string(), z.unknown())
  .transform((wire): Readonly<Record<string, unknown>> => {
    // What Mem0 tells unclaimed accounts in every body is not part of the export (Mem0 CLI source).
    const { mem0_notice: _notice, ...exported } = wire;
    return exported;
  });

/**
 * Has memories written into a form of one's own, by a language model: no raw backup. The deed goes on after the answer;
 * ask with `getMemoryExport`. Not idempotent: a repeat makes another. `POST /v1/exports/`.
 *
 * @throws {InvalidArgument} for an empty schema, and for filters that Mem0 would refuse.
 * @throws {Mem0Refused} 400.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function createMemoryExport(
  mem0: Mem0,
  input: MemoryExportInput,
  options?: MemoryCallOptions,
): Promise<{ readonly exportId: string }> {
  const body = withOverride(
    {
      schema: filledObject("schema", input.schema),
      filters: filterOnWire(input.filters, "export"),
      export_instructions: textIfGiven("instructions", input.instructions),
    },
    options,
  );
  return mem0.send({
    method: "POST",
    path: mem0Path("/v1/exports/", {}),
    body,
    answer: createdAnswer,
    options,
  });
}

/**
 * An export: an object with the properties of its schema. Null when it is not ready or not there: Mem0 tells the two
 * apart by nothing, and keeps an export for 7 days (Mem0 docs). `POST /v1/exports/get/`.
 *
 * @throws {InvalidArgument} unless there is either an id, a UUID, or filters that Mem0 would take.
 * @throws {Mem0Refused} 400.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function getMemoryExport(
  mem0: Mem0,
  key: MemoryExportKey,
  options?: MemoryCallOptions,
): Promise<Readonly<Record<string, unknown>> | null> {
  const path = mem0Path("/v1/exports/get/", {});
  const body = withOverride(keyOnWire(key), options);
  return orAbsent(mem0.send({ method: "POST", path, body, answer: exportAnswer, options }));
}

function keyOnWire({ exportId, filters }: MemoryExportKey): Readonly<Record<string, unknown>> {
  if ((exportId === undefined) === (filters === undefined)) {
    throw new InvalidArgument("exportId", "Either exportId or filters is needed, not both.");
  }
  return filters === undefined
    ? { memory_export_id: uuid("exportId", exportId) }
    : { filters: filterOnWire(filters, "export") };
}
