import { isDeepStrictEqual } from "node:util";
import type { Resource } from "../generated/prisma/client.ts";
import type { Member } from "../mem0/members.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { getOrganization, type Organization } from "../mem0/organizations.ts";
import { listProjects, type Project } from "../mem0/projects.ts";
import { listWebhooks, type Webhook } from "../mem0/webhooks.ts";
import { recordReadBack } from "../tenants/drift.ts";
import { proveList, recallListProofs } from "../tenants/installation.ts";
import { type JsonRow, recordOf } from "../tenants/json-row.ts";
import { bearsMarker, withMarker } from "../tenants/marker.ts";
import { memberSchema, settingsSchema } from "../tenants/place.ts";
import type { Home } from "./home.ts";
import { organizationsBearing } from "./one-list.ts";
import { isDefaultProject, organizationOf } from "./organization.ts";
import { projectOf } from "./project.ts";
import type { SagaContext } from "./saga.ts";
import { settingsOnUpstream } from "./settings-on-upstream.ts";
import { isOwnerOf } from "./trust.ts";
import { desiredWebhook } from "./webhooks.ts";

type Context = SagaContext<unknown>;

/**
 * Reads the whole place back and compares it with what was asked for. What differs becomes the tenant's drift; it
 * changes nothing upstream. On the way it records Mem0's `default-project`, and, until that is known, whether this
 * key's lists show what it created. All organizations are listed for that alone: look-alikes are told by the looks for
 * what was lost. Answers the number of differences; what was read and that the step is done, with the answer
 * `{ differences }`, are one record.
 * @throws {Mem0Error}
 */
export async function readPlaceBack(context: Context, { orgId, projectId }: Home): Promise<number> {
  const { mem0, prisma, account } = context.provisioning;
  const proofs = await recallListProofs(prisma, account.id);
  const [organization, projects, webhooks, listed] = await Promise.all([
    orAbsent(getOrganization(mem0, orgId)),
    orAbsent(listProjects(mem0, orgId)),
    context.resources("WEBHOOK").length === 0 ? [] : listWebhooks(mem0, projectId),
    proofs.organizations
      ? []
      : organizationsBearing(context.provisioning, organizationOf(context).marker ?? ""),
  ]);
  // A list is proved by the marker, for by the marker a look will search it.
  if (listed.some((found) => found.orgId === orgId && isMarked(found.name, organizationOf(context)))) {
    await proveList(prisma, account.id, "organizations");
  }
  const project = projects?.find((found) => found.projectId === projectId);
  const isProjectMarked = project !== undefined && isMarked(project.description, projectOf(context));
  if (isProjectMarked && !proofs.projects) await proveList(prisma, account.id, "projects");

  const present = await readPresent(context);
  const drift = [
    ...organizationDrift(context, organization, present),
    ...projectDrift(project, present),
    ...(project === undefined || isProjectMarked
      ? []
      : ["The project's description does not end in its marker."]),
    ...webhookDrift(webhooks, present),
  ];
  const defaultProject = projects?.find((found) => found.projectId !== projectId && isDefaultProject(found));
  const readBack = {
    operationId: context.operationId,
    tenantId: context.tenant.id,
    drift,
    defaultProject:
      defaultProject === undefined
        ? null
        : {
            upstreamId: defaultProject.projectId,
            name: defaultProject.name,
            parentId: organizationOf(context).id,
          },
  };
  const end = context.finish?.with({ differences: drift.length }) ?? null;
  const isWritten = await recordReadBack(prisma, readBack, end);
  if (end !== null && isWritten) context.finish?.recorded(end);
  return drift.length;
}

/** What the mapping holds as PRESENT now. One round trip. */
async function readPresent({ provisioning: { prisma }, tenant }: Context): Promise<Resource[]> {
  const rows = await prisma.$queryRaw<{ resource: JsonRow }[]>`
    SELECT to_jsonb(r) AS resource FROM resource r WHERE tenant_id = ${tenant.id} AND state = 'PRESENT' ORDER BY id`;
  return rows.map(({ resource }) => recordOf<Resource>(resource));
}

function isMarked(text: string | null, { marker }: Resource): boolean {
  return marker !== null && bearsMarker(text, marker);
}

function organizationDrift(
  context: Context,
  found: Organization | null,
  present: readonly Resource[],
): string[] {
  if (found === null) return ["The organization cannot be read."];
  const { marker } = organizationOf(context);
  const drift = memberDrift("organization", found.members, present, "ORGANIZATION_MEMBER");
  if (marker === null || found.name !== withMarker(context.tenant.name, marker)) {
    drift.push(`The organization is named "${found.name}".`);
  }
  if (!isOwnerOf(found)) drift.push("We are not OWNER of the organization.");
  return drift;
}

function projectDrift(found: Project | undefined, present: readonly Resource[]): string[] {
  if (found === undefined) return ["The project cannot be read."];
  const drift = memberDrift("project", found.members, present, "PROJECT_MEMBER");
  const settings = present.find(({ kind }) => kind === "PROJECT_SETTINGS");
  const actually = new Map<string, unknown>(Object.entries(found));
  const asked = settings === undefined ? {} : settingsOnUpstream(settingsSchema.parse(settings.desired));
  for (const [name, wished] of Object.entries(asked)) {
    const actual = actually.get(name);
    if (!isDeepStrictEqual(actual, wished)) drift.push(`The project's setting ${name} is not as asked for.`);
  }
  return drift;
}

function memberDrift(
  place: string,
  found: readonly Member[],
  present: readonly Resource[],
  kind: "ORGANIZATION_MEMBER" | "PROJECT_MEMBER",
): string[] {
  const roles = new Map(found.map(({ email, role }) => [email?.toLowerCase(), role]));
  return present
    .filter((resource) => resource.kind === kind)
    .flatMap(({ name, desired }) => {
      const role = roles.get(name.toLowerCase());
      if (role === undefined) return [`${name} is not a member of the ${place}.`];
      const wished = memberSchema.parse(desired).role;
      return role === wished ? [] : [`${name} is ${role} of the ${place}, not ${wished}.`];
    });
}

function webhookDrift(found: readonly Webhook[], present: readonly Resource[]): string[] {
  return present
    .filter(({ kind }) => kind === "WEBHOOK")
    .flatMap((resource) => {
      const wished = desiredWebhook(resource);
      const actual = found.find(({ webhookId }) => webhookId === resource.upstreamId);
      if (actual === undefined) return [`The webhook ${resource.name} is not there.`];
      const isSame =
        actual.url === wished.url &&
        isDeepStrictEqual([...actual.eventTypes].sort(), [...wished.eventTypes].sort()) &&
        actual.isActive !== false;
      return isSame ? [] : [`The webhook ${resource.name} is not as asked for.`];
    });
}
