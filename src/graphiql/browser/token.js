/**
 * The admin token of this browser tab. It lives in sessionStorage and nowhere else: the browser drops it with the tab,
 * other tabs do not see it, and it is in no URL, no cookie and none of GraphiQL's own state.
 */
const storageKey = "loci:admin-token";

/** Those who wait for a token; each is called once, with the next one. */
let waiting = [];

/** The token, or null. */
export function readToken() {
  return sessionStorage.getItem(storageKey);
}

/** Waits for a token that is not `refused` (null: any). Answers at once when there is one. */
export function waitForToken(refused) {
  const token = readToken();
  if (token !== null && token !== refused) return Promise.resolve(token);
  return new Promise((resolve) => waiting.push(resolve));
}

/**
 * Takes what a person pasted: spaces around it and a leading "Bearer " are theirs to leave in.
 * Returns whether it can be a token at all; what cannot go into a header is not kept.
 */
export function keepToken(pasted) {
  const token = pasted.trim().replace(/^Bearer\s+/i, "");
  if (!/^[\x21-\x7e]+$/.test(token)) return false;
  sessionStorage.setItem(storageKey, token);
  const called = waiting;
  waiting = [];
  for (const resolve of called) resolve(token);
  return true;
}

/** Drops `token` if it is still the one in use: an answer to an older request says nothing about a newer token. */
export function dropToken(token) {
  if (readToken() !== token) return false;
  sessionStorage.removeItem(storageKey);
  return true;
}
