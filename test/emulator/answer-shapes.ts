import { Ajv, type ValidateFunction } from "ajv";
import { documentedOperations, openApi, type Schema } from "./openapi.ts";
import type { WalkedAnswer } from "./walk.ts";

/**
 * Where Mem0's OpenAPI file is wrong. `at` are operations with a status; in every object that has the property `beside`, the
 * schema takes the place of this property, or is one more. Each is needed: without it some answer would not fit.
 */
export interface Correction {
  readonly at: readonly string[];
  readonly beside: string;
  readonly property: string;
  readonly schema: Schema;
  readonly source: string;
}

const projects = "/api/v1/orgs/organizations/{org_id}/projects/";
const projectReads = {
  at: [`GET ${projects} 200`, `GET ${projects}{project_id}/ 200`],
  beside: "project_id",
};

/** All that are known. */
export const corrections: readonly Correction[] = [
  {
    at: ["POST /api/v1/orgs/organizations/ 201"],
    beside: "org_id",
    property: "org_id",
    schema: { type: "string", pattern: "^org_[A-Za-z0-9]{40}$" },
    source: "ids in Mem0's docs and tests: org_ and 40 alphanumerics, no UUID",
  },
  {
    at: [`POST ${projects} 200`],
    beside: "project_id",
    property: "project_id",
    schema: { type: "string", pattern: "^proj_[A-Za-z0-9]{40}$" },
    source: "ids in Mem0's docs and tests: proj_ and 40 alphanumerics, no UUID",
  },
  {
    ...projectReads,
    property: "agent_custom_instructions",
    schema: { type: "string", nullable: true },
    source: "readable by Mem0's docs, absent from the file",
  },
  {
    ...projectReads,
    property: "custom_instructions",
    schema: { type: "string", nullable: true },
    source: "never set it reads null (the object in Mem0's docs)",
  },
  {
    ...projectReads,
    property: "custom_categories",
    schema: { type: "array", nullable: true, items: {} },
    source: "never set it reads null, and plain strings read back as given (Mem0's integration tests)",
  },
  {
    ...projectReads,
    property: "description",
    schema: { type: "string", nullable: true },
    source: "null in the object of Mem0's docs; a project can be made without one",
  },
  {
    ...projectReads,
    property: "memory_depth",
    schema: { type: "string", nullable: true },
    source: "Mem0's npm client types the setting as a text or null",
  },
];

/** Knows the formats of the document. */
export const ajv = new Ajv({
  strict: false,
  allErrors: true,
  formats: {
    uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
    date: /^\d{4}-\d\d-\d\d$/,
    email: /^[^\s@]+@[^\s@]+$/,
    uri: (text: string) => URL.canParse(text),
    float: true,
  },
});

/**
 * The schema as ajv reads it: references replaced, `nullable` said in JSON Schema's way, and closed: a property that the
 * document does not have is a mistake as well.
 */
export function converted(schema: Schema, fixes: readonly Correction[]): Schema {
  const reference = schema["$ref"];
  if (typeof reference === "string") {
    const named = openApi?.components.schemas[reference.split("/").at(-1) ?? ""];
    if (named === undefined) throw new Error(`The document has no ${reference}`);
    return converted(named, fixes);
  }
  const { nullable, properties, items, oneOf, anyOf, ...rest } = schema;
  const inner = (value: unknown): Schema => converted(value as Schema, fixes);
  const entries = Object.entries((properties ?? {}) as Record<string, unknown>);
  const result: Record<string, unknown> = { ...rest };
  if (entries.length > 0) {
    const names = entries.map(([name]) => name);
    const replaced = fixes
      .filter(({ beside }) => names.includes(beside))
      .map(({ property, schema: better }) => [property, converted(better, [])] as const);
    result["properties"] = Object.fromEntries([
      ...entries.map(([name, value]) => [name, inner(value)] as const),
      ...replaced,
    ]);
    result["additionalProperties"] ??= false;
  }
  if (items !== undefined) result["items"] = inner(items);
  if (Array.isArray(oneOf)) result["oneOf"] = oneOf.map(inner);
  if (Array.isArray(anyOf)) result["anyOf"] = anyOf.map(inner);
  if (nullable === true && typeof rest["type"] === "string") result["type"] = [rest["type"], "null"];
  if (nullable === true && Array.isArray(rest["enum"])) result["enum"] = [...rest["enum"], null];
  return result;
}

function compile(operation: string, status: number, fixes = corrections): ValidateFunction | null {
  const schema = documentedOperations.find(({ name }) => name === operation)?.schemas[status];
  if (schema === undefined) return null;
  return ajv.compile(
    converted(
      schema,
      fixes.filter(({ at }) => at.includes(`${operation} ${status}`)),
    ),
  );
}

/** What is wrong with the answers, each as one line; nothing when all fit. */
export function misfits(answers: readonly WalkedAnswer[], fixes = corrections): readonly string[] {
  return answers.flatMap(({ operation, status, body }) => {
    const validate = compile(operation, status, fixes);
    if (validate === null || validate(body)) return [];
    const reasons = (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    return [`${operation} ${status}: ${reasons.join("; ")}`];
  });
}
