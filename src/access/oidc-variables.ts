import { z } from "zod";
import { parseRoleMapping } from "./claims.ts";
import { isIssuerUrl } from "./issuer-keys.ts";
import type { OidcSettings } from "./oidc.ts";

const printable = z
  .string()
  .regex(/^[\x21-\x7e]+$/, "Must consist of printable ASCII characters without spaces.");

const issuerUrl = z
  .string()
  .refine(isIssuerUrl, "Must be an https URL (http on loopback) without user, password, query and fragment.");

const rolesMessage =
  "Must be pairs such as loci-admins=admin,support=auditor; the roles are admin, provisioner, offboarder and auditor.";

const roles = z.string().transform((value, { issues }) => {
  const mapping = parseRoleMapping(value);
  if (mapping !== null) return mapping;
  issues.push({ code: "custom", message: rolesMessage, input: undefined });
  return z.NEVER;
});

/** The variables of the environment that are about people's tokens, with their rules. See `OidcSettings`. */
export const oidcVariables = {
  LOCI_OIDC_ISSUER: issuerUrl.optional(),
  LOCI_OIDC_AUDIENCE: printable.optional(),
  LOCI_OIDC_JWKS_URL: issuerUrl.optional(),
  LOCI_OIDC_ROLES_CLAIM: printable.optional(),
  LOCI_OIDC_ROLES: roles.optional(),
};

type OidcValues = z.output<z.ZodObject<typeof oidcVariables>>;

/** The variables that have to be set, and are not, because another of them is. None of them is all right: then nobody comes in that way. */
export function missingOidcVariables(values: OidcValues): readonly string[] {
  const needed = ["LOCI_OIDC_ISSUER", "LOCI_OIDC_AUDIENCE", "LOCI_OIDC_ROLES"] as const;
  const all = [...needed, "LOCI_OIDC_JWKS_URL", "LOCI_OIDC_ROLES_CLAIM"] as const;
  if (all.every((name) => values[name] === undefined)) return [];
  return needed.filter((name) => values[name] === undefined);
}

/** The settings by the variables' values. Null: people do not come in by OIDC. */
export function oidcSettingsOf(values: OidcValues): OidcSettings | null {
  const { LOCI_OIDC_ISSUER: issuer, LOCI_OIDC_AUDIENCE: audience, LOCI_OIDC_ROLES: mapping } = values;
  if (issuer === undefined || audience === undefined || mapping === undefined) return null;
  return {
    ...{ issuer, audience, jwksUrl: values.LOCI_OIDC_JWKS_URL ?? null },
    ...{ rolesClaim: values.LOCI_OIDC_ROLES_CLAIM ?? "roles", roles: mapping },
  };
}
