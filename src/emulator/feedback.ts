import { randomUUID } from "node:crypto";
import { type Answer, html, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { isUuid } from "./memory-id.ts";
import { readableMemory } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { projectOfCall } from "./memory-scope.ts";
import { Refusal, refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { projects } from "./rows.ts";
import { put, type Row, type TableDefinition } from "./table.ts";

/** What can be said of a memory (Mem0 OpenAPI). */
const verdicts = ["POSITIVE", "NEGATIVE", "VERY_NEGATIVE"] as const;

/** A word on a memory: one each (inferred, a switch). Removing is soft; what is said after it has a new id (inferred). */
export interface FeedbackRow extends Row {
  readonly feedback_id: string;
  readonly memory_id: string;
  readonly project_id: string;
  readonly feedback: (typeof verdicts)[number];
  readonly feedback_reason: string | null;
}

/** Feedback, by its own id, below its project. */
export const feedback: TableDefinition<FeedbackRow> = {
  name: "feedback",
  idOf: (row) => row.feedback_id,
  parent: { table: projects.name, idOf: (row) => row.project_id },
};

/** `POST /v1/feedback/`: says something of a memory, says it anew, or takes it back. */
export const feedbackResource: Resource = {
  routes: [{ method: "POST", path: "/v1/feedback/", handle: giveFeedback }],
  tables: [feedback],
};

function giveFeedback(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const fields = new BodyFields(body);
  const memoryId = fields.raw("memory_id");
  if (typeof memoryId !== "string" || !isUuid(memoryId)) throw refusalError(400, "Invalid memory_id");
  const verdict = isAbsent(fields, "feedback") ? null : fields.choice("feedback", verdicts);
  const reason = readReason(fields);
  fields.refuseInvalid();
  const memory = readableMemory(upstream, projectId, memoryId);
  if (memory === undefined) throw unknownMemory(upstream);
  const last = lastGiven(upstream, memory);
  const isAgain = verdict === null || upstream.state.switches.feedbackPerMemory === "one";
  const given = isAgain ? last : undefined;
  const id = given?.feedback_id ?? randomUUID();
  const saidMs = nowMs();
  if (verdict !== null) {
    const first = { created_ms: saidMs, inserted_ms: saidMs, deleted_ms: null };
    const said = { feedback_id: id, memory_id: memory.memory_id, project_id: projectId };
    const row = {
      ...first,
      ...given,
      ...said,
      feedback: verdict,
      feedback_reason: reason,
      updated_ms: saidMs,
    };
    upstream.state.commit([put(feedback, row)]);
    return json(200, { id, feedback: verdict, feedback_reason: reason });
  }
  if (given !== undefined) upstream.state.commit([put(feedback, { ...given, deleted_ms: saidMs })]);
  return json(200, { id, feedback: null, feedback_reason: null });
}

function lastGiven({ state }: Upstream, memory: MemoryRow): FeedbackRow | undefined {
  return state
    .table(feedback)
    .childrenOf(memory.project_id)
    .findLast((row) => row.memory_id === memory.memory_id && row.deleted_ms === null);
}

function readReason(fields: BodyFields): string | null {
  if (isAbsent(fields, "feedback_reason")) return null;
  const reason = fields.raw("feedback_reason");
  return typeof reason === "string" ? reason : fields.fault("feedback_reason", "Not a valid string.");
}

/** Absent and null say the same: nothing, or that what was said is taken back. */
function isAbsent(fields: BodyFields, name: string): boolean {
  return (fields.raw(name) ?? null) === null;
}

/** 404 by Mem0 maintainers' notes, 500 by its docs (a known bug): a switch. The 404's text is that of memories. */
function unknownMemory({ state }: Upstream): Refusal {
  return state.switches.feedbackUnknownMemory === "500"
    ? new Refusal(html(500, "Server Error (500)"))
    : refusalError(404, "Memory not found!");
}
