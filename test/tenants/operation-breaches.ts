import type { Breach } from "./breach.ts";

/** Inserts an attempt of the organization; `columns` are SQL expressions by column. */
export const attemptRow = (id: string, action: string, columns: Readonly<Record<string, string>> = {}) => {
  const row = {
    id: `'${id}'`,
    resource_id: "'res_org'",
    operation_id: "'op_1'",
    step: "'s'",
    action: `'${action}'`,
  };
  const all = { ...row, ...columns };
  return `INSERT INTO attempt (${Object.keys(all).join(", ")}) VALUES (${Object.values(all).join(", ")})`;
};
const operationRow = (id: string, key: string, kind = "CHECK_TWINS") =>
  `INSERT INTO operation (id, kind, tenant_id, actor, idempotency_key, input_hash, input)
   VALUES ('${id}', '${kind}', 'tnt_1', 'admin', '${key}', 'hash', '{}')`;
const endOperation = "UPDATE operation SET status = 'SUCCEEDED', finished_at = now() WHERE id = 'op_1'";
const operationBecomes = (set: string) => `UPDATE operation SET ${set} WHERE id = 'op_1'`;
const auditRow = (id: string, decision: string, refusal: string) =>
  `INSERT INTO audit_event (id, actor, action, decision, refusal, reason, details)
   VALUES ('${id}', 'admin', 'skipStep', ${decision}, ${refusal}, 'any', '{}')`;
const sealRow = (no: number, eventIds: string, digestBytes: number) =>
  `INSERT INTO audit_seal (no, sealed_at, newest_at, count, event_ids, digests, root, hash)
   VALUES (${no}, now(), now(), 2, ${eventIds}, decode(repeat('ab', ${digestBytes}), 'hex'),
     decode(repeat('ab', 32), 'hex'), decode(repeat('cd', 32), 'hex'))`;
const seen = { owner_seen_at: "now()" };
const lost = { outcome: "'UNKNOWN'", finished_at: "now()" };

/** How to break what guards attempts, operations and their steps. */
export const operationBreaches: readonly Breach[] = [
  {
    guard: "attempt_unresolved_once",
    what: "a second create while the first is under way",
    allowed: [attemptRow("att_2", "DELETE", seen)],
    refused: attemptRow("att_3", "CREATE"),
  },
  {
    guard: "attempt_unresolved_once",
    what: "a second create while the first is lost",
    allowed: ["UPDATE attempt SET outcome = 'UNKNOWN', finished_at = now() WHERE id = 'att_1'"],
    refused: attemptRow("att_2", "CREATE"),
  },
  {
    guard: "attempt_unresolved_once",
    what: "a second lost create, after the first was given up",
    allowed: [
      "UPDATE attempt SET outcome = 'ABANDONED', finished_at = now() WHERE id = 'att_1'",
      attemptRow("att_2", "CREATE", lost),
    ],
    refused: attemptRow("att_3", "CREATE", lost),
  },
  {
    guard: "attempt_unresolved_once",
    what: "a second delete of one twin",
    allowed: [
      attemptRow("att_2", "DELETE", { ...seen, twin_id: "'org_8'" }),
      attemptRow("att_3", "DELETE", { ...seen, twin_id: "'org_9'" }),
      attemptRow("att_4", "DELETE", seen),
    ],
    refused: attemptRow("att_5", "DELETE", { ...seen, twin_id: "'org_9'" }),
  },
  {
    guard: "attempt_outcome_has_a_time",
    what: "an outcome without a time",
    allowed: [],
    refused: "UPDATE attempt SET outcome = 'DONE' WHERE id = 'att_1'",
  },
  {
    guard: "attempt_outcome_has_a_time",
    what: "a time without an outcome",
    allowed: [],
    refused: "UPDATE attempt SET finished_at = now() WHERE id = 'att_1'",
  },
  {
    guard: "attempt_delete_saw_owner",
    what: "a delete before we were seen to be OWNER",
    allowed: [attemptRow("att_2", "DELETE", seen)],
    refused: attemptRow("att_3", "DELETE", { twin_id: "'org_9'" }),
  },
  ...(["QUEUED", "RUNNING", "PARKED", "UNWINDING", "NEEDS_ATTENTION"] as const).map((status) => ({
    guard: "operation_open_once",
    what: `a second operation while one is ${status}`,
    allowed: [
      operationBecomes(
        `status = '${status}', reason = 'any', unwinding = true, resume_at = ${status === "PARKED" ? "now()" : "NULL"}`,
      ),
    ],
    refused: operationRow("op_2", "key-2"),
  })),
  {
    guard: "operation_open_once",
    what: "a third operation while the second goes on",
    allowed: [endOperation, operationRow("op_2", "key-2")],
    refused: operationRow("op_3", "key-3"),
  },
  {
    guard: "operation_actor_kind_idempotency_key_key",
    what: "an idempotency key used twice by one caller for one kind of operation",
    allowed: [endOperation],
    refused: operationRow("op_2", "key-1", "SIGN_UP"),
  },
  {
    guard: "operation_run_positive",
    what: "run 0",
    allowed: [operationBecomes("run = 1")],
    refused: operationBecomes("run = 0"),
  },
  {
    guard: "operation_parked_until",
    what: "a PARKED operation that never goes on",
    allowed: [operationBecomes("status = 'PARKED', reason = 'any', resume_at = now()")],
    refused: operationBecomes("resume_at = NULL"),
  },
  {
    guard: "operation_parked_until",
    what: "a time to go on for an operation that is not PARKED",
    allowed: [],
    refused: operationBecomes("resume_at = now()"),
  },
  ...(["NEEDS_ATTENTION", "PARKED", "UNWOUND"] as const).map((status) => ({
    guard: "operation_attention_says_why",
    what: `an operation that is ${status} without saying why`,
    allowed: [],
    refused: operationBecomes(
      `status = '${status}', resume_at = ${status === "PARKED" ? "now()" : "NULL"},
       finished_at = ${status === "UNWOUND" ? "now()" : "NULL"}`,
    ),
  })),
  {
    guard: "operation_finished_at_says_ended",
    what: "an operation that ended without the time",
    allowed: [],
    refused: operationBecomes("status = 'SUCCEEDED'"),
  },
  {
    guard: "operation_finished_at_says_ended",
    what: "a time of ending on an open operation",
    allowed: [],
    refused: operationBecomes("finished_at = now()"),
  },
  {
    guard: "operation_unwinding_goes_back",
    what: "an UNWINDING operation that goes forward",
    allowed: [operationBecomes("status = 'UNWINDING', unwinding = true")],
    refused: operationBecomes("unwinding = false"),
  },
  {
    guard: "operation_step_operation_id_name_key",
    what: "a step of one name twice in an operation",
    allowed: [
      "INSERT INTO operation_step (operation_id, position, name) VALUES ('op_1', 1, 'createProject')",
    ],
    refused: "INSERT INTO operation_step (operation_id, position, name) VALUES ('op_1', 2, 'createProject')",
  },
  {
    guard: "operation_finished_at_says_ended",
    what: "a CANCELLED operation without the time",
    allowed: [operationBecomes("status = 'CANCELLED', finished_at = now()")],
    refused: operationBecomes("finished_at = NULL"),
  },
  {
    guard: "operation_cancel_says_why",
    what: "a cancellation without a reason",
    allowed: [operationBecomes("cancel_requested_at = now(), cancel_reason = 'any'")],
    refused: operationBecomes("cancel_reason = NULL"),
  },
  {
    guard: "operation_step_skipped_says_why",
    what: "a step that was skipped without evidence",
    allowed: ["UPDATE operation_step SET status = 'SKIPPED', evidence = 'any'"],
    refused: "UPDATE operation_step SET evidence = NULL",
  },
  {
    guard: "audit_event_refused_says_why",
    what: "a refusal in the audit without its code",
    allowed: [auditRow("aud_1", "'ALLOWED'", "NULL"), auditRow("aud_2", "'REFUSED'", "'ANY'")],
    refused: auditRow("aud_3", "'REFUSED'", "NULL"),
  },
  {
    guard: "audit_event_stays",
    what: "a changed audit event",
    allowed: [auditRow("aud_1", "'ALLOWED'", "NULL")],
    refused: "UPDATE audit_event SET reason = 'another'",
  },
  ...["DELETE FROM audit_event", "TRUNCATE audit_event"].map((refused) => ({
    guard: "audit_event_stays",
    what: `a removed audit event (${refused})`,
    allowed: [auditRow("aud_1", "'ALLOWED'", "NULL")],
    refused,
  })),
  {
    guard: "audit_event_refused_was_not_done",
    what: "a refusal in the audit that was done all the same",
    allowed: [
      auditRow("aud_1", "'REFUSED'", "'ANY'"),
      "INSERT INTO audit_event (id, actor, action, decision, refusal, reason, details, outcome) VALUES ('aud_2', 'admin', 'a', 'REFUSED', 'ANY', '', '{}', 'NOT_DONE')",
    ],
    refused:
      "INSERT INTO audit_event (id, actor, action, decision, refusal, reason, details, outcome) VALUES ('aud_3', 'admin', 'a', 'REFUSED', 'ANY', '', '{}', 'DONE')",
  },
  {
    guard: "audit_seal_is_whole",
    what: "a seal of two events that says what one of them was",
    allowed: [sealRow(1, "ARRAY['aud_1', 'aud_2']", 64)],
    refused: sealRow(2, "ARRAY['aud_1', 'aud_2']", 32),
  },
  {
    guard: "audit_seal_is_whole",
    what: "a seal that says less events than it counts and was not pruned",
    allowed: [sealRow(1, "ARRAY['aud_1', 'aud_2']", 64)],
    refused: sealRow(2, "ARRAY['aud_1']", 32),
  },
  ...[
    "UPDATE audit_seal SET sealed_at = now()",
    "UPDATE audit_seal SET pruned_at = now(), event_ids = '{}', digests = ''",
    "DELETE FROM audit_seal",
    "TRUNCATE audit_seal",
  ].map((refused) => ({
    guard: "audit_seal_stays",
    what: `a changed seal (${refused})`,
    allowed: [sealRow(1, "ARRAY['aud_1', 'aud_2']", 64)],
    refused,
  })),
  {
    guard: "audit_seal_stays",
    what: "a seal that retention gives another hash",
    allowed: [
      sealRow(1, "ARRAY['aud_1', 'aud_2']", 64),
      sealRow(2, "ARRAY['aud_3', 'aud_4']", 64),
      "SELECT set_config('loci.audit_retention', 'on', true)",
      "UPDATE audit_seal SET pruned_at = now(), event_ids = '{}', digests = '' WHERE no = 1",
    ],
    refused:
      "UPDATE audit_seal SET pruned_at = now(), event_ids = '{}', digests = '', hash = root WHERE no = 2",
  },
  {
    guard: "executor_lock_key_key",
    what: "two executors of one lock",
    allowed: ["INSERT INTO executor (id, lock_key, process) VALUES ('exe_1', 1001, 'any')"],
    refused: "INSERT INTO executor (id, lock_key, process) VALUES ('exe_2', 1001, 'any')",
  },
  {
    guard: "executor_handed_over_was_condemned",
    what: "a hand-over of an executor that lives",
    allowed: ["INSERT INTO executor (id, process, condemned_at) VALUES ('exe_1', 'any', now())"],
    refused: "INSERT INTO executor (id, process, handed_over_at) VALUES ('exe_2', 'any', now())",
  },
];
