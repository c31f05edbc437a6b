import { isListed, organizationToChange, organizationToRead, roleInOrganization } from "./access.ts";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call, Caller } from "./call.ts";
import { deletionOf } from "./cascade.ts";
import { formatDate, nowMs } from "./clock.ts";
import { embeddedMembers } from "./members.ts";
import { defaultProject } from "./projects.ts";
import { randomId } from "./random-id.ts";
import { refusalErrors } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import { type Member, type OrganizationRow, organizations } from "./rows.ts";
import { type Put, put } from "./table.ts";

const collection = "/api/v1/orgs/organizations/";
const single = "/api/v1/orgs/organizations/{org_id}/";

/** Organizations: create, list, get, delete. There is no rename (Mem0 OpenAPI has no PUT or PATCH). */
export const organizationResource: Resource = {
  routes: [
    { method: "POST", path: collection, handle: createOrganization },
    { method: "GET", path: collection, handle: listOrganizations },
    { method: "GET", path: single, handle: getOrganization },
    { method: "DELETE", path: single, handle: deleteOrganization },
  ],
  tables: [organizations],
};

/** The rows of a new organization, its `default-project` among them unless a switch says otherwise. */
export function newOrganization(
  { state }: Upstream,
  given: { readonly name: string; readonly members: readonly Member[]; readonly createdMs?: number },
): { readonly orgId: string; readonly puts: readonly Put[] } {
  const insertedMs = nowMs();
  const createdMs = given.createdMs ?? insertedMs;
  const organization: OrganizationRow = {
    org_id: randomId("org_", 40),
    name: given.name,
    members: given.members,
    invitations: [],
    created_ms: createdMs,
    updated_ms: createdMs,
    inserted_ms: insertedMs,
    deleted_ms: null,
  };
  const puts = [put(organizations, organization)];
  if (state.switches.newOrganizationHasDefaultProject) puts.push(defaultProject(organization));
  return { orgId: organization.org_id, puts };
}

function createOrganization(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const fields = new BodyFields(call.body());
  const name = fields.text("name", { isRequired: true, lengthMax: state.switches.nameLengthMax });
  if (name === null) throw refusalErrors(fields.errors);
  if (state.switches.equalNamesRefused && ownsNamed(upstream, call.caller, name)) {
    throw refusalErrors({ name: ["Organization with this name already exists."] });
  }
  const creator: Member = { email: call.caller.user.email, role: "OWNER" };
  const { orgId, puts } = newOrganization(upstream, { name, members: [creator] });
  state.commit(puts);
  return json(201, { message: "Organization created successfully.", org_id: orgId });
}

function listOrganizations(upstream: Upstream, { caller }: Call): Answer {
  const listed = upstream.state
    .table(organizations)
    .all()
    .filter(
      (organization) =>
        roleInOrganization(organization, caller) !== null &&
        isListed(upstream, organization) &&
        (!upstream.state.switches.listScopedToKey || organization.org_id === caller.orgId),
    );
  const shown = newestFirst(listed).map((organization) => organizationObject(upstream, organization, caller));
  return json(200, shown);
}

function getOrganization(upstream: Upstream, call: Call): Answer {
  return json(200, organizationObject(upstream, organizationToRead(upstream, call), call.caller));
}

function deleteOrganization(upstream: Upstream, call: Call): Answer {
  const organization = organizationToChange(upstream, call, "Unauthorized");
  upstream.state.commit(deletionOf(upstream, organizations, organization));
  return json(200, { message: "Organization deleted successfully!" });
}

function ownsNamed({ state }: Upstream, caller: Caller, name: string): boolean {
  return state
    .table(organizations)
    .all()
    .some(
      (organization) =>
        organization.deleted_ms === null &&
        organization.name === name &&
        roleInOrganization(organization, caller) === "OWNER",
    );
}

/** The object as the API shows it to this caller (Mem0 OpenAPI; the pricing plan's value is illustrative). */
function organizationObject(upstream: Upstream, organization: OrganizationRow, caller: Caller): object {
  const { state } = upstream;
  const role = roleInOrganization(organization, caller);
  return {
    org_id: organization.org_id,
    name: organization.name,
    created_at: formatDate(organization.created_ms, state.switches.dates),
    updated_at: formatDate(organization.updated_ms, state.switches.dates),
    members: embeddedMembers(upstream, organization.members),
    is_default: caller.user.default_org_id === organization.org_id,
    byok_enabled: false,
    invitations: organization.invitations,
    owner_pricing_plan: "HOBBY",
    is_owner: role === "OWNER",
    user_role: role,
  };
}
