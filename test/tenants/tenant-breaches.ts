import { activateTenant, type Breach, failTenant, tenantRow } from "./breach.ts";

const resourceBecomes = (id: string, set: string) => `UPDATE resource SET ${set} WHERE id = '${id}'`;

const unaccountedRow = (id: string, upstreamId: string) =>
  `INSERT INTO unaccounted (id, kind, upstream_id, name, reason, created_at)
   VALUES ('${id}', 'ORGANIZATION', '${upstreamId}', 'A', 'any', now())`;

/** How to break what guards installation, accounts, tenants and the mapping. */
export const tenantBreaches: readonly Breach[] = [
  {
    guard: "installation_is_one_row",
    what: "a second installation",
    allowed: [],
    refused: "INSERT INTO installation (id, marker_secret) VALUES (2, decode(repeat('ab', 32), 'hex'))",
  },
  {
    guard: "installation_secret_is_long",
    what: "a marker secret of 31 bytes",
    allowed: ["UPDATE installation SET marker_secret = decode(repeat('ab', 32), 'hex')"],
    refused: "UPDATE installation SET marker_secret = decode(repeat('ab', 31), 'hex')",
  },
  {
    guard: "mem0_account_one_platform",
    what: "a second platform account",
    allowed: [],
    refused: `INSERT INTO mem0_account (id, role, upstream, org_id, project_id, user_email)
      VALUES ('acc_2', 'PLATFORM', 'emulator', 'org_9', 'proj_9', 'other@loci.test')`,
  },
  {
    guard: "tenant_key_open",
    what: "a key that a living tenant has",
    allowed: [tenantRow("tnt_2", "other", 1)],
    refused: tenantRow("tnt_3", "acme", 2),
  },
  {
    guard: "tenant_key_open",
    what: "a third life of a key while the second goes on",
    allowed: [failTenant, tenantRow("tnt_2", "acme", 2)],
    refused: tenantRow("tnt_3", "acme", 3),
  },
  {
    guard: "tenant_key_generation_key",
    what: "a generation of a key twice",
    allowed: [failTenant],
    refused: tenantRow("tnt_2", "acme", 1),
  },
  {
    guard: "tenant_generation_positive",
    what: "generation 0",
    allowed: [tenantRow("tnt_2", "other", 1)],
    refused: tenantRow("tnt_3", "third", 0),
  },
  {
    guard: "tenant_closed_at_says_closed",
    what: "a FAILED tenant without the time",
    allowed: [],
    refused: "UPDATE tenant SET status = 'FAILED' WHERE id = 'tnt_1'",
  },
  {
    guard: "tenant_closed_at_says_closed",
    what: "a time of closing on a tenant that goes on",
    allowed: [],
    refused: "UPDATE tenant SET closed_at = now() WHERE id = 'tnt_1'",
  },
  {
    guard: "tenant_activated_at_says_was_active",
    what: "an ACTIVE tenant without the time",
    allowed: [],
    refused: "UPDATE tenant SET status = 'ACTIVE' WHERE id = 'tnt_1'",
  },
  {
    guard: "tenant_activated_at_says_was_active",
    what: "a time of activation on a tenant that never was",
    allowed: [],
    refused: "UPDATE tenant SET activated_at = now() WHERE id = 'tnt_1'",
  },
  ...(["id = 'tnt_9'", "key = 'renamed'", "generation = 7"] as const).map((set) => ({
    guard: "tenant_guard",
    what: `another ${set.split(" ")[0]} of a tenant`,
    allowed: ["UPDATE tenant SET name = 'A new name' WHERE id = 'tnt_1'"],
    refused: `UPDATE tenant SET ${set} WHERE id = 'tnt_1'`,
  })),
  {
    guard: "tenant_guard",
    what: "a tenant going back",
    allowed: [activateTenant],
    refused: "UPDATE tenant SET status = 'PROVISIONING', activated_at = NULL WHERE id = 'tnt_1'",
  },
  {
    guard: "tenant_starts_provisioning",
    what: "a tenant that begins ACTIVE",
    allowed: [tenantRow("tnt_2", "other", 1)],
    refused: `INSERT INTO tenant (id, key, generation, name, status, drift, activated_at)
      VALUES ('tnt_3', 'third', 1, 'A', 'ACTIVE', '{}', now())`,
  },
  {
    guard: "resource_upstream_once",
    what: "one organization upstream for two resources",
    allowed: [
      resourceBecomes("res_org", "upstream_id = 'org_1'"),
      resourceBecomes("res_proj", "upstream_id = 'org_1'"),
      failTenant,
      tenantRow("tnt_2", "acme", 2),
    ],
    refused: `INSERT INTO resource (id, tenant_id, kind, name, desired, operation_id, upstream_id)
      VALUES ('res_2', 'tnt_2', 'ORGANIZATION', 'main', '{}', 'op_1', 'org_1')`,
  },
  {
    guard: "resource_name_once",
    what: "a tenant's second resource of a kind and name, unless the first is GONE",
    allowed: [
      `INSERT INTO resource (id, tenant_id, kind, name, desired, operation_id, state, gone_by, gone_at)
        VALUES ('res_gone', 'tnt_1', 'ORGANIZATION', 'main', '{}', 'op_1', 'GONE', 'DELETED', now())`,
    ],
    refused: `INSERT INTO resource (id, tenant_id, kind, name, desired, operation_id)
      VALUES ('res_2', 'tnt_1', 'ORGANIZATION', 'main', '{}', 'op_1')`,
  },
  {
    guard: "resource_gone_says_how",
    what: "a thing GONE without saying how",
    allowed: [],
    refused: resourceBecomes("res_org", "state = 'GONE', gone_at = now()"),
  },
  {
    guard: "resource_gone_says_how",
    what: "a thing GONE without the time",
    allowed: [],
    refused: resourceBecomes("res_org", "state = 'GONE', gone_by = 'DELETED'"),
  },
  {
    guard: "resource_gone_says_how",
    what: "a proof of going on a thing that is not GONE",
    allowed: [],
    refused: resourceBecomes("res_org", "gone_by = 'DELETED', gone_at = now()"),
  },
  {
    guard: "resource_present_has_upstream_id",
    what: "an organization PRESENT without Mem0's id",
    allowed: [
      resourceBecomes("res_member", "state = 'PRESENT'"),
      resourceBecomes("res_proj", "state = 'PRESENT', upstream_id = 'proj_1'"),
    ],
    refused: resourceBecomes("res_org", "state = 'PRESENT'"),
  },
  {
    guard: "resource_only_members_wait",
    what: "an organization that waits for a registration",
    allowed: [resourceBecomes("res_member", "state = 'AWAITING_REGISTRATION', retry_at = now()")],
    refused: resourceBecomes("res_org", "state = 'AWAITING_REGISTRATION', retry_at = now()"),
  },
  {
    guard: "resource_only_members_wait",
    what: "a member who waits without a next try",
    allowed: [],
    refused: resourceBecomes("res_member", "state = 'AWAITING_REGISTRATION'"),
  },
  ...(["'org_2'", "NULL"] as const).map((upstreamId) => ({
    guard: "resource_guard",
    what: `an upstream id overwritten by ${upstreamId}`,
    allowed: [
      resourceBecomes("res_org", "upstream_id = 'org_1'"),
      resourceBecomes("res_org", "reason = 'any'"),
    ],
    refused: resourceBecomes("res_org", `upstream_id = ${upstreamId}`),
  })),
  {
    guard: "resource_guard",
    what: "a thing that comes back from GONE",
    allowed: [resourceBecomes("res_org", "state = 'GONE', gone_by = 'NEVER_MADE', gone_at = now()")],
    refused: resourceBecomes("res_org", "state = 'UNKNOWN', gone_by = NULL, gone_at = NULL"),
  },
  {
    guard: "installation_paused_says_why",
    what: "a pause without a reason",
    allowed: ["UPDATE installation SET paused_at = now(), paused_because = 'any'"],
    refused: "UPDATE installation SET paused_because = NULL",
  },
  {
    guard: "unaccounted_kind_upstream_id_key",
    what: "one unaccounted thing listed twice",
    allowed: [unaccountedRow("una_1", "org_1"), unaccountedRow("una_2", "org_2")],
    refused: unaccountedRow("una_3", "org_1"),
  },
];
