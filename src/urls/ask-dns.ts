import dns from "node:dns";
import { Resolver } from "node:dns/promises";
import { LRUCache } from "lru-cache";

/** How long all questions about one name may take together. */
const lookupMaxMs = 2_000;

/** How long one server may take to answer, at first. */
const serverTimeoutMs = 700;

/** For how long a name that could not be resolved is not asked for again: a name server that is silent costs one of many 2 s, not all. */
const unresolvedMs = 10_000;
const namesMax = 1_000;

const unresolved = new LRUCache<string, true>({ max: namesMax, ttl: unresolvedMs });
const asking = new Map<string, Promise<readonly string[]>>();

/**
 * All addresses of a name, IPv4 first, by the name servers of this process and by them alone: what a hosts file says is
 * true on this machine only. None where there is no such name, or no server answers within 2 s, which is remembered for 10 s. Addresses
 * are not remembered: the next call asks anew; but calls at the same time share one question, so that a hundred sign-ups with one
 * host do not flood the server. Never throws.
 */
export async function askDns(name: string): Promise<readonly string[]> {
  if (unresolved.has(name)) return [];
  const known = asking.get(name);
  if (known !== undefined) return known;
  const question = ask(name).finally(() => asking.delete(name));
  asking.set(name, question);
  const addresses = await question;
  if (addresses.length === 0) unresolved.set(name, true);
  return addresses;
}

async function ask(name: string): Promise<readonly string[]> {
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
