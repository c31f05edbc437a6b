import {
  isFoundById,
  isListed,
  organizationToChange,
  organizationToRead,
  roleInOrganization,
} from "./access.ts";
import { answerAdminList } from "./admin-list.ts";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call, Caller } from "./call.ts";
import { deletionOf } from "./cascade.ts";
import { formatDate, nowMs } from "./clock.ts";
import { creatorOf, shownMembers } from "./members.ts";
import { readName } from "./names.ts";
import { newPlaceId } from "./place-id.ts";
import { defaultProject } from "./projects.ts";
import { refusalErrors, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { type Member, type OrganizationRow, organizations, projects } from "./rows.ts";
import { type Put, put } from "./table.ts";

const collection = "/api/v1/orgs/organizations/";
const single = "/api/v1/orgs/organizations/{org_id}/";

/** Organizations: create, list, get, delete. No rename (Mem0 OpenAPI has no PUT or PATCH) but under a switch. */
export const organizationResource: Resource = {
  routes: [
    { method: "POST", path: collection, handle: createOrganization },
    { method: "GET", path: collection, handle: listOrganizations },
    { method: "GET", path: single, handle: getOrganization },
    {
      method: "PATCH",
      path: single,
      isThereUnder: (switches) => switches.organizationsCanBeRenamed,
      handle: renameOrganization,
    },
    { method: "DELETE", path: single, handle: deleteOrganization },
  ],
  tables: [organizations],
};

/** The rows of a new organization, its `default-project` among them unless a switch says otherwise. */
export function newOrganization(
  upstream: Upstream,
  given: { readonly name: string; readonly members: readonly Member[]; readonly createdMs?: number },
): { readonly orgId: string; readonly puts: readonly Put[] } {
  const { switches } = upstream.state;
  const insertedMs = nowMs();
  const createdMs = given.createdMs ?? insertedMs + switches.createdAtSkewMs;
  const organization: OrganizationRow = {
    org_id: newPlaceId(upstream, "org_"),
    name: given.name,
    members: given.members,
    invitations: [],
    created_ms: createdMs,
    updated_ms: createdMs,
    inserted_ms: insertedMs,
    deleted_ms: null,
  };
  const puts = [put(organizations, organization)];
  if (switches.newOrganizationHasDefaultProject) puts.push(defaultProject(switches, organization));
  return { orgId: organization.org_id, puts };
}

function createOrganization(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const fields = new BodyFields(call.body());
  const name = readName(upstream, fields, true);
  if (name === null) throw refusalErrors(fields.errors);
  const owned = ownedBy(upstream, call.caller);
  if (state.switches.equalNamesRefused && owned.some((other) => other.name === name)) {
    throw refusalErrors({ name: ["Organization with this name already exists."] });
  }
  if (state.switches.organizationsMax > 0 && owned.length >= state.switches.organizationsMax) {
    throw refusalMessage(403, "You have reached the limit of organizations of your plan.");
  }
  const { orgId, puts } = newOrganization(upstream, { name, members: creatorOf(upstream, call.caller) });
  state.commit(puts);
  return json(201, { message: "Organization created successfully.", org_id: orgId });
}

function listOrganizations(upstream: Upstream, call: Call): Answer {
  const { caller } = call;
  const listed = upstream.state
    .table(organizations)
    .all()
    .filter(
      (organization) =>
        roleInOrganization(upstream, organization, caller) !== null &&
        isListed(upstream, organization) &&
        (!upstream.state.switches.listScopedToKey || organization.org_id === caller.orgId),
    );
  return answerAdminList(upstream, call, listed, (organization) =>
    organizationObject(upstream, organization, caller),
  );
}

function getOrganization(upstream: Upstream, call: Call): Answer {
  const organization = organizationToRead(upstream, call);
  if (!isFoundById(upstream, organization)) throw refusalMessage(404, "Organization not found");
  return json(200, organizationObject(upstream, organization, call.caller));
}

function renameOrganization(upstream: Upstream, call: Call): Answer {
  const organization = organizationToChange(upstream, call, "Unauthorized");
  const fields = new BodyFields(call.body());
  const name = readName(upstream, fields, true);
  if (name === null) throw refusalErrors(fields.errors);
  upstream.state.commit([put(organizations, { ...organization, name, updated_ms: nowMs() })]);
  return json(200, { message: "Organization updated successfully." });
}

function deleteOrganization(upstream: Upstream, call: Call): Answer {
  const organization = organizationToChange(upstream, call, "Unauthorized");
  refuseDeletion(upstream, organization, call.caller);
  upstream.state.commit(deletionOf(upstream, organizations, organization));
  return json(200, { message: "Organization deleted successfully!" });
}

/** Nothing is documented that keeps an organization from being deleted; two switches do. */
function refuseDeletion({ state }: Upstream, { org_id: orgId }: OrganizationRow, { user }: Caller): void {
  const { defaultsCanBeDeleted, fullOrganizationCanBeDeleted } = state.switches;
  if (!defaultsCanBeDeleted && user.default_org_id === orgId) {
    throw refusalMessage(400, "The default organization cannot be deleted.");
  }
  const isFull = (): boolean =>
    state
      .table(projects)
      .childrenOf(orgId)
      .some((project) => project.deleted_ms === null && !project.is_default);
  if (!fullOrganizationCanBeDeleted && isFull()) {
    throw refusalMessage(400, "The organization still has projects.");
  }
}

function ownedBy(upstream: Upstream, caller: Caller): readonly OrganizationRow[] {
  return upstream.state
    .table(organizations)
    .all()
    .filter(
      (organization) =>
        organization.deleted_ms === null && roleInOrganization(upstream, organization, caller) === "OWNER",
    );
}

/** The object as the API shows it to this caller (Mem0 OpenAPI; the pricing plan's value is illustrative). */
function organizationObject(upstream: Upstream, organization: OrganizationRow, caller: Caller): object {
  const { state } = upstream;
  const role = roleInOrganization(upstream, organization, caller);
  return {
    org_id: organization.org_id,
    name: organization.name,
    created_at: formatDate(organization.created_ms, state.switches.dates),
    updated_at: formatDate(organization.updated_ms, state.switches.dates),
    ...shownMembers(upstream, organization.members),
    is_default: caller.user.default_org_id === organization.org_id,
    byok_enabled: false,
    invitations: organization.invitations,
    owner_pricing_plan: "HOBBY",
    ...(state.switches.ownRoleShown ? { is_owner: role === "OWNER", user_role: role } : {}),
  };
}
