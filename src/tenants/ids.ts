import { typeidUnboxed } from "typeid-js";

/** The prefixes of our ids, one a noun. */
export type IdPrefix = "tnt" | "res" | "op" | "att" | "acc" | "aud" | "una" | "key" | "tok";

/**
 * A new id: the prefix, an underscore and 26 characters of a UUIDv7 in Crockford's base32, so that ids of
 * one kind sort by the time they were made. Every call answers another one.
 */
export function newId(prefix: IdPrefix): string {
  return typeidUnboxed(prefix);
}
