import { createHash } from "node:crypto";
import type { Prisma } from "../generated/prisma/client.ts";

/** Longest text, and longest list, that the audit keeps whole. */
const textMax = 2_000;
const itemsMax = 20;

const email = /[^\s@<>"',;]+@[^\s@<>"',;]+/g;

/**
 * A text without what says who somebody is: of an e-mail address the first letter, the domain and eight hex digits of the
 * SHA-256 of the address in small letters, by which whoever knows an address finds it again.
 */
export function maskEmails(text: string): string {
  return text.replaceAll(email, (address) => {
    const hash = createHash("sha256").update(address.toLowerCase()).digest("hex").slice(0, 8);
    return `${address.charAt(0)}…${address.slice(address.lastIndexOf("@"))} (${hash})`;
  });
}

/**
 * What stands for the name of a user, agent, app or run: eight hex digits of its SHA-256, by which whoever knows the name finds it
 * again. The same name has the same always; no anonymity, for names can be guessed.
 */
export function pseudonymOf(name: string): string {
  return `#${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}

/** A text as the database takes it, which has no NUL and no half of a character; cut where it is too long. */
export function storableText(text: string, max: number): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return Buffer.from(cut, "utf8").toString("utf8").replaceAll("\0", "\uFFFD");
}

/**
 * What was asked for as it may stand in the audit for good: e-mail addresses masked, long texts and lists cut, each list with
 * how many more there were.
 */
export function maskDetails(details: Prisma.InputJsonObject): Prisma.InputJsonObject {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, maskValue(value)]));
}

function maskValue(value: Value): Value {
  if (typeof value === "string") return maskEmails(storableText(value, textMax));
  if (value === null || value === undefined || typeof value !== "object") return value;
  if (isList(value)) {
    const kept = value.slice(0, itemsMax).map((item) => maskValue(item) ?? null);
    return value.length > itemsMax ? [...kept, `and ${value.length - itemsMax} more`] : kept;
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, maskValue(item)]));
}

type Value = Prisma.InputJsonValue | null | undefined;

function isList(value: object): value is Prisma.InputJsonArray {
  return Array.isArray(value);
}
