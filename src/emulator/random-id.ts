import { randomBytes } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Bytes from here on would make the first letters of the alphabet more likely than the rest. */
const byteBound = 256 - (256 % alphabet.length);

/** A prefix and that many random alphanumerics: organizations and projects have 40 (ids in Mem0's docs and tests). */
export function randomId(prefix: string, length: number): string {
  let id = prefix;
  while (id.length < prefix.length + length) {
    for (const byte of randomBytes(length)) {
      if (byte < byteBound && id.length < prefix.length + length) id += alphabet[byte % alphabet.length];
    }
  }
  return id;
}
