import type { Metadata } from "./memory-rows.ts";
import type { Upstream } from "./resource.ts";
import { projects } from "./rows.ts";
import type { Row, TableDefinition } from "./table.ts";

/** How a project wants the profiles of its users. */
export interface ProfileSettingsRow extends Row {
  readonly project_id: string;
  readonly enabled: boolean;
  /** JSON schema of a profile; null for the emulator's own. */
  readonly schema: Metadata | null;
  /** Kept, without effect. */
  readonly custom_instructions: string | null;
}

/** One order to generate profiles. Its status follows from the clock. */
export interface ProfileJobRow extends Row {
  readonly job_id: string;
  readonly project_id: string;
  readonly operation: "trigger" | "sample";
  readonly entity_ids: readonly string[];
  /** The `Idempotency-Key` it came with. */
  readonly idempotency_key: string | null;
  /** The request it came with, in one way of writing. */
  readonly request: string;
  readonly done_ms: number;
  /** How its generations end. */
  readonly outcome: "succeeded" | "failed" | "skipped";
}

/** One profile that was generated, or failed to be. The newest of a user is his profile. */
export interface ProfileRow extends Row {
  readonly profile_id: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly outcome: "succeeded" | "failed" | "insufficient_data";
  /** Shown from `ready_ms` on. */
  readonly profile: Readonly<Record<string, unknown>>;
  readonly ready_ms: number;
}

const parent = {
  table: projects.name,
  idOf: (row: { readonly project_id: string }) => row.project_id,
};

/** Settings, one row a project. */
export const profileSettings: TableDefinition<ProfileSettingsRow> = {
  name: "profile_settings",
  idOf: (row) => row.project_id,
  parent,
};

/** Jobs, by `job_id`, below their project. */
export const profileJobs: TableDefinition<ProfileJobRow> = {
  name: "profile_jobs",
  idOf: (row) => row.job_id,
  parent,
};

/** Profiles, by their own id, below their project. */
export const profiles: TableDefinition<ProfileRow> = {
  name: "profiles",
  idOf: (row) => row.profile_id,
  parent,
};

/** What a project wants; until it says so, profiles are not enabled (inferred). */
export function settingsOfProject(
  { state }: Upstream,
  projectId: string,
): Pick<ProfileSettingsRow, "enabled" | "schema" | "custom_instructions"> {
  return (
    state.table(profileSettings).get(projectId) ?? { enabled: false, schema: null, custom_instructions: null }
  );
}
