import type { BodyFields } from "./body-fields.ts";
import type { Upstream } from "./resource.ts";

/**
 * Reads the name of an organization, project or webhook as it will be kept: without the space around it (inferred:
 * the framework does so), or as the switch `namesKept` says. Null when it is wrong or absent; `fields` knows why.
 */
export function readName(
  { state: { switches } }: Upstream,
  fields: BodyFields,
  isRequired: boolean,
): string | null {
  const name = fields.text("name", { isRequired, lengthMax: switches.nameLengthMax });
  if (name === null) return null;
  switch (switches.namesKept) {
    case "trimmed":
      return name;
    case "as-sent":
      return String(fields.raw("name"));
    case "lower-case":
      return name.toLowerCase();
    case "ascii":
      return name.replace(/[^\x20-\x7e]/gu, "?");
  }
}
