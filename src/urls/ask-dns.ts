import dns from "node:dns";
import { Resolver } from "node:dns/promises";

/** How long all questions about one name may take together. */
const lookupMaxMs = 2_000;

/** How long one server may take to answer, at first. */
const serverTimeoutMs = 700;

/**
 * All addresses of a name, IPv4 first, by the name servers of this process and by them alone: what a hosts file says is
 * true on this machine only. None where there is no such name, or no server answers within 2 s. Never throws.
 */
export async function askDns(name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: serverTimeoutMs, tries: 2 });
  // Not imported by its name: Node puts another function there when the servers are set.
  resolver.setServers(dns.getServers());
  const timer = setTimeout(() => resolver.cancel(), lookupMaxMs);
  try {
    const families = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    return families.flatMap((family) => (family.status === "fulfilled" ? family.value : []));
  } finally {
    clearTimeout(timer);
  }
}
