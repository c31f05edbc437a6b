import { type Breach, tenantRow } from "./breach.ts";

const hash = `decode('${"00".repeat(32)}', 'hex')`;

/** Inserts a token; what is not said is an auditor's that nobody has narrowed. */
const tokenRow = (id: string, columns: Readonly<Record<string, string>> = {}) => {
  const row: Readonly<Record<string, string>> = {
    ...{ id: `'${id}'`, line_id: `'${id}'`, kind: "'AUDITOR'", label: "'any'", hash, created_by: "'admin'" },
    ...columns,
  };
  return `INSERT INTO api_token (${Object.keys(row).join(", ")}) VALUES (${Object.values(row).join(", ")})`;
};

const ofTenant = { kind: "'TENANT'", tenant_id: "'tnt_1'" };
const ofUser = { ...ofTenant, entity_type: "'user'", entity_id: "'alice'" };
const becomes = (set: string) => `UPDATE api_token SET ${set} WHERE id = 'tok_1'`;
const revoked = "revoked_at = now(), revoked_by = 'admin'";
const replaced = "replaced_at = now(), expires_at = now()";

/** How to break what guards the tokens of the API. */
export const tokenBreaches: readonly Breach[] = [
  {
    guard: "api_token_of_a_tenant_names_it",
    what: "a tenant's token of no tenant",
    allowed: [tokenRow("tok_1", ofTenant)],
    refused: tokenRow("tok_2", { kind: "'TENANT'" }),
  },
  {
    guard: "api_token_of_a_tenant_names_it",
    what: "an admin's token of a tenant",
    allowed: [tokenRow("tok_1", { kind: "'ADMIN'" })],
    refused: tokenRow("tok_2", { ...ofTenant, kind: "'ADMIN'" }),
  },
  {
    guard: "api_token_narrowed_is_a_tenants",
    what: "an admin's token that seems to change nothing",
    allowed: [tokenRow("tok_1", { ...ofTenant, is_read_only: "true" })],
    refused: tokenRow("tok_2", { kind: "'ADMIN'", is_read_only: "true" }),
  },
  {
    guard: "api_token_narrowed_is_a_tenants",
    what: "an auditor's token that seems to be of one user",
    allowed: [tokenRow("tok_1", ofUser)],
    refused: tokenRow("tok_2", { entity_type: "'user'", entity_id: "'alice'" }),
  },
  ...(["entity_type", "entity_id"] as const).map((left) => ({
    guard: "api_token_entity_is_whole",
    what: `a token of one entity without its ${left}, which would be one of all`,
    allowed: [tokenRow("tok_1", ofUser)],
    refused: tokenRow("tok_2", { ...ofUser, [left]: "NULL" }),
  })),
  {
    guard: "api_token_entity_is_whole",
    what: "a token of an entity of no type that there is",
    allowed: [tokenRow("tok_1", { ...ofUser, entity_type: "'run'" })],
    refused: tokenRow("tok_2", { ...ofUser, entity_type: "'project'" }),
  },
  {
    guard: "api_token_entity_is_whole",
    what: "a token of an entity without a name",
    allowed: [tokenRow("tok_1", ofUser)],
    refused: tokenRow("tok_2", { ...ofUser, entity_id: "''" }),
  },
  {
    guard: "api_token_revoked_by_somebody",
    what: "a token that nobody revoked",
    allowed: [tokenRow("tok_1"), becomes(revoked)],
    refused: tokenRow("tok_2", { revoked_at: "now()" }),
  },
  {
    guard: "api_token_hash_is_whole",
    what: "a hash that is too short to be compared",
    allowed: [tokenRow("tok_1")],
    refused: tokenRow("tok_2", { hash: "decode('00', 'hex')" }),
  },
  {
    guard: "api_token_replaced_ends",
    what: "a token that was replaced and never ends",
    allowed: [tokenRow("tok_1"), becomes(replaced)],
    refused: tokenRow("tok_2", { replaced_at: "now()" }),
  },
  {
    guard: "api_token_one_newest_of_a_line",
    what: "two newest tokens of one line",
    allowed: [tokenRow("tok_1"), becomes(replaced), tokenRow("tok_2", { line_id: "'tok_1'" })],
    refused: tokenRow("tok_3", { line_id: "'tok_1'" }),
  },
  ...[
    "kind = 'ADMIN'",
    "line_id = 'tok_0'",
    `hash = decode('${"11".repeat(32)}', 'hex')`,
    "id = 'tok_0'",
  ].map((set) => ({
    guard: "api_token_guard",
    what: `a token that becomes another one: ${set.slice(0, 20)}`,
    allowed: [tokenRow("tok_1"), becomes("label = 'another', last_used_at = now()")],
    refused: becomes(set),
  })),
  ...[
    "tenant_id = 'tnt_2'",
    "is_read_only = true",
    "entity_type = NULL, entity_id = NULL",
    "entity_id = 'bob'",
  ].map((set) => ({
    guard: "api_token_guard",
    what: `a tenant's token that becomes another one: ${set}`,
    allowed: [tenantRow("tnt_2", "other", 1), tokenRow("tok_1", ofUser)],
    refused: becomes(set),
  })),
  {
    guard: "api_token_guard",
    what: "a token that comes back after it was revoked",
    allowed: [tokenRow("tok_1"), becomes(revoked)],
    refused: becomes("revoked_at = NULL, revoked_by = NULL"),
  },
  ...["NULL", "now() + interval '2 hours'"].map((end) => ({
    guard: "api_token_guard",
    what: `a token that lives longer than it was made for: ${end}`,
    allowed: [
      tokenRow("tok_1", { expires_at: "now() + interval '1 hour'" }),
      becomes("expires_at = now() + interval '1 minute'"),
    ],
    refused: becomes(`expires_at = ${end}`),
  })),
];
