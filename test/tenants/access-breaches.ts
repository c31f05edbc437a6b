import { activateTenant, type Breach, failTenant, tenantRow } from "./breach.ts";

const sealed = `'{"ciphertext": "any"}'`;

/** Inserts a key that is PROVED; the project of `tnt_1` is `res_proj`. */
const keyRow = (id: string, tenant = "tnt_1", resource = "res_proj", retiresAt = "NULL") =>
  `INSERT INTO project_key (id, tenant_id, resource_id, sealed_key, key_hint, proved_at, attached_by, retires_at)
   VALUES ('${id}', '${tenant}', '${resource}', ${sealed}, 'abcd', now(), 'admin', ${retiresAt})`;

const keyBecomes = (set: string) => `UPDATE project_key SET ${set} WHERE id = 'key_1'`;
const detached = "state = 'DETACHED', sealed_key = NULL, detached_at = now()";

/** Inserts the account of a customer, with its key PROVED. */
const customerRow = `INSERT INTO mem0_account (id, role, upstream, org_id, project_id, user_email, sealed_key, key_hint, key_state)
  VALUES ('acc_2', 'CUSTOMER', 'emulator', 'org_9', 'proj_9', 'ada@acme.test', ${sealed}, 'abcd', 'PROVED')`;

/** Inserts an attempt to delete. */
const deletion = (id: string, resource: string) =>
  `INSERT INTO attempt (id, resource_id, operation_id, step, action, owner_seen_at)
   VALUES ('${id}', '${resource}', 'op_1', 'deleteOrganization', 'DELETE', now())`;

const unlinked = "key_state = 'DETACHED', sealed_key = NULL, detached_at = now()";

const customerBecomes = (set: string) => `UPDATE mem0_account SET ${set} WHERE id = 'acc_2'`;

/** Inserts a tenant that is PROVISIONING on a customer's account. */
const linkedRow = (id: string, account = "acc_2") =>
  `INSERT INTO tenant (id, key, generation, name, status, drift, account_id)
   VALUES ('${id}', '${id}', 1, 'A', 'PROVISIONING', '{}', '${account}')`;

/** Inserts the organization of that tenant, which is there. */
const linkedPlace = (id: string, tenant: string) =>
  `INSERT INTO resource (id, tenant_id, kind, name, desired, operation_id, upstream_id, state)
   VALUES ('${id}', '${tenant}', 'ORGANIZATION', 'main', '{}', 'op_1', 'org_9', 'PRESENT')`;

const failLinked = "UPDATE tenant SET status = 'FAILED', closed_at = now() WHERE id = 'tnt_2'";

/** How to break what guards the keys of projects and of customers' accounts. */
export const accessBreaches: readonly Breach[] = [
  {
    guard: "mem0_account_key_is_a_customers",
    what: "a platform account with a key of its own",
    allowed: ["UPDATE mem0_account SET label = 'ours' WHERE id = 'acc_1'"],
    refused: `UPDATE mem0_account SET sealed_key = ${sealed}, key_hint = 'abcd', key_state = 'PROVED' WHERE id = 'acc_1'`,
  },
  {
    guard: "mem0_account_key_is_a_customers",
    what: "a customer's account of which nobody knows whether its key may be used",
    allowed: [customerRow],
    refused: customerBecomes("key_state = NULL"),
  },
  {
    guard: "mem0_account_forgets_what_is_detached",
    what: "a customer's key that is DETACHED and kept",
    allowed: [customerRow, customerBecomes("key_state = 'DETACHED', sealed_key = NULL, detached_at = now()")],
    refused: customerBecomes(`sealed_key = ${sealed}`),
  },
  {
    guard: "mem0_account_refuted_says_why",
    what: "a customer's key that is REFUTED without a reason",
    allowed: [customerRow, customerBecomes("key_state = 'REFUTED', refuted_because = 'any'")],
    refused: customerBecomes("refuted_because = NULL"),
  },
  {
    guard: "mem0_account_once",
    what: "a customer's organization and project that are linked twice",
    allowed: [customerRow, customerBecomes(unlinked), customerRow.replace("acc_2", "acc_3")],
    refused: customerRow.replace("acc_2", "acc_4"),
  },
  {
    guard: "mem0_account_guard",
    what: "a customer's account that becomes that of another project",
    allowed: [customerRow, customerBecomes("label = 'another'")],
    refused: customerBecomes("project_id = 'proj_8'"),
  },
  {
    guard: "mem0_account_guard",
    what: "a customer's account that comes back after it was unlinked",
    allowed: [customerRow, customerBecomes(unlinked)],
    refused: customerBecomes(`key_state = 'PROVED', sealed_key = ${sealed}, detached_at = NULL`),
  },
  {
    guard: "mem0_account_guard",
    what: "a customer's account that is unlinked under a tenant",
    allowed: [
      ...[customerRow, linkedRow("tnt_2")],
      customerBecomes("key_state = 'REFUTED', refuted_because = 'any'"),
    ],
    refused: customerBecomes(unlinked),
  },
  {
    guard: "tenant_account_is_linked",
    what: "a tenant on the platform's own account",
    allowed: [customerRow, linkedRow("tnt_2")],
    refused: linkedRow("tnt_3", "acc_1"),
  },
  {
    guard: "tenant_account_is_linked",
    what: "a tenant on an account that was unlinked",
    allowed: [customerRow, customerBecomes(unlinked)],
    refused: linkedRow("tnt_2"),
  },
  {
    guard: "tenant_account_open",
    what: "two living tenants on one customer's account",
    allowed: [customerRow, linkedRow("tnt_2"), failLinked, linkedRow("tnt_3")],
    refused: linkedRow("tnt_4"),
  },
  {
    guard: "tenant_guard",
    what: "a tenant that gets onto an account after it was signed up",
    allowed: [customerRow, linkedRow("tnt_2")],
    refused: "UPDATE tenant SET account_id = 'acc_2' WHERE id = 'tnt_1'",
  },
  {
    guard: "resource_upstream_once",
    what: "a customer's place that two tenants have, of whom none has released it",
    allowed: [
      ...[customerRow, linkedRow("tnt_2"), linkedPlace("res_2", "tnt_2"), failLinked],
      "UPDATE resource SET state = 'GONE', gone_at = now(), gone_by = 'RELEASED' WHERE id = 'res_2'",
      ...[linkedRow("tnt_3"), linkedPlace("res_3", "tnt_3")],
    ],
    refused: linkedPlace("res_4", "tnt_1").replace("'main'", "'other'"),
  },
  {
    guard: "resource_guard",
    what: "the release of a place that Loci made",
    allowed: [
      "UPDATE resource SET state = 'GONE', gone_at = now(), gone_by = 'NEVER_MADE' WHERE id = 'res_proj'",
    ],
    refused: "UPDATE resource SET state = 'GONE', gone_at = now(), gone_by = 'RELEASED' WHERE id = 'res_org'",
  },
  {
    guard: "attempt_leaves_linked_alone",
    what: "a DELETE of a customer's own place",
    allowed: [
      ...[customerRow, linkedRow("tnt_2"), linkedPlace("res_2", "tnt_2")],
      deletion("att_8", "res_org"),
    ],
    refused: deletion("att_9", "res_2"),
  },
  {
    guard: "project_key_forgets_what_is_detached",
    what: "a key that is DETACHED and kept",
    allowed: [keyRow("key_1"), keyBecomes(detached)],
    refused: keyBecomes(`sealed_key = ${sealed}`),
  },
  {
    guard: "project_key_forgets_what_is_detached",
    what: "a key that is PROVED and not there",
    allowed: [keyRow("key_1")],
    refused: keyBecomes("sealed_key = NULL"),
  },
  {
    guard: "project_key_refuted_says_why",
    what: "a key that is REFUTED without a reason",
    allowed: [keyRow("key_1"), keyBecomes("state = 'REFUTED', refuted_because = 'any'")],
    refused: keyBecomes("refuted_because = NULL"),
  },
  {
    guard: "project_key_refuted_says_why",
    what: "a key that is PROVED again and still said to be wrong",
    allowed: [keyRow("key_1"), keyBecomes("state = 'REFUTED', refuted_because = 'any'")],
    refused: keyBecomes("state = 'PROVED'"),
  },
  {
    guard: "project_key_forgotten_is_not_proved",
    what: "a proof of a key that was forgotten",
    allowed: [
      keyRow("key_1"),
      keyBecomes("proof_due_at = now()"),
      keyBecomes(`${detached}, proof_due_at = NULL`),
    ],
    refused: keyBecomes("proof_due_at = now()"),
  },
  {
    guard: "project_key_one_current",
    what: "two keys of a project of which neither retires",
    allowed: [keyRow("key_1"), keyRow("key_2", "tnt_1", "res_proj", "now()")],
    refused: keyRow("key_3"),
  },
  {
    guard: "project_key_guard",
    what: "a key of one tenant for the project of another",
    allowed: [tenantRow("tnt_2", "other", 1), keyRow("key_1")],
    refused: keyRow("key_2", "tnt_2", "res_proj", "now()"),
  },
  {
    guard: "project_key_guard",
    what: "a key for what is not a project",
    allowed: [keyRow("key_1")],
    refused: keyRow("key_2", "tnt_1", "res_org"),
  },
  {
    guard: "project_key_guard",
    what: "a key for a tenant who is closed",
    allowed: [keyRow("key_1"), failTenant],
    refused: keyRow("key_2"),
  },
  {
    guard: "project_key_guard",
    what: "a key that moves to another tenant",
    allowed: [activateTenant, tenantRow("tnt_2", "other", 1), keyRow("key_1")],
    refused: keyBecomes("tenant_id = 'tnt_2'"),
  },
  {
    guard: "project_key_guard",
    what: "a key that comes back after it was forgotten",
    allowed: [keyRow("key_1"), keyBecomes(detached)],
    refused: keyBecomes(`state = 'PROVED', sealed_key = ${sealed}, detached_at = NULL`),
  },
];
