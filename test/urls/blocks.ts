import fc from "fast-check";

/** A block of addresses: its first address as a number, and how many of the leading bits are its own. */
export interface Block {
  readonly base: bigint;
  readonly prefix: number;
  readonly bits: 32 | 128;
}

/** `10.0.0.0/8`, `fe80:0:0:0:0:0:0:0/10`: IPv6 with all its groups. Read without the library that the source uses. */
export function block(text: string): Block {
  const [address = "", prefix = ""] = text.split("/");
  const isV6 = address.includes(":");
  const parts = isV6
    ? address.split(":").map((part) => BigInt(`0x${part}`))
    : address.split(".").map((part) => BigInt(part));
  const step = isV6 ? 16n : 8n;
  const base = parts.reduce((sum, part) => (sum << step) | part, 0n);
  return { base, prefix: Number(prefix), bits: isV6 ? 128 : 32 };
}

/** Whether an address is in a block of its family. */
function isIn(address: bigint, { base, prefix, bits }: Block): boolean {
  const rest = BigInt(bits - prefix);
  return address >> rest === base >> rest;
}

/** Any address of a block, its first and its last more often than by chance. */
export function addressIn({ base, prefix, bits }: Block): fc.Arbitrary<bigint> {
  const last = (1n << BigInt(bits - prefix)) - 1n;
  return fc
    .oneof(fc.bigInt({ min: 0n, max: last }), fc.constantFrom(0n, last))
    .map((offset) => base + offset);
}

/** IPv4 that does not mean the same machine to everybody (IANA, IPv4 special-purpose addresses; Azure's metadata). */
export const hiddenV4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "169.254.169.254/32"],
  ...["172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"],
  ...["192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24"],
  ...["203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "168.63.129.16/32"],
].map(block);

/** The same of IPv6 (IANA, IPv6 special-purpose addresses), with all that carries an IPv4 address inside. */
export const hiddenV6 = [
  ...["0:0:0:0:0:0:0:0/128", "0:0:0:0:0:0:0:1/128", "0:0:0:0:0:0:0:0/96", "0:0:0:0:0:ffff:0:0/96"],
  ...["0:0:0:0:ffff:0:0:0/96", "64:ff9b:0:0:0:0:0:0/96", "64:ff9b:1:0:0:0:0:0/48", "100:0:0:0:0:0:0:0/64"],
  ...["2001:0:0:0:0:0:0:0/32", "2001:2:0:0:0:0:0:0/48", "2001:10:0:0:0:0:0:0/28", "2001:20:0:0:0:0:0:0/28"],
  ...[
    "2001:0:0:0:0:0:0:0/23",
    "2001:db8:0:0:0:0:0:0/32",
    "2002:0:0:0:0:0:0:0/16",
    "2620:4f:8000:0:0:0:0:0/48",
  ],
  ...["3fff:0:0:0:0:0:0:0/20", "5f00:0:0:0:0:0:0:0/16", "fc00:0:0:0:0:0:0:0/7", "fd00:ec2:0:0:0:0:0:254/128"],
  ...["fe80:0:0:0:0:0:0:0/10", "fec0:0:0:0:0:0:0:0/10", "ff00:0:0:0:0:0:0:0/8", "4000:0:0:0:0:0:0:0/2"],
].map(block);

/** IPv4 of the whole internet. */
export const publicV4 = addressIn(block("0.0.0.0/0")).filter(
  (address) => !hiddenV4.some((hidden) => isIn(address, hidden)),
);

/** IPv6 of the whole internet. */
export const publicV6 = addressIn(block("2000:0:0:0:0:0:0:0/3")).filter(
  (address) => !hiddenV6.some((hidden) => isIn(address, hidden)),
);

function octets(address: bigint): number[] {
  return [24n, 16n, 8n, 0n].map((shift) => Number((address >> shift) & 255n));
}

/** `127.0.0.1`. */
export function dotted(address: bigint): string {
  return octets(address).join(".");
}

/** All spellings of an IPv4 address that the parser of URLs takes for it, but for the plain one. */
export function oddSpellings(address: bigint): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = octets(address);
  const wide = (text: string) => text.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
  const plain = dotted(address);
  return [
    ...[`${address}`, `0x${address.toString(16)}`, `0X${address.toString(16).toUpperCase()}`],
    ...[`0${address.toString(8)}`, `${a}.${address & 0xffffffn}`, `${a}.${b}.${(c << 8) | d}`],
    ...[[a, b, c, d].map((each) => `0x${each.toString(16)}`).join(".")],
    ...[[a, b, c, d].map((each) => `0${each.toString(8)}`).join(".")],
    ...[
      `0x${a.toString(16)}.${b}.0${c.toString(8)}.${d}`,
      `${plain}.`,
      wide(plain),
      plain.replaceAll(".", "。"),
    ],
    ...[plain.replaceAll(".", "%2e"), `%3${plain}`.replace(/^%3(\d)/, "%3$1")],
  ];
}

/** `0:0:0:0:0:0:0:1`. */
export function groups(address: bigint): string {
  return Array.from({ length: 8 }, (_, index) =>
    ((address >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  ).join(":");
}

/** Spellings of an IPv6 address: all groups, with zeros in front, in capitals, shortened, and with IPv4 at its end. */
export function spellingsV6(address: bigint): string[] {
  const all = groups(address);
  const padded = all.replace(/[0-9a-f]+/g, (group) => group.padStart(4, "0"));
  const head = all.split(":").slice(0, 6).join(":");
  const short = new URL(`http://[${all}]/`).hostname.slice(1, -1);
  return [all, padded, padded.toUpperCase(), short, `${head}:${dotted(address & 0xffffffffn)}`];
}
