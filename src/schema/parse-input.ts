import type { z } from "zod";
import { InvalidInput } from "../tenants/refusals.ts";

/** GraphQL lets every optional field be null; to us that is the same as not given. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== "object") return value;
  const given = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(given.map(([key, item]) => [key, withoutNulls(item)]));
}

/**
 * Checks a mutation's input against its rules and fills in defaults.
 * @throws {InvalidInput} naming every field that breaks a rule
 */
export function parseInput<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(withoutNulls(input));
  if (parsed.success) return parsed.data;
  throw InvalidInput.of(parsed.error);
}
