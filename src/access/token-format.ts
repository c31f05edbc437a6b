import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** What a token is for. */
export const tokenKinds = ["admin", "provisioner", "offboarder", "auditor", "tenant"] as const;

/** See `tokenKinds`. */
export type TokenKind = (typeof tokenKinds)[number];

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const secretBytes = 32;
/** As many digits as 256 bits need. */
const secretLength = 43;
/** As many as 32 bits need. */
const checksumLength = 6;

/** What a token looks like: for secret scanners, and for whoever configures one. */
export const tokenPattern = new RegExp(
  `^loci_(${tokenKinds.join("|")})_([0-9a-z]{26})_[0-9A-Za-z]{${secretLength + checksumLength}}$`,
);

/** What a token says of itself. Whether it is one of ours only its hash tells. */
export interface TokenName {
  readonly kind: TokenKind;
  /** Of its row: `tok_` and 26 characters. */
  readonly id: string;
}

/**
 * A new token, `loci_<kind>_<id>_<secret><checksum>`: 256 random bits and a CRC-32 of all before it, in base 62, so that a scanner
 * knows it from a made-up one without asking us. Every call answers another.
 * @throws {RangeError} for an id that is none of a token's row
 */
export function makeToken({ kind, id }: TokenName): string {
  const secret = inBase62(BigInt(`0x${randomBytes(secretBytes).toString("hex")}`), secretLength);
  const body = `loci_${kind}_${id.replace(/^tok_/, "")}_${secret}`;
  const token = `${body}${checksumOf(body)}`;
  if (!tokenPattern.test(token)) throw new RangeError(`${id} is not the id of a token.`);
  return token;
}

/** What a text says of itself as a token. Null: it is none, or was mistyped. Needs no database: what is made up costs nothing. */
export function readToken(text: string): TokenName | null {
  const [, kindText, suffix] = tokenPattern.exec(text) ?? [];
  const kind = tokenKinds.find((known) => known === kindText);
  if (kind === undefined || suffix === undefined) return null;
  const body = text.slice(0, -checksumLength);
  return checksumOf(body) === text.slice(-checksumLength) ? { kind, id: `tok_${suffix}` } : null;
}

function checksumOf(body: string): string {
  return inBase62(BigInt(crc32(body)), checksumLength);
}

function inBase62(value: bigint, length: number): string {
  let rest = value;
  let text = "";
  while (text.length < length) {
    text = `${digits.charAt(Number(rest % 62n))}${text}`;
    rest /= 62n;
  }
  return text;
}
