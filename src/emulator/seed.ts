import { nowMs } from "./clock.ts";
import { defaultProject } from "./projects.ts";
import { randomId } from "./random-id.ts";
import { type KeyRow, keys, type OrganizationRow, organizations, users } from "./rows.ts";
import type { State } from "./state.ts";
import { defaultSwitches } from "./switches.ts";
import { type Put, put } from "./table.ts";
import { newUser } from "./users.ts";

/** What every emulator begins with: a person, his default organization with its default project, and a key. */
export interface Seed {
  readonly email: string;
  readonly orgId: string;
  readonly projectId: string;
  readonly apiKey: string;
}

/**
 * The seed of this state: what a journal brought, or else new. A given key joins what is there. When this returns,
 * the key exists. A person that the journal brought stays the first one, whatever e-mail is given now.
 */
export function plantSeed(
  { state }: { readonly state: State },
  given: { readonly apiKey?: string | undefined; readonly userEmail?: string | undefined },
): Seed {
  const first = state.table(keys).all()[0];
  if (first !== undefined) return rejoin(state, first, given.apiKey);
  const seed: Seed = {
    email: given.userEmail ?? "platform@loci.test",
    orgId: randomId("org_", 40),
    projectId: randomId("proj_", 40),
    apiKey: given.apiKey ?? randomId("m0-", 40),
  };
  state.commit(seedRows(seed));
  return seed;
}

/** The rows of a seed: the same ids and the same key every time, so that after a reset ping answers what it did before. */
export function seedRows({ email, orgId, projectId, apiKey }: Seed): readonly Put[] {
  const createdMs = nowMs();
  // Such a default organization is older than anything a list could be waiting for: inserted_ms 0.
  const times = { created_ms: createdMs, updated_ms: createdMs, inserted_ms: 0, deleted_ms: null };
  const organization: OrganizationRow = {
    org_id: orgId,
    name: "default-org",
    members: [{ email, role: "OWNER" }],
    invitations: [],
    ...times,
  };
  return [
    put(users, newUser({ email, username: undefined, defaultOrgId: orgId })),
    put(organizations, organization),
    defaultProject(defaultSwitches, organization, projectId),
    put(keys, { api_key: apiKey, email, org_id: orgId, project_id: projectId, ...times }),
  ];
}

function rejoin(state: State, first: KeyRow, apiKey: string | undefined): Seed {
  const { email, org_id: orgId, project_id: projectId } = first;
  if (apiKey !== undefined && state.table(keys).getEvenDeleted(apiKey) === undefined) {
    state.commit([put(keys, { ...first, api_key: apiKey, deleted_ms: null })]);
  }
  return { email, orgId, projectId, apiKey: apiKey ?? first.api_key };
}
