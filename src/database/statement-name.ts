import { createHash } from "node:crypto";

/** Statements that get a name, a process. Beyond it the texts vary so much that planning once is of no use. */
const namesMax = 1_000;

const names = new Map<string, string>();

/**
 * The name under which Postgres keeps a statement's plan on a connection: the same for the same text, so that it is
 * parsed once. Undefined for one more text than are kept. (Postgres cuts names at 63 characters; ours has 26.)
 */
export function statementName(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= namesMax) return undefined;
  const name = `loci_${createHash("sha256").update(text).digest("base64url").slice(0, 21)}`;
  names.set(text, name);
  return name;
}
