import type { Row, TableDefinition } from "./table.ts";

/** The only two roles there are (Mem0 docs api-reference/organization/add-org-member). */
export const roles = ["READER", "OWNER"] as const;

/** READER views and searches; OWNER changes settings and members, and deletes. */
export type Role = (typeof roles)[number];

/** A person in an organization or project. The e-mail is written as the person registered it. */
export interface Member {
  readonly email: string;
  readonly role: Role;
}

/** A registered person: only such can become a member. */
export interface UserRow extends Row {
  readonly user_id: string;
  readonly email: string;
  readonly username: string;
  /** The organization shown with `is_default: true` to this person; null for people made by the control plane. */
  readonly default_org_id: string | null;
}

/** An API key: bound for life to one person, organization and project (Mem0 docs organizations-projects). */
export interface KeyRow extends Row {
  readonly api_key: string;
  readonly email: string;
  readonly org_id: string;
  readonly project_id: string;
}

/** An organization with its members. Invitations are used only under the switch `unknownOrganizationMember=invite`. */
export interface OrganizationRow extends Row {
  readonly org_id: string;
  readonly name: string;
  readonly members: readonly Member[];
  readonly invitations: readonly Member[];
}

/** What PATCH can change of a project besides its name, and what is only ever read. */
export interface ProjectSettings {
  readonly description: string | null;
  readonly usecase: string | null;
  readonly memory_depth: string | null;
  readonly inclusion_prompt: string | null;
  readonly exclusion_prompt: string | null;
  readonly custom_categories: readonly unknown[] | null;
  readonly custom_instructions: string | null;
  readonly agent_custom_instructions: string | null;
  readonly update_custom_instructions: string | null;
  readonly summary_custom_instructions: string | null;
  readonly summary_batch_size: number;
  readonly summary_max_tokens: number | null;
  readonly expiration_date: string | null;
  readonly enable_graph: boolean;
  readonly multilingual: boolean;
  readonly version: string;
  readonly active_prompt_profile: string | null;
  readonly decay: boolean;
}

/** A project with its members and settings. */
export interface ProjectRow extends Row, ProjectSettings {
  readonly project_id: string;
  readonly org_id: string;
  readonly name: string;
  readonly members: readonly Member[];
  readonly is_default: boolean;
}

/** A webhook. `owner` is a username, set by the server. */
export interface WebhookRow extends Row {
  readonly webhook_id: string;
  readonly project_id: string;
  readonly name: string;
  readonly url: string;
  readonly owner: string;
  readonly event_types: readonly string[];
  readonly is_active: boolean;
}

/** People, by e-mail in lower case: two spellings of one address are one person (inferred). */
export const users: TableDefinition<UserRow> = {
  name: "users",
  idOf: (row) => row.email.toLowerCase(),
};

/** API keys, by the key itself. */
export const keys: TableDefinition<KeyRow> = {
  name: "keys",
  idOf: (row) => row.api_key,
};

/** Organizations, by `org_id`. */
export const organizations: TableDefinition<OrganizationRow> = {
  name: "organizations",
  idOf: (row) => row.org_id,
};

/** Projects, by `project_id`, below their organization. */
export const projects: TableDefinition<ProjectRow> = {
  name: "projects",
  idOf: (row) => row.project_id,
  parent: { table: organizations.name, idOf: (row) => row.org_id },
};

/** Webhooks, by `webhook_id`, below their project. */
export const webhooks: TableDefinition<WebhookRow> = {
  name: "webhooks",
  idOf: (row) => row.webhook_id,
  parent: { table: projects.name, idOf: (row) => row.project_id },
};
