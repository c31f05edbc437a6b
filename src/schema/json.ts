import { GraphQLError, Kind, type ValueNode } from "graphql";
import { builder } from "./builder.ts";

/** A JSON object as callers give it and get it: keys of any name, values of any kind. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** How deep objects and lists may lie in each other in what a caller gives. */
const depthMax = 20;

/** How many values, keys counted with theirs, a caller may give in one object. */
const valuesMax = 10_000;

function refuse(message: string): never {
  throw new GraphQLError(message, { extensions: { code: "BAD_JSON" } });
}

/** Counts the values in an object, and refuses what is too deep or too much. It never recurses deeper than allowed. */
function countValues(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 1;
  if (depth > depthMax) refuse(`JSON must not be nested deeper than ${depthMax}.`);
  let count = 1;
  for (const item of Object.values(value)) {
    count += countValues(item, depth + 1);
    if (count > valuesMax) refuse(`JSON must not hold more than ${valuesMax} values.`);
  }
  return count;
}

/** JSON has no infinity, and would make null of it. */
function finite(number: number): number {
  return Number.isFinite(number) ? number : refuse("A number is too large.");
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(value: unknown): JsonObject {
  if (!isObject(value)) refuse("Must be a JSON object.");
  countValues(value, 1);
  return value;
}

function jsonOf(node: ValueNode, variables: Readonly<Record<string, unknown>>, depth: number): unknown {
  if (depth > depthMax) refuse(`JSON must not be nested deeper than ${depthMax}.`);
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables[node.name.value];
    case Kind.INT:
    case Kind.FLOAT:
      return finite(Number(node.value));
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => jsonOf(item, variables, depth + 1));
    case Kind.OBJECT: {
      const entries = node.fields.map(({ name, value }) => [name.value, jsonOf(value, variables, depth + 1)]);
      // fromEntries defines properties, so that a key named __proto__ is a key like any other.
      return Object.fromEntries(entries);
    }
    case Kind.STRING:
    case Kind.ENUM:
    case Kind.BOOLEAN:
      return node.value;
  }
}

builder.scalarType("JSON", {
  description:
    `A JSON object; as an input nested at most ${depthMax} deep and with at most ${valuesMax} values. ` +
    "A variable is better than a literal: it can have any keys.",
  serialize: (value) => value,
  parseValue: parseObject,
  parseLiteral: (node, variables) => parseObject(jsonOf(node, variables ?? {}, 1)),
});
