import { isAddress, isLoopbackAddress, isPublicAddress } from "./public-address.ts";

/** The longest URL that is taken, in UTF-16 code units. */
const urlCharactersMax = 2_000;

/** What else may be in a URL. */
export interface UrlPolicy {
  /** Whether it may lead to this machine, by http too: for development, where whoever fetches it is on it. */
  readonly allowsLoopback: boolean;
}

/** What a look at a URL's text comes to. */
export type UrlVerdict =
  | {
      readonly isAllowed: true;
      /** The name that is still to be resolved. Null: the URL holds an address, or means this machine. */
      readonly name: string | null;
    }
  | {
      readonly isAllowed: false;
      /** A sentence for people, which holds nothing of the URL. */
      readonly why: string;
    };

/**
 * Judges the text of a URL that a caller gave for somebody to call: https to the internet, and nothing in it that two
 * programs could read in two ways, for we judge it and others call it. Asks nobody; what a name resolves to is judged by
 * `resolvePublic`, at every use.
 */
export function judgeUrl(text: string, policy: UrlPolicy): UrlVerdict {
  if (text.length > urlCharactersMax) return refused(`Must have at most ${urlCharactersMax} characters.`);
  const url = parsePlainly(text);
  if (url === null) return refused("Must be an https URL, written out plainly.");
  if (url.username !== "" || url.password !== "" || writtenAuthority(text).includes("@")) {
    return refused("Must be a URL without credentials.");
  }
  if (text.includes("#")) return refused("Must be a URL without a fragment.");
  const host = hostOf(url);
  if (policy.allowsLoopback && leadsHere(url))
    return isWrittenAs(text, url) ? allowed(null) : refused(notPlain);
  if (url.protocol !== "https:") return refused("Must be an https URL.");
  const why = isAddress(host) ? whyNotAddress(host) : whyNotName(host);
  if (why !== null) return refused(why);
  return isWrittenAs(text, url) ? allowed(isAddress(host) ? null : host) : refused(notPlain);
}

/** Whether a URL leads to the machine of whoever calls it, by what it says: what names resolve to is not asked. */
export function leadsHere(url: URL): boolean {
  const host = hostOf(url);
  return host === "localhost" || isLoopbackAddress(host);
}

/** A host without the brackets of IPv6, and without the dot that a name may end in. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

const notPlain =
  "Must have its host written plainly: letters, digits and dots, and what is beyond ASCII as xn--.";

function allowed(name: string | null): UrlVerdict {
  return { isAllowed: true, name };
}

function refused(why: string): UrlVerdict {
  return { isAllowed: false, why };
}

/** The parser forgives spaces, control characters, backslashes and missing slashes; others forgive them in other ways. */
function parsePlainly(text: string): URL | null {
  if (!/^https?:\/\/[^\s\p{Cc}\p{Cs}\\]+$/iu.test(text)) return null;
  return URL.canParse(text) ? new URL(text) : null;
}

function writtenAuthority(text: string): string {
  return /^[^:]+:\/\/([^/?#]*)/.exec(text)?.[1] ?? "";
}

/** Whether the host is written as it is meant, whatever its case: `0x7f.1`, `%6c` and full-width digits are not. */
function isWrittenAs(text: string, url: URL): boolean {
  const written = writtenAuthority(text).toLowerCase().replace(/:\d*$/, "");
  // Of IPv6 there are many spellings, and nobody reads them in two ways.
  return written === url.hostname || written.startsWith("[");
}

function whyNotAddress(address: string): string | null {
  return isPublicAddress(address) ? null : "Must not lead to an address that is not public.";
}

/** Names that mean something else in every net (RFC 6761, 6762, 8375; `internal` is reserved by ICANN for this). */
const localNames = /(^|\.)(localhost|local|internal|home\.arpa)$/;

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

function whyNotName(name: string): string | null {
  const labels = name.split(".");
  if (name.length > 253 || !labels.every((each) => label.test(each))) {
    return "Must have a host that is a name of the internet, or an address.";
  }
  if (labels.length === 1 || localNames.test(name)) {
    return "Must not have a host whose name means something in a local net only.";
  }
  return null;
}
