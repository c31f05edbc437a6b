import { z } from "zod";
import { ApiTokenNotFound } from "../tenants/token-refusals.ts";

const minuteMs = 60_000;
const yearMs = 31_536_000_000;

/** What people call a token: 1 to 100 characters, of one line. */
export const labelSchema = z
  .string()
  .trim()
  .min(1, "Must not be empty.")
  .max(100, "Must have at most 100 characters.")
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "Must have no control characters and no half characters.");

/** How long a token lives, in milliseconds: a minute to a year. */
export const lifetimeSchema = z
  .int("Must be whole milliseconds.")
  .min(minuteMs, `Must be at least ${minuteMs}.`)
  .max(yearMs, `Must be at most ${yearMs}.`);

/** The same in words. */
export const lifetimeDescription =
  "After how many milliseconds it ends, 60000 to 31536000000 (a year). By default it lives until it is revoked.";

/**
 * The id of a token's row, of its id in GraphQL.
 * @throws {ApiTokenNotFound} for what cannot be one; it is not even looked for
 */
export function apiTokenIdOf({ typename, id }: { readonly typename: string; readonly id: string }): string {
  if (typename === "ApiToken" && /^tok_[0-9a-z]{26}$/.test(id)) return id;
  throw new ApiTokenNotFound();
}
