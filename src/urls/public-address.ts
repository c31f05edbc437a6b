import ipaddr from "ipaddr.js";

/** The only part of IPv6 that is given out to be reached from everywhere (IANA, IPv6 address space). */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/** Azure's metadata and its like: the only one of a large cloud at an address that looks public (Azure docs). */
const publicLookingMetadata = "168.63.129.16";

/**
 * Whether everybody on the internet means the same machine by this address, as text without brackets. What is not an
 * address is not public. Loopback, private, link-local and shared nets, metadata services, documentation, benchmarking,
 * multicast, and all that carries an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo) are not.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === null || address.range() !== "unicast") return false;
  if (address instanceof ipaddr.IPv6) return address.match(globalUnicast);
  return address.toString() !== publicLookingMetadata;
}

/** Whether this address, as text without brackets, is this machine's own. An IPv4 address inside of IPv6 is not. */
export function isLoopbackAddress(text: string): boolean {
  return parseAddress(text)?.range() === "loopback";
}

/** Whether this is an address and not a name; without brackets. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== null;
}

/** Plain spellings only: of IPv4 the library also takes octal and hexadecimal, which others read in other ways. */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : null;
}
