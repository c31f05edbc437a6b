import { crc32 } from "node:zlib";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** What a token is worth in base 62, most significant digit first. */
export function base62Value(text: string): bigint {
  return [...text].reduce((value, digit) => value * 62n + BigInt(digits.indexOf(digit)), 0n);
}

/** A text with the checksum that makes a token of it; written once more here, as scanners would write it. */
export function withChecksum(body: string): string {
  let rest = crc32(body);
  let checksum = "";
  for (let place = 0; place < 6; place += 1) {
    checksum = `${digits.charAt(rest % 62)}${checksum}`;
    rest = Math.floor(rest / 62);
  }
  return `${body}${checksum}`;
}

/** The parts of a token. */
export function partsOf(token: string) {
  const [, prefix = "", secret = "", checksum = ""] =
    /^(loci_[a-z]+_[0-9a-z]{26}_)(.{43})(.{6})$/.exec(token) ?? [];
  return { prefix, secret, checksum };
}
