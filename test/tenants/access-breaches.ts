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

const customerBecomes = (set: string) => `UPDATE mem0_account SET ${set} WHERE id = 'acc_2'`;

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
