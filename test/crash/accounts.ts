import { EmulatorControl, type Tables } from "../emulator-control.ts";
import type { LociProcess } from "../loci-process.ts";
import { waitUntil } from "../wait-until.ts";
import type { LociHome } from "./loci-home.ts";

/** What serves GraphQL, and the emulator that it uses. */
type Served = Pick<LociProcess, "send" | "mem0Url">;

/** What the accounts are drawn up from, of one tenant. */
interface TenantRow {
  readonly key: string;
  readonly status: string;
  readonly drift: readonly string[];
  readonly readBackAt: string | null;
  readonly resources: readonly {
    readonly kind: string;
    readonly name: string;
    readonly state: string;
    readonly marker: string | null;
    readonly upstreamId: string | null;
  }[];
  readonly operations: {
    readonly edges: readonly { readonly node: { readonly kind: string; readonly status: string } }[];
  };
}

/** An answer of `tenantsOf`. */
interface TenantPage {
  readonly tenants: {
    readonly edges: readonly { readonly node: TenantRow }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/** What is the case, upstream and in the mapping. The lists name what should not be; they are empty when all is well. */
export interface Accounts {
  /** How many tenants there are of each status. */
  readonly tenants: Readonly<Record<string, number>>;
  /** How many operations there are of each kind and status: "SIGN_UP SUCCEEDED". */
  readonly operations: Readonly<Record<string, number>>;
  /** Tenants that wait for a person: their operation NEEDS_ATTENTION. */
  readonly needAttention: readonly string[];
  /** Markers that stand upstream more than once. */
  readonly twins: readonly string[];
  /** PRESENT in the mapping, but not upstream, or not under its marker; or an ACTIVE tenant's, and not PRESENT. */
  readonly missing: readonly string[];
  /** Upstream, not in the mapping, and bearing no marker of a tenant that needs attention. */
  readonly unaccounted: readonly string[];
  /** What the read-backs found different from what was asked for, and ACTIVE tenants that were never read back. */
  readonly drift: readonly string[];
}

/** Waits until no operation is under way, then draws up the accounts. Those that need attention do not hold it up. */
export async function settledAccounts(home: Pick<LociHome, "query">, loci: Served): Promise<Accounts> {
  const isQuiet = async () => {
    const open = await home.query(
      "SELECT id FROM operation WHERE status IN ('QUEUED', 'RUNNING', 'PARKED', 'UNWINDING') LIMIT 1",
    );
    return open.length === 0;
  };
  await waitUntil(isQuiet, { what: "no operation is under way", timeoutMs: 90_000 });
  return accountsOf(loci);
}

/** Draws up the accounts as they are now: the emulator's tables against Loci's API. For when nothing is under way. */
export async function accountsOf(loci: Served): Promise<Accounts> {
  const tables = await new EmulatorControl(loci.mem0Url).tables();
  const tenants = await tenantsOf(loci);
  const operations = tenants.flatMap((tenant) => tenant.operations.edges.map(({ node }) => node));
  const waiting = tenants.filter(({ operations: { edges } }) =>
    edges.some(({ node }) => node.status === "NEEDS_ATTENTION"),
  );
  return {
    tenants: countBy(tenants.map(({ status }) => status)),
    operations: countBy(operations.map(({ kind, status }) => `${kind} ${status}`)),
    needAttention: waiting.map(({ key }) => key).sort(),
    twins: twinsAmong(tenants, tables),
    missing: missingFrom(tenants, tables),
    unaccounted: unaccountedIn(tables, tenants, waiting),
    drift: tenants.flatMap(driftOf),
  };
}

function driftOf({ key, status, drift, readBackAt }: TenantRow): string[] {
  if (status === "ACTIVE" && readBackAt === null) return [`${key}: never read back`];
  return drift.map((difference) => `${key}: ${difference}`);
}

/** All tenants, page by page. */
async function tenantsOf(loci: Served): Promise<readonly TenantRow[]> {
  const found: TenantRow[] = [];
  for (let after: string | null = null; ; ) {
    const page: TenantPage = await loci.send<TenantPage>(
      `query ($after: String) { tenants(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { node {
        key status drift readBackAt resources { kind name state marker upstreamId }
        operations(first: 20) { edges { node { kind status } } }
      } } } }`,
      { after },
    );
    found.push(...page.tenants.edges.map(({ node }) => node));
    const { hasNextPage, endCursor } = page.tenants.pageInfo;
    if (!hasNextPage) return found;
    after = endCursor;
  }
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** What bears a marker upstream: organizations in their name, projects in their description. */
function bearersOf(marker: string, { organizations, projects }: Tables): string[] {
  return [
    ...organizations.filter(({ name }) => name.endsWith(marker)).map(({ org_id }) => org_id),
    ...projects
      .filter(({ description }) => description?.endsWith(marker))
      .map(({ project_id }) => project_id),
  ];
}

function twinsAmong(tenants: readonly TenantRow[], tables: Tables): string[] {
  return tenants.flatMap(({ key, resources }) =>
    resources.flatMap(({ kind, marker }) => {
      const count = marker === null ? 0 : bearersOf(marker, tables).length;
      return count > 1 ? [`${key}: ${count} times its ${kind}`] : [];
    }),
  );
}

function missingFrom(tenants: readonly TenantRow[], tables: Tables): string[] {
  const ids = new Set(idsIn(tables).map(({ id }) => id));
  return tenants.flatMap(({ key, status, resources }) =>
    resources
      .filter(({ state, upstreamId, marker }) => {
        // Of an ACTIVE tenant everything is there but members whom nobody knows yet.
        if (state !== "PRESENT") return status === "ACTIVE" && state !== "AWAITING_REGISTRATION";
        if (upstreamId === null) return false;
        return !ids.has(upstreamId) || (marker !== null && !bearersOf(marker, tables).includes(upstreamId));
      })
      .map(({ kind, name }) => `${key}: its ${kind} ${name}`),
  );
}

/**
 * What is upstream and nobody's: in no row that says PRESENT, not in the account's own default organization, and not
 * an organization (or in one) whose marker is that of a tenant that needs attention.
 */
function unaccountedIn(
  tables: Tables,
  tenants: readonly TenantRow[],
  waiting: readonly TenantRow[],
): string[] {
  const present = tenants.flatMap(({ resources }) => resources.filter(({ state }) => state === "PRESENT"));
  const mapped = new Set(present.map(({ upstreamId }) => upstreamId));
  const markers = waiting.flatMap(({ resources }) => resources.flatMap(({ marker }) => marker ?? []));
  const excused = new Set(markers.flatMap((marker) => bearersOf(marker, tables)));
  const own = tables.organizations.filter(({ name }) => name === "default-org").map(({ org_id }) => org_id);
  return idsIn(tables)
    .filter(
      ({ id, within }) =>
        !mapped.has(id) && ![id, ...within].some((each) => excused.has(each) || own.includes(each)),
    )
    .map(({ id }) => id);
}

/** Everything upstream that has an id, with the ids of what it lies in. */
function idsIn({ organizations, projects, webhooks }: Tables): { id: string; within: readonly string[] }[] {
  const orgIdOf = new Map(projects.map(({ project_id, org_id }) => [project_id, org_id]));
  return [
    ...organizations.map(({ org_id }) => ({ id: org_id, within: [] })),
    ...projects.map(({ project_id, org_id }) => ({ id: project_id, within: [org_id] })),
    ...webhooks.map(({ webhook_id, project_id }) => ({
      id: webhook_id,
      within: [project_id, orgIdOf.get(project_id) ?? []].flat(),
    })),
  ];
}
