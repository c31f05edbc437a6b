import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from "graphql";
import { schema } from "../../src/schema/schema.ts";

/** Every place of the schema where a caller can write something that names something, found in the schema itself. */

/** What a field hangs on. A Tenant is asked for by its key first. */
export type FieldRoot = "Query" | "Mutation" | "Subscription" | "Tenant";

/** A place in the arguments of a field: where a text, an id or JSON stands. */
export interface Place {
  readonly root: FieldRoot;
  readonly field: string;
  /** Names from the argument down; a list is passed through without a word. */
  readonly path: readonly string[];
  /** Whether it takes JSON; then what is written there is an object that holds the text. */
  readonly isJson: boolean;
}

/** What stands at the places of a request where it has to say something, and which nobody tries. */
export interface Fillings {
  /** By the name of an argument or input field; `<field>.<name>` goes before it. */
  readonly texts: Readonly<Record<string, string>>;
  /** By the name of a field: arguments that are always there, unless the place tried is in the same one. */
  readonly args: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

type Input = GraphQLArgument | GraphQLInputField;
type Field = GraphQLField<unknown, unknown>;

const roots: readonly FieldRoot[] = ["Query", "Mutation", "Subscription", "Tenant"];
/** Scalars in which an id could be written. */
const nameTypes: ReadonlySet<string> = new Set(["ID", "String", "JSON"]);

function fieldsOf(root: FieldRoot): readonly Field[] {
  const type = schema.getType(root);
  if (type === undefined || !isObjectType(type)) throw new Error(`The schema has no ${root}.`);
  return Object.values(type.getFields());
}

function fieldOf(root: FieldRoot, name: string): Field {
  const found = fieldsOf(root).find((field) => field.name === name);
  if (found === undefined) throw new Error(`${root} has no ${name}.`);
  return found;
}

/** A type is gone into once on the way down: filters hold filters without end. */
function pathsIn(input: Input, seen: readonly string[]): { path: readonly string[]; isJson: boolean }[] {
  const type = getNamedType(input.type);
  if (nameTypes.has(type.name)) return [{ path: [input.name], isJson: type.name === "JSON" }];
  if (!isInputObjectType(type) || seen.includes(type.name)) return [];
  return Object.values(type.getFields()).flatMap((inner) =>
    pathsIn(inner, [...seen, type.name]).map(({ path, isJson }) => ({ path: [input.name, ...path], isJson })),
  );
}

/** All places, and so all fields that have one. Whoever adds a field or an argument adds its places. */
export function allPlaces(): readonly Place[] {
  const found = roots.flatMap((root) =>
    fieldsOf(root).flatMap((field) =>
      field.args
        .flatMap((arg) => pathsIn(arg, []))
        .map(({ path, isJson }) => ({ root, field: field.name, path, isJson })),
    ),
  );
  return found;
}

/** A request in which one place names what it is told to. */
export interface FuzzDocument {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Writes it: at the place stands `name`, all else is as the fillings say. */
export function documentAt(place: Place, name: string, fillings: Fillings, tenantKey: string): FuzzDocument {
  const field = fieldOf(place.root, place.field);
  const always = fillings.args[place.field] ?? {};
  const args = Object.fromEntries(
    field.args.flatMap((arg) => {
      const isTried = place.path[0] === arg.name;
      const value = writtenAt(arg, isTried ? place.path.slice(1) : null, { place, name, fillings });
      const given = always[arg.name];
      if (given === undefined) return value === undefined ? [] : [[arg.name, value]];
      return [[arg.name, isTried ? laidOver(given, value) : given]];
    }),
  );
  const used = field.args.filter((arg) => arg.name in args);
  const declared = used.map((arg) => `$${arg.name}: ${String(arg.type)}`);
  const passed = used.length === 0 ? "" : `(${used.map((arg) => `${arg.name}: $${arg.name}`).join(", ")})`;
  const asked = `${field.name}${passed} ${selectionOf(getNamedType(field.type), 0)}`;
  if (place.root !== "Tenant") {
    const head = declared.length === 0 ? "" : `(${declared.join(", ")})`;
    return { query: `${place.root.toLowerCase()} ${head} { ${asked} }`, variables: args };
  }
  const head = ["$tenantKey: String!", ...declared].join(", ");
  return {
    query: `query (${head}) { tenant(key: $tenantKey) { ${asked} } }`,
    variables: { ...args, tenantKey },
  };
}

interface Writing {
  readonly place: Place;
  readonly name: string;
  readonly fillings: Fillings;
}

/** `path` leads on from here to the place; null: it is elsewhere. Undefined: nothing needs to stand here. */
function writtenAt(input: Input, path: readonly string[] | null, writing: Writing): unknown {
  if (path === null && !isNonNullType(input.type)) return undefined;
  const { place, name } = writing;
  const isPlace = path !== null && path.length === 0;
  return shaped(input.type, (type) => {
    if (isPlace) return place.isJson ? { note: name } : name;
    if (isInputObjectType(type)) return objectOf(type.getFields(), path, writing);
    if (isEnumType(type)) return type.getValues()[0]?.name;
    return leafOf(type, input.name, writing);
  });
}

function objectOf(
  fields: Readonly<Record<string, GraphQLInputField>>,
  path: readonly string[] | null,
  writing: Writing,
): object {
  const [next, ...rest] = path ?? [];
  return Object.fromEntries(
    Object.values(fields).flatMap((inner) => {
      const value = writtenAt(inner, inner.name === next ? rest : null, writing);
      return value === undefined ? [] : [[inner.name, value]];
    }),
  );
}

function leafOf(type: GraphQLNamedType, name: string, { place, fillings: { texts } }: Writing): unknown {
  if (type.name === "Int" || type.name === "Float") return 1;
  if (type.name === "Boolean") return true;
  if (type.name === "DateTime") return "2026-01-01T00:00:00.000Z";
  if (type.name === "JSON") return { type: "object", properties: { likes: { type: "string" } } };
  return texts[`${place.field}.${name}`] ?? texts[name] ?? "x";
}

function shaped(type: GraphQLInputType, leaf: (type: GraphQLNamedType) => unknown): unknown {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [shaped(nullable.ofType, leaf)];
  return leaf(getNamedType(nullable));
}

/** Objects one over the other; anything else the later. */
function laidOver(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isPlain(under) || !isPlain(over)) return over;
  const names = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...names].map((name) => [name, laidOver(under[name], over[name])]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const depthMax = 3;
/** Everything that can be asked of a type without arguments, some levels deep, under an alias only where types differ. */
function selectionOf(type: GraphQLNamedType, depth: number): string {
  if (isLeafType(type)) return "";
  const taken = new Map<string, GraphQLOutputType>();
  const members = isUnionType(type) ? type.getTypes() : isInterfaceType(type) ? nodeTypes() : [];
  const parts = members.map((member) => `... on ${member.name} { ${askedOf(member, depth, taken)} }`);
  if (isObjectType(type)) parts.push(askedOf(type, depth, taken));
  return `{ __typename ${parts.join(" ")} }`;
}

function nodeTypes(): readonly GraphQLObjectType[] {
  const node = schema.getType("Node");
  return node !== undefined && isInterfaceType(node) ? schema.getPossibleTypes(node) : [];
}

function askedOf(type: GraphQLObjectType, depth: number, taken: Map<string, GraphQLOutputType>): string {
  const asked = Object.values(type.getFields()).flatMap((field) => {
    const named = getNamedType(field.type);
    // Fields with arguments are tried by themselves, and below a tenant lies the whole control plane.
    if (field.args.length > 0 || (!isLeafType(named) && (depth >= depthMax || type.name === "Tenant")))
      return [];
    const before = taken.get(field.name);
    if (before === undefined) taken.set(field.name, field.type);
    const isOther = before !== undefined && String(before) !== String(field.type);
    const name = isOther ? `${type.name}_${field.name}: ${field.name}` : field.name;
    return [`${name} ${selectionOf(named, depth + 1)}`];
  });
  return asked.length === 0 ? "__typename" : asked.join(" ");
}
