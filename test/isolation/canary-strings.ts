import { randomBytes } from "node:crypto";
import {
  type GraphQLNamedType,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
} from "graphql";
import pg from "pg";
import { schema } from "../../src/schema/schema.ts";
import type { Root } from "./data-plane.ts";

/** Strings that occur nowhere else, and where they turn up. */

/** A string of one kind that stands for what is to be found nowhere. */
export const canaryOf = (kind: string): string => `cnry${kind}${randomBytes(8).toString("hex")}`;

/** How a text could be written: as it is, cut, in hex, and in base64 wherever in a longer text it begins. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const within = [0, 1, 2].flatMap((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    // What depends on its neighbours is left out at both ends.
    return [padded.toString("base64").slice(4, -4), padded.toString("base64url").slice(4, -4)];
  });
  return [...new Set([secret, secret.slice(0, -5), bytes.toString("hex"), ...within])];
}

/** What to look for, by its kind. */
export type Canaries = ReadonlyMap<string, ReadonlySet<string>>;

/** The kinds of which something stands in a text. */
export function kindsIn(text: string, canaries: Canaries): string[] {
  const has = (secrets: ReadonlySet<string>) =>
    [...secrets].some((secret) => formsOf(secret).some((form) => text.includes(form)));
  return [...canaries].filter(([, secrets]) => has(secrets)).map(([kind]) => kind);
}

/** Where something of a kind was found, as `place: kind`. */
export type Findings = Set<string>;

/** Looks through every column of every table of a database, whatever its schema and its type. */
export async function findInDatabase(
  connectionString: string,
  canaries: Canaries,
  findings: Findings,
): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows: columns } = await client.query<{ place: string; table: string; column: string }>(
      `SELECT table_schema || '.' || table_name || '.' || column_name AS place,
         format('%I.%I', table_schema, table_name) AS table, quote_ident(column_name) AS column
       FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    for (const { place, table, column } of columns) {
      const { rows } = await client.query<{ text: string }>(
        `SELECT ${column}::text AS text FROM ${table} WHERE ${column} IS NOT NULL`,
      );
      const all = rows.map(({ text }) => text).join("\n");
      for (const kind of kindsIn(all, canaries)) findings.add(`${place.replace(/^public\./, "")}: ${kind}`);
    }
  } finally {
    await client.end();
  }
}

/** A document that asks a field for nothing of what was said to it: the type of the answer, and the words of a refusal. */
export function quietDocument(root: Root | "Query", name: string, given: Readonly<Record<string, unknown>>) {
  const type = schema.getType(root);
  const field = isObjectType(type) ? type.getFields()[name] : undefined;
  if (field === undefined) throw new Error(`${root} has no ${name}.`);
  const used = field.args.filter((arg) => arg.name in given);
  const declared = used.map((arg) => `$${arg.name}: ${String(arg.type)}`);
  const passed = used.length === 0 ? "" : `(${used.map((arg) => `${arg.name}: $${arg.name}`).join(", ")})`;
  const error = isUnionType(getNamedType(field.type)) ? "... on Error { code message }" : "";
  const asked = `answer: ${name}${passed} { __typename ${error} }`;
  if (root !== "Tenant") {
    const head = `${root.toLowerCase()} ${declared.length === 0 ? "" : `(${declared.join(", ")})`}`;
    return { query: `${head} { ${asked} }`, variables: given };
  }
  const all = ["$tenantKey: String!", ...declared].join(", ");
  return { query: `query (${all}) { tenant(key: $tenantKey) { ${asked} } }`, variables: given };
}

const depthMax = 7;

/** Everything that can be asked of a type without arguments, but for what Mem0 is asked for. No type within itself. */
function everythingOf(type: GraphQLNamedType, path: readonly string[], outside: readonly string[]): string {
  if (!isObjectType(type)) return "";
  const fields = Object.values(type.getFields()).flatMap(({ name, args, type: of }) => {
    const named = getNamedType(of);
    if (args.some(isRequiredArgument) || isUnionType(named)) return [];
    const page = args.some((arg) => arg.name === "first") ? "(first: 10)" : "";
    if (isLeafType(named)) return [`${name}${page}`];
    if (!isObjectType(named) || [...path, ...outside].includes(named.name) || path.length >= depthMax)
      return [];
    const selection = everythingOf(named, [...path, named.name], outside);
    return [`${name}${page} ${selection}`];
  });
  return `{ __typename ${fields.join(" ")} }`;
}

/** A document that asks a field of the control plane for everything that it can say of itself, but for what is of these types. */
export function everythingDocument(name: string, argument: string, outside: readonly string[] = []): string {
  const field = schema.getQueryType()?.getFields()[name];
  if (field === undefined) throw new Error(`Query has no ${name}.`);
  const named = getNamedType(field.type);
  return `{ ${name}${argument} ${everythingOf(named, [named.name], outside)} }`;
}

/** Looks through an answer, field by field: a place is a field of a type where the answer names it, and else the way there. */
export function findInAnswer(answer: unknown, canaries: Canaries, findings: Findings, place = ""): void {
  if (typeof answer === "string") {
    for (const kind of kindsIn(answer, canaries)) findings.add(`${place}: ${kind}`);
  } else if (Array.isArray(answer)) {
    for (const item of answer) findInAnswer(item, canaries, findings, place);
  } else if (typeof answer === "object" && answer !== null) {
    const entries = Object.entries(answer);
    const within = new Map(entries).get("__typename") ?? place;
    for (const [name, value] of entries) {
      for (const kind of kindsIn(name, canaries)) findings.add(`${String(within)} (a name): ${kind}`);
      findInAnswer(value, canaries, findings, within === "" ? name : `${String(within)}.${name}`);
    }
  }
}
