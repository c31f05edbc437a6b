import { type CallerRole, roleScopes } from "./caller.ts";

/** Which roles each value of the roles' claim stands for. */
export type RoleMapping = ReadonlyMap<string, readonly CallerRole[]>;

/**
 * A mapping as people write it: `loci-admins=admin,support=auditor`. What stands left of the last `=` is a value of the claim, letter
 * for letter. A value that is named twice has both roles. Null: it is something else, or names a role that there is not.
 */
export function parseRoleMapping(text: string): RoleMapping | null {
  const mapping = new Map<string, readonly CallerRole[]>();
  for (const pair of text.split(",")) {
    const [, value = "", name = ""] = /^\s*(\S|\S.*\S)\s*=\s*([^\s=]+)\s*$/.exec(pair) ?? [];
    const role = roleNamed(name);
    if (value === "" || role === null) return null;
    mapping.set(value, [...(mapping.get(value) ?? []), role]);
  }
  return mapping;
}

function roleNamed(name: string): CallerRole | null {
  // Its own keys are exactly those of the type.
  const roles = Object.keys(roleScopes) as CallerRole[];
  return roles.find((role) => role === name) ?? null;
}

/**
 * The roles that a claim gives, each once; none where the claim is not there, or is neither a text nor a list of texts. A text is
 * one value, whatever is in it: cutting it would make roles out of parts of names.
 *
 * `claim` is a path with dots, such as `realm_access.roles`. One with `://` in it is a single name, as issuers have them that ask
 * for a namespace.
 */
export function rolesOf(claims: object, claim: string, mapping: RoleMapping): readonly CallerRole[] {
  const path = claim.includes("://") ? [claim] : claim.split(".");
  const found = path.reduce<unknown>(ownOf, claims);
  const values: readonly unknown[] = Array.isArray(found) ? found : [found];
  if (!values.every((value) => typeof value === "string")) return [];
  return [...new Set(values.flatMap((value) => mapping.get(value) ?? []))];
}

/** What a claim holds under a name: nothing that every object has, and nothing of lists. */
function ownOf(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null || Array.isArray(holder)) return undefined;
  return Object.hasOwn(holder, name) ? Reflect.get(holder, name) : undefined;
}

/** Who a subject is wherever it says who asked. Null: it is none that could be written there (OpenID Connect Core 1.0, section 2). */
export function actorOf(subject: unknown): string | null {
  return typeof subject === "string" && /^[\x21-\x7e]{1,255}$/.test(subject) ? `oidc:${subject}` : null;
}

/**
 * Whether an object anywhere in a JSON text has a name twice. Who reads such a token takes either value for the right one, and
 * not everybody the same (RFC 7519, section 4). The text has to be JSON.
 */
export function hasNameTwice(json: string): boolean {
  const open: Set<string>[] = [];
  let text = "";
  for (const [part] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (part === "{" || part === "[") open.push(new Set());
    else if (part === "}" || part === "]") open.pop();
    else if (part !== ":") text = part;
    else {
      // One name can be written in several ways.
      const name = String(JSON.parse(text));
      const names = open.at(-1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}
