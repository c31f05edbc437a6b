import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "./world.ts";

/** The documents of the main job, as a caller would write them, and what they answer. */

/** What tests look at of an operation. */
export interface OperationView {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly reason: string | null;
  readonly steps: readonly {
    readonly name: string;
    readonly status: string;
    readonly attempts: number;
    readonly error: { readonly code: string; readonly message: string } | null;
  }[];
}

/** What tests look at of a tenant. */
export interface TenantView {
  readonly id: string;
  readonly key: string;
  readonly status: string;
  readonly generation: number;
  readonly drift: readonly string[];
  readonly readBackAt: string | null;
  readonly resources: readonly {
    readonly kind: string;
    readonly name: string;
    readonly state: string;
    readonly upstreamId: string | null;
    readonly marker: string | null;
    readonly goneBy: string | null;
    readonly reason: string | null;
  }[];
  readonly operations: { readonly edges: readonly { readonly node: OperationView }[] };
}

/** A mutation's answer: its payload, or a refusal. */
export interface Answer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly problems?: readonly { readonly field: string; readonly message: string }[];
  readonly tenant?: TenantView;
  readonly operation?: OperationView;
}

/** What tests ask for; see `OperationView`. */
export const operationFields = "id kind status reason steps { name status attempts error { code message } }";
/** What tests ask for; see `TenantView`. */
export const tenantFields = `id key status generation drift readBackAt
  resources { kind name state upstreamId marker goneBy reason }
  operations(first: 20) { edges { node { ${operationFields} } } }`;
/** What tests ask for; see `Answer`. */
export const errorFields = `... on Error { message code retryable } ... on InvalidInput { problems { field message } }`;
const reusedFields = `... on IdempotencyKeyReused { operation { ${operationFields} } }`;

let keys = 0;

/** Another idempotency key each time. */
export function freshKey(): string {
  keys += 1;
  return `key-${process.pid}-${keys}`;
}

/** Signs up, waiting as long as allowed; the defaults make a place with everything in it. */
export async function signUp(world: World, input: object): Promise<Answer> {
  const { signUpTenant } = await world.send<{ signUpTenant: Answer }>(
    `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename
      ... on SignUpTenantPayload { tenant { ${tenantFields} } operation { ${operationFields} } }
      ... on TenantKeyTaken { tenant { ${tenantFields} } } ${reusedFields} ${errorFields} } }`,
    { input: { name: "Acme Inc.", idempotencyKey: freshKey(), waitMs: 20_000, ...input } },
  );
  return signUpTenant;
}

/** Off-boards, waiting as long as allowed. */
export async function offboard(world: World, input: object): Promise<Answer> {
  const { offboardTenant } = await world.send<{ offboardTenant: Answer }>(
    `mutation ($input: OffboardTenantInput!) { offboardTenant(input: $input) { __typename
      ... on OffboardTenantPayload { tenant { ${tenantFields} } operation { ${operationFields} } }
      ... on TenantStatusRefused { tenant { ${tenantFields} } }
      ... on OperationInProgress { operation { ${operationFields} } } ${reusedFields} ${errorFields} } }`,
    { input: { idempotencyKey: freshKey(), waitMs: 20_000, ...input } },
  );
  return offboardTenant;
}

/** Tells an operation to go on, waiting as long as allowed. */
export async function retry(world: World, id: string): Promise<Answer> {
  const { retryOperation } = await world.send<{ retryOperation: Answer }>(
    `mutation ($input: RetryOperationInput!) { retryOperation(input: $input) { __typename
      ... on RetryOperationPayload { tenant { ${tenantFields} } operation { ${operationFields} } }
      ... on OperationNotResumable { operation { ${operationFields} } } ${errorFields} } }`,
    { input: { id, waitMs: 20_000 } },
  );
  return retryOperation;
}

/** The newest tenant of a key. */
export async function tenantOf(world: World, key: string): Promise<TenantView> {
  const { tenant } = await world.send<{ tenant: TenantView | null }>(
    `query ($key: String!) { tenant(key: $key) { ${tenantFields} } }`,
    { key },
  );
  if (tenant === null) throw new Error(`No tenant ${key}.`);
  return tenant;
}

/** Waits until a condition holds, asking again and again; fails after ten seconds. */
export async function until<T>(ask: () => Promise<T | null | false>, what: string): Promise<T> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    await sleep(20);
  }
  throw new Error(`Waited in vain until ${what}.`);
}

/** Waits until no operation of the tenant is under way, its read-back included. */
export async function settled(world: World, key: string): Promise<TenantView> {
  return until(async () => {
    const tenant = await tenantOf(world, key);
    const open = tenant.operations.edges.some(({ node }) =>
      ["QUEUED", "RUNNING", "UNWINDING"].includes(node.status),
    );
    return open ? null : tenant;
  }, `${key} settles`);
}

/** What bears a marker of this tenant upstream, or lies in what does. */
export async function upstreamOf(world: World, tenant: TenantView) {
  const tables = await world.emulator.tables();
  const markerOf = (kind: string) => {
    const marker = tenant.resources.find(
      (resource) => resource.kind === kind && resource.marker !== null,
    )?.marker;
    if (marker === undefined || marker === null) throw new Error(`No marker of ${kind}.`);
    return marker;
  };
  const organizations = tables.organizations.filter(({ name }) => name.endsWith(markerOf("ORGANIZATION")));
  const orgIds = new Set(organizations.map(({ org_id }) => org_id));
  const projects = tables.projects.filter(({ description }) => description?.endsWith(markerOf("PROJECT")));
  const projectIds = new Set(
    tables.projects.filter(({ org_id }) => orgIds.has(org_id)).map((row) => row.project_id),
  );
  const webhooks = tables.webhooks.filter(({ project_id }) => projectIds.has(project_id));
  return { organizations, projects, webhooks };
}
