import type { ValidateFunction } from "ajv";
import { ajv, converted, corrections } from "../emulator/answer-shapes.ts";
import { documentedOperations, openApi, type Schema } from "../emulator/openapi.ts";
import { type Line, text } from "./client.ts";

/** Is Mem0's OpenAPI file there? */
export const areShapesKnown = openApi !== null;

/** Literal paths first: `/v1/memories/events/` is no memory. */
const operations = documentedOperations
  .map(({ name, method, path, schemas }) => ({
    name,
    method,
    schemas,
    literal: path.split("/").filter((part) => part !== "" && !part.startsWith("{")).length,
    form: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  }))
  .toSorted((left, right) => right.literal - left.literal);

const validators = new Map<string, ValidateFunction>();

/**
 * Compares every answer with the document, as corrected for the emulator's own tests. Answers a list that fills: what does not
 * fit, a line for each operation and status, with the names of the places and no values. What is there beyond the document is no
 * misfit.
 */
export function watchShapes(line: Line): ReadonlyMap<string, string> {
  const misfits = new Map<string, string>();
  line.watch(({ method, path, status, body }) => {
    const [bare = path] = path.split("?");
    const operation = operations.find((each) => each.method === method && each.form.test(bare));
    const schema = operation?.schemas[status];
    if (operation === undefined || schema === undefined || isUnderWay(body)) return;
    const name = `${operation.name} ${status}`;
    const validate = validators.get(name) ?? ajv.compile(opened(correctedFor(name, schema)));
    validators.set(name, validate);
    if (validate(body)) return;
    const places = (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    misfits.set(name, `${name}: ${[...new Set(places)].slice(0, 5).join(", ")}`);
  });
  return misfits;
}

/** An event that is not over has no times yet (inferred); the document describes one that is. */
function isUnderWay(body: unknown): boolean {
  return ["PENDING", "RUNNING"].includes(text(body, "status")) && text(body, "event_type") !== "";
}

function correctedFor(name: string, schema: Schema): Schema {
  return converted(
    schema,
    corrections.filter(({ at }) => at.includes(name)),
  );
}

/** Without the ban on more properties; then one of several may be met by more than one. */
function opened(schema: unknown): Schema {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value)
      .filter(([name, inner]) => !(name === "additionalProperties" && inner === false))
      .map(([name, inner]) => [name === "oneOf" ? "anyOf" : name, visit(inner)] as const);
    return Object.fromEntries(entries);
  };
  // A schema that is visited stays an object of names.
  return visit(schema) as Schema;
}
