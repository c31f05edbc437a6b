import { setTimeout as sleep } from "node:timers/promises";
import type { Resource } from "../generated/prisma/client.ts";
import { Mem0Error } from "../mem0/errors.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { getOrganization, listOrganizations, type Organization } from "../mem0/organizations.ts";
import { proveList } from "../tenants/installation.ts";
import { notReleased } from "../tenants/managed-resources.ts";
import { firstCreateAt, recordUnknowable } from "../tenants/mapping.ts";
import { bearsMarker, markerOf, trailingMarker } from "../tenants/marker.ts";
import { readPause } from "../tenants/pause.ts";
import { recordPresent } from "../tenants/resources-without-id.ts";
import { recordInventoryDrift } from "../tenants/restoration.ts";
import { closedStatuses } from "../tenants/tenant.ts";
import { recordUnaccounted, settleMapped } from "../tenants/unaccounted.ts";
import { inParallel } from "./in-parallel.ts";
import { adopt, type InventoryRules, type OwnedResource } from "./inventory-rules.ts";
import { backoffMs } from "./judge.ts";
import type { Provisioning } from "./provisioning.ts";
import { takePlaceInventory } from "./take-place-inventory.ts";
import { distrustOf, invitedTo, isOwnerOf } from "./trust.ts";

/** What an inventory found. */
export interface Inventory {
  readonly at: Date;
  /** Organizations of living tenants that are there. */
  readonly matched: number;
  /** Organizations that the mapping knows by their id, and that answer 404. */
  readonly missing: number;
  /** Organizations, projects and webhooks that no resource of the mapping accounts for. */
  readonly unaccounted: number;
}

/** Keeps queries by lists of ids small. */
const chunkSize = 500;

/**
 * Lists every organization of the account, with the projects and webhooks of those that are a living tenant's, and
 * compares them with the mapping: what is in it is PRESENT, by its id or, while paused, by its verified and trusted
 * marker; what the mapping knows and cannot be found is UNKNOWN, which the tenant's drift says; all else is listed as
 * unaccounted. Changes nothing upstream. A repeat ends the same.
 * @throws {Mem0Error} when Mem0 cannot be read after some tries; what was found till then is written
 */
export async function takeInventory(provisioning: Provisioning): Promise<Inventory> {
  const { prisma, mem0, timings } = provisioning;
  const at = new Date();
  let unaccounted = 0;
  const mayAdopt = (await readPause(prisma)) !== null;
  const rules: InventoryRules = {
    ...{ provisioning, at, mayAdopt },
    madeBefore: mayAdopt ? new Date(at.getTime() + 1) : new Date(at.getTime() - 60_000 - timings.settleMs),
    report: async (finding) => {
      unaccounted += 1;
      await recordUnaccounted(prisma, finding);
    },
  };
  const account = await prisma.mem0Account.findUniqueOrThrow({ where: { id: provisioning.account.id } });
  // Our own organization is no tenant's. Oldest first: of two that bear one marker the older is the one that was made.
  const listed = (await insist(provisioning, () => listOrganizations(mem0)))
    .filter(({ orgId }) => orgId !== account.orgId)
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.orgId < b.orgId ? -1 : 1));
  const matched = await matchOrganizations(rules, listed);
  const { found, missing } = await lookForUnlisted(rules, new Set(listed.map(({ orgId }) => orgId)));
  const there = [...matched, ...found];
  await inParallel(there, async ({ resource, organization }) => {
    await recordInventoryDrift(prisma, resource.tenantId, null);
    await insist(provisioning, () => takePlaceInventory(rules, resource, organization));
  });
  await settleMapped(prisma);
  return { at, matched: there.length, missing, unaccounted };
}

interface Match {
  readonly resource: OwnedResource;
  readonly organization: Organization;
}

/** Whose each listed organization is; reports those that are nobody's. */
async function matchOrganizations(rules: InventoryRules, listed: readonly Organization[]): Promise<Match[]> {
  const matches: Match[] = [];
  for (let start = 0; start < listed.length; start += chunkSize) {
    const chunk = listed.slice(start, start + chunkSize);
    const known = await resourcesOf(rules, chunk);
    // One after the other: the older of two bearers of one marker must come first.
    for (const organization of chunk) {
      const resource = await accountFor(rules, organization, known);
      if (resource !== null) matches.push({ resource, organization });
    }
  }
  return matches;
}

/** The organizations of the mapping that these may be, by id or by what looks like a marker. */
async function resourcesOf(
  { provisioning }: InventoryRules,
  organizations: readonly Organization[],
): Promise<OwnedResource[]> {
  const markers = organizations.flatMap(({ name }) => trailingMarker(name) ?? []);
  return provisioning.prisma.resource.findMany({
    where: {
      ...{ kind: "ORGANIZATION", ...notReleased },
      AND: {
        OR: [{ upstreamId: { in: organizations.map(({ orgId }) => orgId) } }, { marker: { in: markers } }],
      },
    },
    include: { tenant: true },
  });
}

/** The resource of a living tenant that this organization is, PRESENT from now on; null when it was reported. */
async function accountFor(
  rules: InventoryRules,
  organization: Organization,
  known: readonly OwnedResource[],
): Promise<OwnedResource | null> {
  const { prisma, markerSecret, account } = rules.provisioning;
  const { orgId, name, createdAt } = organization;
  const report = async (reason: string) => {
    await rules.report({ kind: "ORGANIZATION", upstreamId: orgId, name, createdAt, reason });
    return null;
  };
  const isMarked = (resource: Resource) => bearsMarker(name, markerOf(markerSecret, resource.id));
  const mapped = known.find(({ upstreamId }) => upstreamId === orgId);
  const resource = mapped ?? known.find(isMarked);
  if (resource === undefined) return report(strangerReason(name));
  // A customer let us into an organization of his own: it is accounted for, and nothing of it is ours to compare.
  if (resource.tenant.accountId !== null) return null;
  const whose = `the organization of the tenant "${resource.tenant.key}" (generation ${resource.tenant.generation})`;
  if (resource.state === "GONE" || closedStatuses.some((status) => status === resource.tenant.status)) {
    return report(
      mapped === undefined
        ? `Its name bears the marker of ${whose}, which the mapping says is gone: it landed late, or it is a look-alike.`
        : `It is ${whose}, which the mapping says is gone.`,
    );
  }
  if (isMarked(resource)) await proveList(prisma, account.id, "organizations");
  if (mapped !== undefined) {
    await recordPresent(prisma, resource.id);
    return resource;
  }
  return adoptOrReport(rules, resource, { organization, whose, report });
}

async function adoptOrReport(
  rules: InventoryRules,
  resource: OwnedResource,
  found: {
    readonly organization: Organization;
    readonly whose: string;
    readonly report: (reason: string) => Promise<null>;
  },
): Promise<OwnedResource | null> {
  const { provisioning, mayAdopt } = rules;
  const { prisma } = provisioning;
  const { organization, whose, report } = found;
  const since = (await firstCreateAt(prisma, resource.id)) ?? resource.createdAt;
  const likeness = { ...organization, isOwner: isOwnerOf(organization) };
  const distrust = distrustOf(provisioning, likeness, since, await invitedTo(provisioning, resource));
  const { upstreamId } = await prisma.resource.findUniqueOrThrow({ where: { id: resource.id } });
  if (distrust !== null) {
    const suspicious = `${organization.orgId} bears its marker, but ${distrust}.`;
    if (upstreamId === null) await recordUnknowable(prisma, resource.id, suspicious);
    return report(`Its name bears the marker of ${whose}, but is suspicious: ${distrust}.`);
  }
  const twin = `Its name bears the marker of ${whose}, which is another one: it is a twin.`;
  if (upstreamId !== null) return report(twin);
  // A create under way will record it itself, and asks nobody to read the place before.
  if (!mayAdopt) return null;
  return (await adopt(rules, resource.id, organization.orgId)) ? resource : report(twin);
}

function strangerReason(name: string): string {
  return trailingMarker(name) === null
    ? "It bears no marker: Loci did not make it."
    : "Its name ends in what looks like a marker, but of no resource in the mapping: it was made after the backup, or by " +
        "another installation, or it is a look-alike.";
}

/**
 * Asks for each organization that the mapping knows by its id and the list does not show: a list may be narrowed, or lag.
 * What answers 404 is UNKNOWN with all that lies in it, and the tenant's drift says so.
 */
async function lookForUnlisted(
  rules: InventoryRules,
  listed: ReadonlySet<string>,
): Promise<{ found: Match[]; missing: number }> {
  const { provisioning, at, madeBefore } = rules;
  const { prisma, mem0 } = provisioning;
  const found: Match[] = [];
  let missing = 0;
  for (let after = ""; ; ) {
    const page = await prisma.resource.findMany({
      where: {
        ...{ id: { gt: after }, kind: "ORGANIZATION", upstreamId: { not: null } },
        ...{ state: { in: ["PRESENT", "UNKNOWN"] } },
        // Those of customers' own accounts are not to be seen with the platform's key.
        tenant: { status: { notIn: [...closedStatuses] }, accountId: null },
        OR: [{ state: "UNKNOWN" }, { presentAt: null }, { presentAt: { lt: madeBefore } }],
      },
      include: { tenant: true },
      orderBy: { id: "asc" },
      take: chunkSize,
    });
    const last = page.at(-1);
    if (last === undefined) return { found, missing };
    after = last.id;
    const unlisted = page.filter(({ upstreamId }) => upstreamId !== null && !listed.has(upstreamId));
    await inParallel(unlisted, async (resource) => {
      const orgId = resource.upstreamId ?? "";
      const organization = await insist(provisioning, () => orAbsent(getOrganization(mem0, orgId)));
      if (organization !== null) {
        await recordPresent(prisma, resource.id);
        found.push({ resource, organization });
        return;
      }
      missing += 1;
      await doubtPlace(provisioning, resource, at);
    });
  }
}

async function doubtPlace({ prisma }: Provisioning, organization: Resource, at: Date): Promise<void> {
  const { tenantId, upstreamId } = organization;
  const reason = `The organization ${upstreamId} was not found in the inventory of ${at.toISOString()}`;
  const rest = "it was deleted since it was last seen, or we were removed from it.";
  await recordInventoryDrift(prisma, tenantId, `${reason}: ${rest}`);
  const resources = await prisma.resource.findMany({ where: { tenantId, state: { not: "GONE" } } });
  for (const { id } of resources) await recordUnknowable(prisma, id, `${reason}: ${rest}`);
}

/** Reads, and reads again after an error that may pass, at most `attemptsMax` times. @throws the last error */
async function insist<T>({ timings }: Provisioning, read: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await read();
    } catch (error) {
      const isWorthRepeating =
        error instanceof Mem0Error && error.retryable && failures < timings.attemptsMax;
      if (!isWorthRepeating) throw error;
      await sleep(backoffMs(failures, timings));
    }
  }
}
