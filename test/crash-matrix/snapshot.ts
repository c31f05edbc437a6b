import type { Attempt, Operation, Resource, Tenant } from "../../src/generated/prisma/client.ts";
import type { Stage } from "./stage.ts";

interface UpstreamRow {
  /** Null while it lives. */
  readonly deleted_at: string | null;
}

interface MemberRow {
  readonly email: string;
}

/** The emulator's tables, with what was deleted. */
export interface UpstreamTables {
  readonly organizations: readonly (UpstreamRow & {
    readonly org_id: string;
    readonly name: string;
    readonly members: readonly MemberRow[];
  })[];
  readonly projects: readonly (UpstreamRow & {
    readonly project_id: string;
    readonly org_id: string;
    readonly description: string | null;
    readonly is_default: boolean;
    readonly custom_instructions: string | null;
    readonly members: readonly MemberRow[];
  })[];
  readonly webhooks: readonly (UpstreamRow & {
    readonly webhook_id: string;
    readonly project_id: string;
    readonly url: string;
  })[];
}

/** A tenant with its mapping and its operations, the oldest first. */
export type TenantRows = Tenant & {
  readonly resources: readonly (Resource & { readonly attempts: readonly Attempt[] })[];
  readonly operations: readonly Operation[];
};

/** What is the case upstream and in our rows, at about one moment at which nothing is under way. */
export interface Snapshot {
  readonly upstream: UpstreamTables;
  readonly tenants: ReadonlyMap<string, TenantRows>;
  /** Upstream ids of twins and look-alikes that the matrix itself made. */
  readonly planted: ReadonlySet<string>;
  /** Those of the look-alikes, which are to be left alone. */
  readonly lookAlikes: ReadonlySet<string>;
}

/** Takes one. */
export async function takeSnapshot({ provisioning, emulatorUrl, ...stage }: Stage): Promise<Snapshot> {
  const tenants = await provisioning.prisma.tenant.findMany({
    include: { resources: { include: { attempts: true } }, operations: { orderBy: { createdAt: "asc" } } },
  });
  const response = await fetch(`${emulatorUrl}/_emulator/tables?deleted=true`);
  // The emulator's own tables, of our own emulator.
  const upstream = (await response.json()) as UpstreamTables;
  const { planted, lookAlikes } = stage;
  return { upstream, tenants: new Map(tenants.map((tenant) => [tenant.key, tenant])), planted, lookAlikes };
}
