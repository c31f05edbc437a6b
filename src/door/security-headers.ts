/**
 * What every answer carries, pages included, which put their own policy in place of this one. No HSTS: TLS ends in front of Loci,
 * and whoever ends it says so.
 */
export const securityHeaders: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  // Of an answer that a browser opens by itself nothing is run, loaded or framed.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  // What is told is told to the bearer of a token. Assets say otherwise.
  "cache-control": "no-store",
};
