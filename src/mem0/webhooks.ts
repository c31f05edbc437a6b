import { z } from "zod";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import { acknowledgement, optionalDate, optionalFlag, upstreamId, wireList } from "./wire-fields.ts";

/** The events that a webhook can subscribe to, in Mem0's words (Mem0 OpenAPI). */
export const webhookEventTypes = [
  "memory_add",
  "memory_update",
  "memory_delete",
  "memory_categorize",
  "ingest_job_completed",
  "ingest_job_partially_completed",
  "ingest_job_failed",
  "ingest_job_cancelled",
] as const;

/** One of the events that a webhook can subscribe to. */
export type WebhookEventType = (typeof webhookEventTypes)[number];

/** A webhook. Mem0 does not say its project's id; remember which project you asked. */
export interface Webhook {
  readonly webhookId: string;
  readonly name: string;
  readonly url: string;
  /** Any texts: an event that Mem0 adds one day must not make a list unreadable. */
  readonly eventTypes: readonly string[];
  readonly isActive: boolean | null;
  readonly createdAt: Date | null;
}

/** What a webhook is made of. */
export interface WebhookInput {
  readonly name: string;
  readonly url: string;
  /** At least one: leaving it out has no usable default (Mem0 OpenAPI). */
  readonly eventTypes: readonly WebhookEventType[];
}

const webhookAnswer: z.ZodType<Webhook> = z
  .object({
    webhook_id: upstreamId,
    name: z.string(),
    url: z.string(),
    event_types: z.array(z.string()),
    is_active: optionalFlag,
    created_at: optionalDate,
  })
  .transform((wire) => ({
    webhookId: wire.webhook_id,
    name: wire.name,
    url: wire.url,
    eventTypes: wire.event_types,
    isActive: wire.is_active,
    createdAt: wire.created_at,
  }));

/**
 * Creates a webhook in a project. A project has at most one for a URL, so a repeat is refused (Mem0 repository,
 * commit 227c02da9; how is not known). `POST /api/v1/webhooks/projects/{project_id}/`.
 *
 * @throws {Mem0Refused} 400 with fields, 403 without access to the project.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function createWebhook(
  mem0: Mem0,
  projectId: string,
  input: WebhookInput,
  options?: CallOptions,
): Promise<Webhook> {
  const body = { name: input.name, url: input.url, event_types: input.eventTypes };
  return mem0.send({ method: "POST", path: projectPath(projectId), body, answer: webhookAnswer, options });
}

/**
 * All webhooks of a project, not paged; there is no way to get one by its id, so look for it among these. What is deleted is gone from it at
 * once (Mem0 integration tests). `GET /api/v1/webhooks/projects/{project_id}/`.
 *
 * @throws {Mem0Refused} 403 without access to the project.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function listWebhooks(mem0: Mem0, projectId: string, options?: CallOptions): Promise<Webhook[]> {
  return mem0.send({ method: "GET", path: projectPath(projectId), answer: wireList(webhookAnswer), options });
}

/**
 * Changes what is given and leaves the rest; a repeat changes nothing. `PUT /api/v1/webhooks/{webhook_id}/`.
 *
 * @throws {TypeError} when there is nothing to change.
 * @throws {Mem0Refused} 400 with fields, 403, 404.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function updateWebhook(
  mem0: Mem0,
  webhookId: string,
  changes: Partial<WebhookInput>,
  options?: CallOptions,
): Promise<void> {
  const body = { name: changes.name, url: changes.url, event_types: changes.eventTypes };
  if (Object.values(body).every((value) => value === undefined)) {
    throw new TypeError("updateWebhook needs at least one change.");
  }
  return mem0.send({ method: "PUT", path: webhookPath(webhookId), body, answer: acknowledgement, options });
}

/**
 * Deletes a webhook. A repeat gets 404. `DELETE /api/v1/webhooks/{webhook_id}/`.
 *
 * @throws {Mem0Refused} 403, 404.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function deleteWebhook(mem0: Mem0, webhookId: string, options?: CallOptions): Promise<void> {
  return mem0.send({ method: "DELETE", path: webhookPath(webhookId), answer: acknowledgement, options });
}

function projectPath(projectId: string) {
  return mem0Path("/api/v1/webhooks/projects/{project_id}/", { project_id: projectId });
}

function webhookPath(webhookId: string) {
  return mem0Path("/api/v1/webhooks/{webhook_id}/", { webhook_id: webhookId });
}
