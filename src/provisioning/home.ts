import { readResource } from "../tenants/mapping.ts";
import { organizationOf } from "./organization.ts";
import { projectOf } from "./project.ts";
import type { SagaContext } from "./saga.ts";

/** Where a tenant's things are: Mem0's ids of its organization and its project. */
export interface Home {
  readonly orgId: string;
  readonly projectId: string;
}

/** The home of an ACTIVE tenant, by the mapping as it is now. @throws {Error} when there is none: it is not ACTIVE */
export async function homeOf(context: SagaContext<unknown>): Promise<Home> {
  const { prisma } = context.provisioning;
  const { upstreamId: orgId } = await readResource(prisma, organizationOf(context).id);
  const { upstreamId: projectId } = await readResource(prisma, projectOf(context).id);
  if (orgId === null || projectId === null) throw new Error("An ACTIVE tenant has no place in its mapping.");
  return { orgId, projectId };
}
