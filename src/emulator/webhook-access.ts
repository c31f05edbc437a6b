import { isShown, roleInProject } from "./access.ts";
import type { Call } from "./call.ts";
import { type Refusal, refusalError } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { type ProjectRow, projects, type WebhookRow, webhooks } from "./rows.ts";

const noSuchProject = "Project not found";
const noSuchWebhook = "Webhook not found";

/** The project whose webhooks are read. @throws {Refusal} 403 alike for no such project and no role in it (404 by switches). */
export function webhookProjectToRead(upstream: Upstream, call: Call): ProjectRow {
  const { switches } = upstream.state;
  const project = upstream.state.table(projects).getEvenDeleted(call.param("project_id"));
  if (project === undefined || !isShown(upstream, project)) {
    throw switches.webhooksOfUnknownProject === "404"
      ? refusalError(404, noSuchProject)
      : noAccessToProject();
  }
  if (roleInProject(upstream, project, call.caller) === null) {
    throw switches.webhookStrangerSees === "404" ? refusalError(404, noSuchProject) : noAccessToProject();
  }
  return project;
}

/** The project that gets a webhook. @throws {Refusal} 403 unless it lives and the caller is OWNER in it (404 by switches). */
export function webhookProjectToChange(upstream: Upstream, call: Call): ProjectRow {
  const project = webhookProjectToRead(upstream, call);
  if (project.deleted_ms !== null) throw noAccessToProject();
  if (roleInProject(upstream, project, call.caller) !== "OWNER") {
    const isHidden = upstream.state.switches.readerWrites === "404";
    throw isHidden ? refusalError(404, noSuchProject) : noAccessToProject();
  }
  return project;
}

/** The webhook of the path, to be read. @throws {Refusal} 404 when there is none; 403 (404 by a switch) without a role in its project. */
export function webhookToRead(upstream: Upstream, call: Call): WebhookRow {
  const webhook = upstream.state.table(webhooks).get(call.param("webhook_id"));
  if (webhook === undefined) throw refusalError(404, noSuchWebhook);
  const project = upstream.state.table(projects).getEvenDeleted(webhook.project_id);
  if (project === undefined || roleInProject(upstream, project, call.caller) === null) {
    const isHidden = upstream.state.switches.webhookStrangerSees === "404";
    throw isHidden ? refusalError(404, noSuchWebhook) : noAccessToWebhook();
  }
  return webhook;
}

/**
 * The webhook of the path, for a change.
 * @throws {Refusal} as for reading; 403 (404 by a switch) for a READER of its project. A webhook that outlived its
 *   project (a switch) keeps the project's members.
 */
export function webhookToChange(upstream: Upstream, call: Call): WebhookRow {
  const webhook = webhookToRead(upstream, call);
  const project = upstream.state.table(projects).getEvenDeleted(webhook.project_id);
  if (project === undefined || roleInProject(upstream, project, call.caller) !== "OWNER") {
    const isHidden = upstream.state.switches.readerWrites === "404";
    throw isHidden ? refusalError(404, noSuchWebhook) : noAccessToWebhook();
  }
  return webhook;
}

function noAccessToProject(): Refusal {
  return refusalError(403, "You don't have access to this project");
}

function noAccessToWebhook(): Refusal {
  return refusalError(403, "You don't have access to this webhook");
}
