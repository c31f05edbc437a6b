import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";

/** Of an IPv6 address, what one subscriber is given at least. */
const subscriberBytes = 8;

/**
 * Whom a request comes from, as far as addresses tell people apart: an IPv4 address, or the first 64 bits of an IPv6 one. With
 * `proxies` in front it is what the outermost of them has seen; what stands before that in `X-Forwarded-For` anybody can write.
 */
export function remoteAddress(
  {
    headers,
    socket,
  }: {
    readonly headers: IncomingMessage["headers"];
    readonly socket: { readonly remoteAddress?: string | undefined };
  },
  proxies: number,
): string {
  const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
  const seen = proxies === 0 ? undefined : forwarded.at(-proxies)?.trim();
  const text = seen === undefined || seen === "" ? (socket.remoteAddress ?? "") : seen;
  if (!ipaddr.isValid(text)) return "unknown";
  const address = ipaddr.process(text);
  if (address.kind() === "ipv4") return address.toString();
  return Buffer.from(address.toByteArray().slice(0, subscriberBytes)).toString("hex");
}
