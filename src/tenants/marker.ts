import { createHmac, timingSafeEqual } from "node:crypto";

/** Characters of a marker: 16 of base32, thus 80 bits. */
export const markerLength = 16;

/** Code points of a display name that fit before the marker in an organization's name. */
export const displayNameMax = 200;

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const separator = " ·";

/**
 * The marker of a resource: the first 80 bits of HMAC-SHA256(secret, resource id) in base32 (RFC 4648).
 * It stands in an upstream name and says "this resource of this installation" to whoever has the secret, and
 * nothing to anybody else. The same arguments always give the same marker.
 */
export function markerOf(secret: Uint8Array, resourceId: string): string {
  const digest = createHmac("sha256", secret).update(resourceId).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let marker = "";
  for (let index = 0; index < markerLength; index++) {
    marker = alphabet.charAt(Number(bits & 31n)) + marker;
    bits >>= 5n;
  }
  return marker;
}

/**
 * A human text with a marker behind it: `Acme Inc. ·ABCD…`. The text is cut to `displayNameMax` code points,
 * because Mem0's limit on names is not known and 255 is the usual one (inferred, Mem0 fact: undocumented).
 */
export function withMarker(text: string, marker: string): string {
  const cut = [...text].slice(0, displayNameMax).join("").trimEnd();
  return `${cut}${separator}${marker}`;
}

/** Whether an upstream name or description ends in this very marker. Compared in constant time. */
export function bearsMarker(upstreamText: string | null, marker: string): boolean {
  if (upstreamText === null) return false;
  const expected = Buffer.from(`${separator}${marker}`);
  const found = Buffer.from(upstreamText.trimEnd().slice(-(separator.length + marker.length)));
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/**
 * What stands where a marker would, behind an upstream name or description; null when nothing there looks like one. It
 * says nothing of whose it is: only `bearsMarker` tells that.
 */
export function trailingMarker(upstreamText: string | null): string | null {
  return /·([A-Z2-7]{16})$/.exec(upstreamText?.trimEnd() ?? "")?.[1] ?? null;
}
