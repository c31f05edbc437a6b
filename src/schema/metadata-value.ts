import { GraphQLError } from "graphql";
import { builder } from "./builder.ts";

/** A value of metadata that Mem0 can compare. */
export type MetadataValue = string | number | boolean;

builder.scalarType("MetadataValue", {
  description: "A value of metadata that can be compared: a text, a number, or a yes or no.",
  serialize: (value) => value,
  parseValue: (value): MetadataValue => {
    if (typeof value === "string" || typeof value === "boolean") return value;
    // JSON has no infinity, and would make null of it.
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw new GraphQLError("Must be a text, a finite number, or a yes or no.");
  },
});
