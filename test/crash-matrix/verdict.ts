import type { Operation, Resource } from "../../src/generated/prisma/client.ts";
import { type Cell, mustNeedAttention, type PlacedCell } from "./cell.ts";
import { customersName } from "./linked-account.ts";
import { sagaDescriptions } from "./saga-descriptions.ts";
import type { Snapshot, TenantRows } from "./snapshot.ts";

/** The operation under test: of a chore that was started twice, the last. */
export function operationOf({ kind, key }: PlacedCell, { tenants }: Snapshot): Operation | undefined {
  return tenants.get(key)?.operations.findLast((operation) => operation.kind === kind);
}

function describe({ kind, status, reason }: Operation): string {
  return `${kind} is ${status}${reason === null ? "" : `: ${reason}`}`;
}

/**
 * What is wrong after the crash, once nothing moves any more: it ended otherwise than the cell may, or something is not
 * accounted for.
 */
export function faultsAfterCrash(cell: PlacedCell, snapshot: Snapshot, wasRecorded: boolean): string[] {
  const operation = operationOf(cell, snapshot);
  if (operation === undefined) return ["Its operation is nowhere."];
  const must = mustNeedAttention(cell, wasRecorded) ? "NEEDS_ATTENTION" : endStatusOf(cell);
  const faults = operation.status === must ? [] : [`${describe(operation)}, and should be ${must}.`];
  if (operation.status === "NEEDS_ATTENTION" && operation.reason === null) {
    faults.push("It NEEDS_ATTENTION and does not say why.");
  }
  return [...faults, ...unaccounted(cell, snapshot)];
}

function endStatusOf({ undoing }: Cell): "SUCCEEDED" | "UNWOUND" {
  return undoing === null ? "SUCCEEDED" : "UNWOUND";
}

/** What is wrong when everything was cleared and told to go on. */
export function faultsAtEnd(cell: PlacedCell, snapshot: Snapshot): string[] {
  const tenant = snapshot.tenants.get(cell.key);
  const operation = operationOf(cell, snapshot);
  if (tenant === undefined || operation === undefined) return ["Its operation is nowhere."];
  const must = endStatusOf(cell);
  const faults =
    operation.status === must ? [] : [`${describe(operation)} at the end, and should be ${must}.`];
  for (const other of tenant.operations) {
    if (other !== operation && !["SUCCEEDED", "UNWOUND"].includes(other.status)) faults.push(describe(other));
  }
  const endsAs = must === "UNWOUND" ? "gone" : sagaDescriptions[cell.kind].endsAs;
  return [
    ...faults,
    ...unaccounted(cell, snapshot),
    ...madeTwice(tenant, snapshot),
    ...lookAlikeFaults(cell, tenant, snapshot),
    ...(endsAs === "gone" ? notGone(tenant, snapshot) : []),
    ...(endsAs === "whole" ? notWhole(cell, tenant, snapshot) : []),
    ...(endsAs === "linked" ? notLinked(tenant, snapshot) : []),
    ...(cell.isLinked ? notLeftAlone(tenant, snapshot) : []),
  ];
}

type ResourceRows = TenantRows["resources"][number];

/** What bears the marker of a resource upstream. */
function bearersOf(
  { kind, marker }: Resource,
  { upstream }: Snapshot,
): { readonly id: string; readonly isAlive: boolean }[] {
  if (marker === null) return [];
  if (kind === "ORGANIZATION") {
    return upstream.organizations
      .filter(({ name }) => name.endsWith(marker))
      .map(({ org_id, deleted_at }) => ({ id: org_id, isAlive: deleted_at === null }));
  }
  return upstream.projects
    .filter(({ description }) => description?.endsWith(marker) === true)
    .map(({ project_id, deleted_at }) => ({ id: project_id, isAlive: deleted_at === null }));
}

/** Webhooks bear no marker: here every tenant's URL has its key as the host. */
function webhooksOf(key: string, { upstream }: Snapshot) {
  return upstream.webhooks.filter(({ url }) => new URL(url).hostname === `${key}.test`);
}

/** The webhooks that may be this one of the mapping: Mem0 keeps their URL unique in a project. */
function webhooksLike(key: string, { desired }: Resource, snapshot: Snapshot) {
  return webhooksOf(key, snapshot).filter(
    ({ url }) =>
      typeof desired === "object" && desired !== null && "url" in desired && desired["url"] === url,
  );
}

/** Twins, what is upstream and not in the mapping without anybody saying so, and what is PRESENT and not upstream. */
function unaccounted(cell: PlacedCell, snapshot: Snapshot): string[] {
  const tenant = snapshot.tenants.get(cell.key);
  if (tenant === undefined) return ["Its tenant is nowhere."];
  const faults: string[] = [];
  // Where a person looks anyway, an attempt without a known outcome says of what nobody knows whether it is there.
  const isLookedAt = operationOf(cell, snapshot)?.status === "NEEDS_ATTENTION";
  for (const resource of tenant.resources) {
    const { kind, name, state, upstreamId } = resource;
    if (isLookedAt && isInDoubt(resource, tenant)) continue;
    const alive =
      kind === "WEBHOOK"
        ? webhooksLike(cell.key, resource, snapshot)
            .filter(({ deleted_at }) => deleted_at === null)
            .map(({ webhook_id }) => webhook_id)
        : bearersOf(resource, snapshot).flatMap(({ id, isAlive }) => (isAlive ? [id] : []));
    const own = alive.filter((id) => !snapshot.planted.has(id));
    if (own.length > 1) faults.push(`A twin: ${own.length} times its ${kind} ${name}: ${own.join(", ")}.`);
    if (state === "UNKNOWN") {
      if (resource.reason === null) faults.push(`Its ${kind} is UNKNOWN and does not say why.`);
      continue;
    }
    const stray = own.filter((id) => state !== "PRESENT" || id !== upstreamId);
    if (stray.length > 0) faults.push(`Unaccounted: ${stray.join(", ")}, and its ${kind} is ${state}.`);
    const isMissing = state === "PRESENT" && upstreamId !== null && isGoneUpstream(upstreamId, snapshot);
    if (isMissing) faults.push(`Missing: its ${kind} ${upstreamId} is PRESENT, and not upstream.`);
  }
  return faults;
}

/** Whether a request to make or delete the resource, or what it lies in, has no known outcome. */
function isInDoubt(resource: ResourceRows, { resources }: Pick<TenantRows, "resources">): boolean {
  const isOpen = ({ outcome }: { outcome: string | null }) => outcome === null || outcome === "UNKNOWN";
  if (resource.attempts.some(isOpen)) return true;
  const parent = resources.find(({ id }) => id === resource.parentId);
  return parent !== undefined && isInDoubt(parent, { resources });
}

function isGoneUpstream(id: string, { upstream: { organizations, projects, webhooks } }: Snapshot): boolean {
  const isAlive =
    organizations.some(({ org_id, deleted_at }) => org_id === id && deleted_at === null) ||
    projects.some(({ project_id, deleted_at }) => project_id === id && deleted_at === null) ||
    webhooks.some(({ webhook_id, deleted_at }) => webhook_id === id && deleted_at === null);
  return !isAlive;
}

/** What was made more than once, even if the twin was removed since: nothing here lands later than the settle delay. */
function madeTwice({ key, resources }: TenantRows, snapshot: Snapshot): string[] {
  return resources.flatMap((resource) => {
    const bearers = bearersOf(resource, snapshot).filter(({ id }) => !snapshot.planted.has(id));
    const made = resource.kind === "WEBHOOK" ? webhooksLike(key, resource, snapshot).length : bearers.length;
    return made > 1 ? [`Its ${resource.kind} was made ${made} times.`] : [];
  });
}

/** A stranger's look-alike is told, where a list shows it, and left alone; the twins that are ours go. */
function lookAlikeFaults({ world }: Cell, tenant: TenantRows, snapshot: Snapshot): string[] {
  const { planted, lookAlikes } = snapshot;
  return tenant.resources
    .flatMap((resource) => bearersOf(resource, snapshot))
    .filter(({ id }) => planted.has(id))
    .flatMap(({ id, isAlive }) => {
      if (!lookAlikes.has(id)) return isAlive ? [`The twin ${id} was left.`] : [];
      if (!isAlive) return [`The look-alike ${id} was deleted.`];
      const isTold = world === "scoped-list" || tenant.drift.some((sentence) => sentence.includes(id));
      return isTold ? [] : [`Nobody was told of the look-alike ${id}.`];
    });
}

function notGone(tenant: TenantRows, snapshot: Snapshot): string[] {
  const faults = tenant.resources
    .filter(({ state }) => state !== "GONE")
    .map(({ kind, name, state }) => `Its ${kind} ${name} is ${state}, and should be GONE.`);
  const left = tenant.resources.flatMap((resource) => bearersOf(resource, snapshot));
  const webhooks = webhooksOf(tenant.key, snapshot).filter(({ deleted_at }) => deleted_at === null);
  if (left.some(({ isAlive }) => isAlive) || webhooks.length > 0) faults.push("Something is left upstream.");
  if (tenant.status !== "FAILED" && tenant.status !== "OFFBOARDED") {
    faults.push(`The tenant is ${tenant.status}.`);
  }
  return faults;
}

function notLinked(tenant: TenantRows, snapshot: Snapshot): string[] {
  const { key, resources, status } = tenant;
  const { org_id, projects } = customersPlace(key, snapshot);
  const faults = status === "ACTIVE" ? [] : [`The tenant is ${status}.`];
  const own = resources.map(({ kind, state, upstreamId }) => `${kind} ${state} ${upstreamId}`).toSorted();
  const must = [`ORGANIZATION PRESENT ${org_id}`, `PROJECT PRESENT ${projects[0]?.project_id}`];
  if (own.join() !== must.join()) faults.push(`Its place is ${own.join()}, and should be ${must.join()}.`);
  return faults;
}

/** What is wrong with a customer's own place, which is never touched: one project, one member in each, nothing else. */
function notLeftAlone({ key, resources }: TenantRows, snapshot: Snapshot): string[] {
  const { deleted_at, members, projects, webhooks } = customersPlace(key, snapshot);
  const faults = resources.some(({ attempts }) => attempts.length > 0)
    ? ["Something of a customer's own place was to be made or deleted."]
    : [];
  const isWhole =
    deleted_at === null &&
    projects.length === 1 &&
    projects.every((project) => project.deleted_at === null && project.members.length <= 1) &&
    members.length === 1 &&
    webhooks.length === 0;
  return isWhole ? faults : [...faults, "The customer's own place is not as it was."];
}

function customersPlace(key: string, { upstream }: Snapshot) {
  const organization = upstream.organizations.find(({ name }) => name === customersName(key));
  if (organization === undefined) throw new Error(`The customer of ${key} has no organization.`);
  const projects = upstream.projects.filter(({ org_id }) => org_id === organization.org_id);
  const webhooks = upstream.webhooks.filter(({ project_id }) =>
    projects.some((project) => project.project_id === project_id),
  );
  return { ...organization, projects, webhooks };
}

function notWhole({ kind, world }: Cell, tenant: TenantRows, snapshot: Snapshot): string[] {
  const { key, resources, status, drift, readBackAt } = tenant;
  // What a change removed stays in the mapping, and nothing else there may be gone.
  const isRemoved = ({ name, goneBy }: ResourceRows) =>
    kind === "CHANGE_PLACE" && goneBy === "DELETED" && (name === "old" || name === `old@${key}.test`);
  const faults = resources
    .filter((resource) => resource.state !== "PRESENT" && !isRemoved(resource))
    .map((resource) => `Its ${resource.kind} ${resource.name} is ${resource.state}, and should be PRESENT.`);
  if (status !== "ACTIVE") faults.push(`The tenant is ${status}.`);
  if (readBackAt === null) faults.push("It was never read back.");
  // A read-back sees the lists as they are, and there they lag.
  if (world !== "list-lag" && kind !== "CHECK_TWINS" && drift.length > 0) {
    faults.push(`Drift: ${drift.join(" ")}`);
  }
  const [organization, project] = (["ORGANIZATION", "PROJECT"] as const).map((kind) => {
    const resource = resources.find((found) => found.kind === kind && found.marker !== null);
    return resource?.upstreamId ?? "";
  });
  const { organizations, projects } = snapshot.upstream;
  const places = [
    organizations.find(({ org_id }) => org_id === organization),
    projects.find(({ project_id }) => project_id === project),
  ];
  for (const place of places) {
    const there = place?.members.filter(({ email }) => email === `ada@${key}.test`).length ?? 0;
    if (there !== 1) faults.push(`Its member is ${there} times in a place.`);
    if (place?.members.some(({ email }) => email === `old@${key}.test`) === true) {
      faults.push("A member who was removed is in a place.");
    }
  }
  const settings = projects.find(({ project_id }) => project_id === project)?.custom_instructions;
  if (settings !== `Of ${key}.`) faults.push(`Its settings are not set: ${settings}.`);
  if (webhooksOf(key, snapshot).filter(({ deleted_at }) => deleted_at === null).length !== 1) {
    faults.push("Its webhook is not there once.");
  }
  return faults;
}
