import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isLeafType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from "graphql";
import { schema } from "../../src/schema/schema.ts";

/** The fields that reach memories, as the schema itself tells them, and documents that ask them for all they can say. */

/** Where a field of the data plane hangs. */
export type Root = "Tenant" | "Mutation";

type Field = GraphQLField<unknown, unknown>;

function rootFields(root: Root): Readonly<Record<string, Field>> {
  const type = schema.getType(root);
  if (type === undefined || !isObjectType(type)) throw new Error(`The schema has no ${root}.`);
  return type.getFields();
}

/** Whether a field goes through the door: then it can answer that the door is closed. */
function isOfDataPlane({ type }: Field): boolean {
  const named = getNamedType(type);
  return isUnionType(named) && named.getTypes().some(({ name }) => name === "MemoryAccessMissing");
}

/** All fields of a root, by whether they reach memories. */
export function fieldsOf(root: Root): { readonly dataPlane: string[]; readonly others: string[] } {
  const all = Object.values(rootFields(root));
  const names = (fields: readonly Field[]) => fields.map(({ name }) => name).toSorted();
  return {
    dataPlane: names(all.filter(isOfDataPlane)),
    others: names(all.filter((field) => !isOfDataPlane(field))),
  };
}

/** What is not gone into: it leads out of the answer, to all of the control plane. */
const outside: ReadonlySet<string> = new Set(["Tenant", "Operation"]);
const depthMax = 8;

/** Everything that can be asked of a type without arguments. Under a union each field has an alias, for types differ. */
function selectionOf(type: GraphQLNamedType, depth = 0): string {
  if (isUnionType(type)) {
    const members = type
      .getTypes()
      .map((member) => `... on ${member.name} { ${aliased(member, depth)} }`)
      .join(" ");
    return `{ __typename ${members} }`;
  }
  if (!isObjectType(type)) return "";
  const fields = askable(type, depth).map(
    ({ name, type: of }) => `${name} ${selectionOf(getNamedType(of), depth + 1)}`,
  );
  return `{ ${fields.join(" ")} }`;
}

function aliased(member: GraphQLObjectType, depth: number): string {
  const fields = askable(member, depth).map(
    ({ name, type }) => `${member.name}_${name}: ${name} ${selectionOf(getNamedType(type), depth + 1)}`,
  );
  return fields.join(" ");
}

function askable(type: GraphQLObjectType, depth: number): Field[] {
  return Object.values(type.getFields()).filter(({ args, type: of }) => {
    if (args.some((arg) => isNonNullType(arg.type))) return false;
    const named = getNamedType(of);
    return isLeafType(named) || (depth < depthMax && !outside.has(named.name));
  });
}

/** A document that asks one field for everything, all its arguments being variables. */
export interface Document {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Asks a field with these arguments; of a mutation they are its input, to which the tenant's key is added. */
export function documentOf(
  root: Root,
  name: string,
  key: string,
  args: Readonly<Record<string, unknown>>,
): Document {
  const field = rootFields(root)[name];
  if (field === undefined) throw new Error(`${root} has no ${name}.`);
  const given = root === "Tenant" ? args : { input: { tenantKey: key, ...args } };
  const used = field.args.filter((arg) => arg.name in given);
  const declared = used.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(", ");
  const passed = used.length === 0 ? "" : `(${used.map((arg) => `${arg.name}: $${arg.name}`).join(", ")})`;
  const asked = `answer: ${name}${passed} ${selectionOf(getNamedType(field.type))}`;
  return root === "Tenant"
    ? {
        query: `query ($key: String!, ${declared}) { tenant(key: $key) { ${asked} } }`,
        variables: { key, ...given },
      }
    : { query: `mutation (${declared}) { ${asked} }`, variables: given };
}
