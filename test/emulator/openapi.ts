import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

/**
 * Mem0's OpenAPI file. It is no part of the repository: beside it in our workspace, absent elsewhere. Found from the folder that
 * everything here is run in, for a compiled program lies elsewhere.
 */
const file = path.resolve("../shared/mem0/openapi.json");

/** A JSON schema as OpenAPI 3.0 writes it. */
export type Schema = Readonly<Record<string, unknown>>;

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
}

/** What we read of the document. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** One operation: `GET /v1/ping/`, with the schemas of its JSON answers by status. */
export interface DocumentedOperation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly statuses: readonly string[];
}

/** Null where the document is absent; then the tests that need it say so and are skipped. */
export const openApi: OpenApi | null = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as OpenApi)
  : null;

if (openApi === null) process.stderr.write(`Skipped: what needs ${file}, which is absent.\n`);

/** Every operation of the document, in its order; none where it is absent. */
export const documentedOperations: readonly DocumentedOperation[] = Object.entries(
  openApi?.paths ?? {},
).flatMap(([at, methods]) =>
  Object.entries(methods).map(([method, { responses }]) => ({
    name: `${method.toUpperCase()} ${at}`,
    method: method.toUpperCase(),
    path: at,
    statuses: Object.keys(responses),
    schemas: Object.fromEntries(
      Object.entries(responses).flatMap(([status, { content }]) => {
        const schema = content?.["application/json"]?.schema;
        return schema === undefined ? [] : [[status, schema] as const];
      }),
    ),
  })),
);
