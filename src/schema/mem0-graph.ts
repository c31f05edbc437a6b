import DataLoader from "dataloader";
import type { Tenant } from "../generated/prisma/client.ts";
import type { Member } from "../mem0/members.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { listOrganizationMembers, type OrganizationMember } from "../mem0/organization-members.ts";
import { getOrganization, listOrganizations, type Organization } from "../mem0/organizations.ts";
import { listProjectMembers } from "../mem0/project-members.ts";
import { getProject, listProjects, type Project } from "../mem0/projects.ts";
import { listWebhooks, type Webhook } from "../mem0/webhooks.ts";
import { inParallel } from "../provisioning/in-parallel.ts";
import { findMapped, type UpstreamId } from "../tenants/managed-resources.ts";
import type { Context } from "./builder.ts";

/** A project in Mem0, by Mem0's ids. */
export interface ProjectIds {
  readonly organizationId: string;
  readonly projectId: string;
}

/**
 * What one request reads of Mem0 with the platform's key: each thing at most once, whoever asks for it in however many places;
 * different things of a kind at most 8 at once.
 */
export interface Mem0Graph {
  /** All organizations that the key shows. One call. @throws {Mem0Error} */
  readonly organizations: () => Promise<Organization[]>;
  /** Null: Mem0 answers 404. One call each. */
  readonly organization: DataLoader<string, Organization | null>;
  /** All projects of an organization. One call each. */
  readonly projects: DataLoader<string, Project[]>;
  /** Null: Mem0 answers 404. One call each. */
  readonly project: DataLoader<ProjectIds, Project | null, string>;
  /** All webhooks of a project. One call each. */
  readonly webhooks: DataLoader<string, Webhook[]>;
  /** As Mem0's own list shows them. One call each. */
  readonly organizationMembers: DataLoader<string, OrganizationMember[]>;
  /** As Mem0's own list shows them. One call each. */
  readonly projectMembers: DataLoader<ProjectIds, Member[], string>;
  /** The tenant in whose mapping it is. Two statements for all that is asked for together. */
  readonly tenant: DataLoader<UpstreamId, Tenant | null, string>;
}

const graphs = new WeakMap<Context, Mem0Graph>();

/** What this request reads of Mem0. */
export function mem0Graph(context: Context): Mem0Graph {
  const known = graphs.get(context);
  if (known !== undefined) return known;
  const graph = createGraph(context);
  graphs.set(context, graph);
  return graph;
}

function createGraph(context: Context): Mem0Graph {
  const { mem0 } = context.provisioning;
  const options = { onCall: context.meter.count };
  const keyOf = ({ organizationId, projectId }: ProjectIds) => JSON.stringify([organizationId, projectId]);
  let organizations: Promise<Organization[]> | null = null;
  return {
    organizations: () => {
      organizations ??= listOrganizations(mem0, options);
      return organizations;
    },
    organization: loaderOf((id: string) => orAbsent(getOrganization(mem0, id, options)), String),
    projects: loaderOf((id: string) => listProjects(mem0, id, options), String),
    project: loaderOf(
      ({ organizationId, projectId }: ProjectIds) =>
        orAbsent(getProject(mem0, organizationId, projectId, options)),
      keyOf,
    ),
    webhooks: loaderOf((id: string) => listWebhooks(mem0, id, options), String),
    organizationMembers: loaderOf((id: string) => listOrganizationMembers(mem0, id, options), String),
    projectMembers: loaderOf(
      ({ organizationId, projectId }: ProjectIds) =>
        listProjectMembers(mem0, organizationId, projectId, options),
      keyOf,
    ),
    tenant: new DataLoader((ids: readonly UpstreamId[]) => tenantsOf(context, ids), {
      cacheKeyFn: ({ kind, upstreamId }) => `${kind}:${upstreamId}`,
    }),
  };
}

/** Loads each key by a call of its own, for Mem0 answers for one thing at a time. That one fails is no matter of the others. */
function loaderOf<Key, Value>(
  load: (key: Key) => Promise<Value>,
  keyOf: (key: Key) => string,
): DataLoader<Key, Value, string> {
  const loadOrError = async (key: Key): Promise<Value | Error> => {
    try {
      return await load(key);
    } catch (error) {
      return error instanceof Error
        ? error
        : new Error("Something was thrown that is no error.", { cause: error });
    }
  };
  return new DataLoader((keys: readonly Key[]) => inParallel(keys, loadOrError), { cacheKeyFn: keyOf });
}

async function tenantsOf(context: Context, ids: readonly UpstreamId[]): Promise<(Tenant | null)[]> {
  const mapped = await findMapped(context.prisma, ids);
  const tenants = new Map(mapped.map(({ kind, upstreamId, tenant }) => [`${kind}:${upstreamId}`, tenant]));
  return ids.map(({ kind, upstreamId }) => tenants.get(`${kind}:${upstreamId}`) ?? null);
}
