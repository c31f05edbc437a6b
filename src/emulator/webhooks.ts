import { randomInt } from "node:crypto";
import { isShown } from "./access.ts";
import { answerAdminList } from "./admin-list.ts";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { deletionOf } from "./cascade.ts";
import { formatDate, nowMs } from "./clock.ts";
import { readName } from "./names.ts";
import { randomId } from "./random-id.ts";
import { refusalFields } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { projects, type WebhookRow, webhooks } from "./rows.ts";
import { put } from "./table.ts";
import {
  webhookProjectToChange,
  webhookProjectToRead,
  webhookToChange,
  webhookToRead,
} from "./webhook-access.ts";
import { deliveries } from "./webhook-deliveries.ts";

const collection = "/api/v1/webhooks/projects/{project_id}/";
const single = "/api/v1/webhooks/{webhook_id}/";

/** What a webhook can listen to (Mem0 OpenAPI). */
const eventTypes = [
  "memory_add",
  "memory_update",
  "memory_delete",
  "memory_categorize",
  "ingest_job_completed",
  "ingest_job_partially_completed",
  "ingest_job_failed",
  "ingest_job_cancelled",
];

/** Webhooks: list, create, PUT (partial), delete; `webhook-courier.ts` delivers to them. One by id cannot be read: GET there is a 405 (inferred; a switch). */
export const webhookResource: Resource = {
  routes: [
    { method: "GET", path: collection, handle: listWebhooks },
    { method: "POST", path: collection, handle: createWebhook },
    {
      method: "GET",
      path: single,
      isThereUnder: (switches) => switches.webhookReadById,
      handle: getWebhook,
    },
    { method: "PUT", path: single, handle: updateWebhook },
    { method: "DELETE", path: single, handle: deleteWebhook },
  ],
  tables: [webhooks, deliveries],
};

function listWebhooks(upstream: Upstream, call: Call): Answer {
  const project = webhookProjectToRead(upstream, call);
  const { webhookListLagMs } = upstream.state.switches;
  const shown = upstream.state
    .table(webhooks)
    .childrenOf(project.project_id)
    .filter((webhook) => isShown(upstream, webhook) && nowMs() - webhook.inserted_ms >= webhookListLagMs);
  return answerAdminList(upstream, call, shown, (webhook) => webhookObject(upstream, webhook));
}

function getWebhook(upstream: Upstream, call: Call): Answer {
  return json(200, webhookObject(upstream, webhookToRead(upstream, call)));
}

function createWebhook(upstream: Upstream, call: Call): Answer {
  const { switches } = upstream.state;
  const project = webhookProjectToChange(upstream, call);
  const fields = new BodyFields(call.body());
  const { name, url, event_types } = readWebhook(upstream, fields, true);
  const isActive = fields.flag("is_active");
  if (name === null || url === null || event_types === null || !fields.areValid) {
    throw refusalFields(fields.errors);
  }
  refuseTakenUrl(upstream, project.project_id, url, null);
  const insertedMs = nowMs();
  const createdMs = insertedMs + switches.createdAtSkewMs;
  const webhook: WebhookRow = {
    webhook_id: switches.webhookIds === "text" ? randomId("wh_", 24) : String(randomInt(1, 2 ** 31)),
    project_id: project.project_id,
    name,
    url,
    owner: call.caller.user.username,
    event_types,
    is_active: isActive ?? true,
    created_ms: createdMs,
    updated_ms: createdMs,
    inserted_ms: insertedMs,
    deleted_ms: null,
  };
  upstream.state.commit([put(webhooks, webhook)]);
  return json(201, webhookObject(upstream, webhook));
}

/** Changes what is given of name, url and event types; all else is ignored, `is_active` too (npm client drops it; a switch). */
function updateWebhook(upstream: Upstream, call: Call): Answer {
  const webhook = webhookToChange(upstream, call);
  const fields = new BodyFields(call.body());
  const { name, url, event_types } = readWebhook(upstream, fields, false);
  const isActive = upstream.state.switches.webhookPutPauses ? fields.flag("is_active") : null;
  fields.refuseInvalid();
  if (url !== null) refuseTakenUrl(upstream, webhook.project_id, url, webhook);
  const updated: WebhookRow = {
    ...webhook,
    name: name ?? webhook.name,
    url: url ?? webhook.url,
    event_types: event_types ?? webhook.event_types,
    is_active: isActive ?? webhook.is_active,
    updated_ms: nowMs(),
  };
  upstream.state.commit([put(webhooks, updated)]);
  return json(200, { message: "Webhook updated successfully" });
}

function deleteWebhook(upstream: Upstream, call: Call): Answer {
  const webhook = webhookToChange(upstream, call);
  upstream.state.commit(deletionOf(upstream, webhooks, webhook));
  return json(200, { message: "Webhook deleted successfully" });
}

function readWebhook(upstream: Upstream, fields: BodyFields, isRequired: boolean) {
  const { switches } = upstream.state;
  const name = readName(upstream, fields, isRequired);
  const url = readUrl(upstream, fields, isRequired);
  const chosen = fields.choices("event_types", eventTypes, isRequired);
  if (chosen?.length === 0 && !switches.webhookMayListenToNothing) {
    fields.fault("event_types", "This list may not be empty.");
  }
  return { name, url, event_types: chosen };
}

/** An http(s) URL, kept as it was sent (inferred; a switch). */
function readUrl({ state: { switches } }: Upstream, fields: BodyFields, isRequired: boolean): string | null {
  const url = fields.text("url", { isRequired, lengthMax: switches.webhookUrlLengthMax });
  if (url === null) return null;
  const scheme = switches.webhookUrlMustBeHttps ? /^https:\/\//i : /^https?:\/\//i;
  if (!scheme.test(url) || /\s/.test(url) || !URL.canParse(url))
    return fields.fault("url", "Enter a valid URL.");
  return switches.webhookUrlKept === "as-sent" ? url : new URL(url).href;
}

/** (project, url) is unique (a Mem0 commit says so); the text is the framework's own (inferred). */
function refuseTakenUrl(
  { state }: Upstream,
  projectId: string,
  url: string,
  except: WebhookRow | null,
): void {
  if (!state.switches.webhookUrlUnique) return;
  const isTaken = state
    .table(webhooks)
    .childrenOf(projectId)
    .some((other) => other.deleted_ms === null && other.url === url && other !== except);
  if (!isTaken) return;
  throw refusalFields({ non_field_errors: ["The fields project, url must make a unique set."] });
}

/** The object as the API shows it: `project` is the project's name, `owner` a username (Mem0 docs). */
function webhookObject({ state }: Upstream, webhook: WebhookRow): object {
  const { webhook_id: id } = webhook;
  return {
    webhook_id: /^\d+$/.test(id) ? Number(id) : id,
    name: webhook.name,
    url: webhook.url,
    event_types: webhook.event_types,
    owner: webhook.owner,
    is_active: webhook.is_active,
    project: state.table(projects).getEvenDeleted(webhook.project_id)?.name,
    created_at: formatDate(webhook.created_ms, state.switches.dates),
    updated_at: formatDate(webhook.updated_ms, state.switches.dates),
  };
}
