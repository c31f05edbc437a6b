import { isShown, webhookProjectToChange, webhookProjectToRead, webhookToChange } from "./access.ts";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { deletionOf } from "./cascade.ts";
import { formatDate, nowMs } from "./clock.ts";
import { randomId } from "./random-id.ts";
import { refusalFields } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import { type ProjectRow, type WebhookRow, webhooks } from "./rows.ts";
import { put } from "./table.ts";
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

/** Webhooks: list, create, PUT (partial), delete; `webhook-courier.ts` delivers to them. One by id cannot be read: GET there is a 405 (inferred). */
export const webhookResource: Resource = {
  routes: [
    { method: "GET", path: collection, handle: listWebhooks },
    { method: "POST", path: collection, handle: createWebhook },
    { method: "PUT", path: single, handle: updateWebhook },
    { method: "DELETE", path: single, handle: deleteWebhook },
  ],
  tables: [webhooks, deliveries],
};

function listWebhooks(upstream: Upstream, call: Call): Answer {
  const project = webhookProjectToRead(upstream, call);
  const shown = upstream.state
    .table(webhooks)
    .childrenOf(project.project_id)
    .filter((webhook) => isShown(upstream, webhook));
  return json(
    200,
    newestFirst(shown).map((webhook) => webhookObject(upstream, webhook, project)),
  );
}

function createWebhook(upstream: Upstream, call: Call): Answer {
  const project = webhookProjectToChange(upstream, call);
  const fields = new BodyFields(call.body());
  const { name, url, event_types } = readWebhook(upstream, fields, true);
  const isActive = fields.flag("is_active");
  if (name === null || url === null || event_types === null || !fields.areValid) {
    throw refusalFields(fields.errors);
  }
  refuseTakenUrl(upstream, project.project_id, url, null);
  const createdMs = nowMs();
  const webhook: WebhookRow = {
    webhook_id: randomId("wh_", 24),
    project_id: project.project_id,
    name,
    url,
    owner: call.caller.user.username,
    event_types,
    is_active: isActive ?? true,
    created_ms: createdMs,
    updated_ms: createdMs,
    inserted_ms: createdMs,
    deleted_ms: null,
  };
  upstream.state.commit([put(webhooks, webhook)]);
  return json(201, webhookObject(upstream, webhook, project));
}

/** Changes what is given of name, url and event types; everything else, `is_active` too, is ignored (npm client drops it). */
function updateWebhook(upstream: Upstream, call: Call): Answer {
  const webhook = webhookToChange(upstream, call);
  const fields = new BodyFields(call.body());
  const { name, url, event_types } = readWebhook(upstream, fields, false);
  fields.refuseInvalid();
  if (url !== null) refuseTakenUrl(upstream, webhook.project_id, url, webhook);
  const updated: WebhookRow = {
    ...webhook,
    name: name ?? webhook.name,
    url: url ?? webhook.url,
    event_types: event_types ?? webhook.event_types,
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

function readWebhook({ state }: Upstream, fields: BodyFields, isRequired: boolean) {
  const name = fields.text("name", { isRequired, lengthMax: state.switches.nameLengthMax });
  const url = fields.text("url", { isRequired, lengthMax: state.switches.webhookUrlLengthMax });
  if (url !== null && !isHttpUrl(url)) fields.fault("url", "Enter a valid URL.");
  return { name, url, event_types: fields.choices("event_types", eventTypes, isRequired) };
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && !/\s/.test(text) && URL.canParse(text);
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
function webhookObject({ state }: Upstream, webhook: WebhookRow, project: ProjectRow): object {
  return {
    webhook_id: webhook.webhook_id,
    name: webhook.name,
    url: webhook.url,
    event_types: webhook.event_types,
    owner: webhook.owner,
    is_active: webhook.is_active,
    project: project.name,
    created_at: formatDate(webhook.created_ms, state.switches.dates),
    updated_at: formatDate(webhook.updated_ms, state.switches.dates),
  };
}
