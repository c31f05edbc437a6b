import { z } from "zod";
import { embeddedMembers, type Member } from "./members.ts";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import {
  acknowledgement,
  optionalDate,
  optionalFlag,
  optionalText,
  requiredDate,
  upstreamId,
  wireList,
} from "./wire-fields.ts";

/** A category of memories: `{name: description}`, or a bare name, which Mem0 takes too and reads back as given. */
export type CustomCategory = Record<string, string> | string;

/** A project as Mem0 shows it. It does not say which organization it is in. */
export interface Project {
  readonly projectId: string;
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date | null;
  readonly members: readonly Member[];
  readonly customInstructions: string | null;
  /** Readable by the docs, absent from the OpenAPI document. */
  readonly agentCustomInstructions: string | null;
  /** Null when never set, empty when reset. */
  readonly customCategories: readonly CustomCategory[] | null;
  readonly multilingual: boolean | null;
  readonly decay: boolean | null;
  readonly isDefault: boolean | null;
  /** The role of the key's account in it. */
  readonly userRole: string | null;
}

/** What to change of a project; what is left out stays. */
export interface ProjectSettings {
  readonly name?: string;
  readonly description?: string;
  /** `""` clears. A string, though the OpenAPI document says array (Mem0 clients and integration tests). */
  readonly customInstructions?: string;
  /** `""` clears. */
  readonly agentCustomInstructions?: string;
  /** `[]` resets. */
  readonly customCategories?: readonly CustomCategory[];
  readonly multilingual?: boolean;
  readonly decay?: boolean;
}

const projectAnswer: z.ZodType<Project> = z
  .object({
    project_id: upstreamId,
    name: z.string(),
    description: optionalText,
    created_at: requiredDate,
    updated_at: optionalDate,
    members: embeddedMembers,
    custom_instructions: optionalText,
    agent_custom_instructions: optionalText,
    custom_categories: z.array(z.union([z.record(z.string(), z.string()), z.string()])).nullish(),
    multilingual: optionalFlag,
    decay: optionalFlag,
    is_default: optionalFlag,
    user_role: optionalText,
  })
  .transform((wire) => ({
    projectId: wire.project_id,
    name: wire.name,
    description: wire.description,
    createdAt: wire.created_at,
    updatedAt: wire.updated_at,
    members: wire.members,
    customInstructions: wire.custom_instructions,
    agentCustomInstructions: wire.agent_custom_instructions,
    customCategories: wire.custom_categories ?? null,
    multilingual: wire.multilingual,
    decay: wire.decay,
    isDefault: wire.is_default,
    userRole: wire.user_role,
  }));

const createdAnswer = z
  .object({ project_id: upstreamId })
  .transform((wire) => ({ projectId: wire.project_id }));

/**
 * Creates a project in an organization. Neither idempotent nor unique by name: look before repeating one that may
 * have happened. No API key comes with it. The description is documented by Mem0's Python client only.
 * `POST /api/v1/orgs/organizations/{org_id}/projects/`.
 *
 * @throws {Mem0Refused} 400, 403 without the right to.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function createProject(
  mem0: Mem0,
  orgId: string,
  input: { readonly name: string; readonly description?: string },
  options?: CallOptions,
): Promise<{ readonly projectId: string }> {
  // JSON leaves out what is undefined.
  const body = { name: input.name, description: input.description };
  return mem0.send({ method: "POST", path: projectsPath(orgId), body, answer: createdAnswer, options });
}

/**
 * All projects of an organization, whole and not paged. `GET /api/v1/orgs/organizations/{org_id}/projects/`.
 *
 * @throws {Mem0Refused} 404 when there is no such organization for the key's account.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function listProjects(mem0: Mem0, orgId: string, options?: CallOptions): Promise<Project[]> {
  return mem0.send({ method: "GET", path: projectsPath(orgId), answer: wireList(projectAnswer), options });
}

/**
 * One project. `GET /api/v1/orgs/organizations/{org_id}/projects/{project_id}/`.
 *
 * @throws {Mem0Refused} 404 when there is none for the key's account: no proof that it is gone.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function getProject(
  mem0: Mem0,
  orgId: string,
  projectId: string,
  options?: CallOptions,
): Promise<Project> {
  return mem0.send({ method: "GET", path: projectPath(orgId, projectId), answer: projectAnswer, options });
}

/**
 * Changes settings; values are absolute, so a repeat changes nothing, but the last of several writers wins: there is
 * no version to check against. `PATCH /api/v1/orgs/organizations/{org_id}/projects/{project_id}/`.
 *
 * @throws {TypeError} when there is nothing to change: what Mem0 does then is unknown, and its own clients refuse it.
 * @throws {Mem0Refused} 404.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function updateProject(
  mem0: Mem0,
  orgId: string,
  projectId: string,
  settings: ProjectSettings,
  options?: CallOptions,
): Promise<void> {
  const body = {
    name: settings.name,
    description: settings.description,
    custom_instructions: settings.customInstructions,
    agent_custom_instructions: settings.agentCustomInstructions,
    custom_categories: settings.customCategories,
    multilingual: settings.multilingual,
    decay: settings.decay,
  };
  if (Object.values(body).every((value) => value === undefined)) {
    throw new TypeError("updateProject needs at least one setting.");
  }
  const path = projectPath(orgId, projectId);
  return mem0.send({ method: "PATCH", path, body, answer: acknowledgement, options });
}

/**
 * Deletes a project with its memories. A repeat gets 404.
 * `DELETE /api/v1/orgs/organizations/{org_id}/projects/{project_id}/`.
 *
 * @throws {Mem0Refused} 403 without the right to, 404 as for `getProject`.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function deleteProject(
  mem0: Mem0,
  orgId: string,
  projectId: string,
  options?: CallOptions,
): Promise<void> {
  return mem0.send({
    method: "DELETE",
    path: projectPath(orgId, projectId),
    answer: acknowledgement,
    options,
  });
}

function projectsPath(orgId: string) {
  return mem0Path("/api/v1/orgs/organizations/{org_id}/projects/", { org_id: orgId });
}

function projectPath(orgId: string, projectId: string) {
  const template = "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/";
  return mem0Path(template, { org_id: orgId, project_id: projectId });
}
