import type { Attempt, Prisma, PrismaClient, Resource } from "../generated/prisma/client.ts";
import type { ResourceKind } from "../generated/prisma/enums.ts";
import { PlaceNotManaged } from "./account-refusals.ts";
import { newId } from "./ids.ts";
import { type Intent, insertOperation, refuseWhileOpen } from "./operation-store.ts";
import { membersMax, webhooksMax } from "./place.ts";
import type { PlaceChange } from "./place-change.ts";
import { InvalidInput, TenantNotFound, TenantStatusRefused } from "./refusals.ts";
import { findTenant, mainProjectName, type Started, startOnce } from "./tenant-store.ts";

/** What a change of a place writes. */
export interface PlaceChangeStart {
  readonly operationId: string;
  readonly key: string;
  readonly change: PlaceChange;
  /** The planned steps, in order. */
  readonly steps: readonly string[];
}

/**
 * Writes the operation of a change, and what the mapping wishes from now on, in one transaction: all there, or none. What
 * is to go stays in the mapping until it is proved gone. A repeat answers the same operation.
 * @throws {TenantNotFound} {PlaceNotManaged} {TenantStatusRefused} {OperationInProgress} {IdempotencyKeyReused}
 * @throws {InvalidInput} when the change does not fit the place as it is
 */
export async function insertPlaceChange(
  prisma: PrismaClient,
  intent: Intent,
  start: PlaceChangeStart,
): Promise<Started> {
  return startOnce(prisma, intent, async (tx) => {
    const newest = await findTenant(tx, start.key);
    if (newest === null) throw new TenantNotFound(start.key);
    const tenantId = newest.id;
    await tx.$queryRaw`SELECT id FROM tenant WHERE id = ${tenantId} FOR UPDATE`;
    const { status, accountId } = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    if (accountId !== null) throw new PlaceNotManaged(tenantId);
    if (status !== "ACTIVE") {
      throw new TenantStatusRefused(
        tenantId,
        `The tenant is ${status}; only the place of an ACTIVE one can change.`,
      );
    }
    await refuseWhileOpen(tx, tenantId);
    const present = await tx.resource.findMany({
      where: { tenantId, state: { not: "GONE" } },
      include: { attempts: true },
    });
    const { operationId, steps, change } = start;
    const operation = await insertOperation(tx, intent, { id: operationId, tenantId, steps });
    const { added, wished } = planChange(present, change);
    for (const [id, desired] of wished) await tx.resource.update({ where: { id }, data: { desired } });
    await tx.resource.createMany({ data: added.map((resource) => ({ ...resource, tenantId, operationId })) });
    return operation;
  });
}

type Known = Resource & { readonly attempts: readonly Attempt[] };

/** What a change makes of the mapping. */
interface Plan {
  readonly added: readonly {
    readonly id: string;
    readonly kind: ResourceKind;
    readonly name: string;
    readonly parentId: string;
    readonly desired: Prisma.InputJsonObject;
  }[];
  /** What is wished of resources that are there, by their ids. */
  readonly wished: ReadonlyMap<string, Prisma.InputJsonObject>;
}

function planChange(present: readonly Known[], change: PlaceChange): Plan {
  const added: Plan["added"][number][] = [];
  const wished = new Map<string, Prisma.InputJsonObject>();
  const find = (kind: ResourceKind, name: string) =>
    present.find((known) => known.kind === kind && known.name.toLowerCase() === name.toLowerCase());
  const organization = find("ORGANIZATION", mainProjectName);
  const project = find("PROJECT", mainProjectName);
  if (organization === undefined || project === undefined) {
    throw new Error("An ACTIVE tenant has no place in its mapping.");
  }
  const wish = (kind: ResourceKind, name: string, parentId: string, desired: Prisma.InputJsonObject) => {
    const known = find(kind, name);
    if (known === undefined) added.push({ id: newId("res"), kind, name, parentId, desired });
    else wished.set(known.id, desired);
  };
  if (Object.keys(change.settings).length > 0) {
    const before = find("PROJECT_SETTINGS", mainProjectName)?.desired;
    const merged = { ...(typeof before === "object" ? before : {}), ...change.settings };
    wish("PROJECT_SETTINGS", mainProjectName, project.id, JSON.parse(JSON.stringify(merged)));
  }
  for (const { email, role } of change.setMembers) {
    // The spelling of the first time stays the name: it is by this that he is found.
    const name = find("ORGANIZATION_MEMBER", email)?.name ?? email;
    wish("ORGANIZATION_MEMBER", name, organization.id, { email: name, role });
    wish("PROJECT_MEMBER", name, project.id, { email: name, role });
  }
  for (const webhook of change.setWebhooks) wish("WEBHOOK", webhook.name, project.id, { ...webhook });
  refuseMisfits(present, change, { added, wished });
  return { added, wished };
}

/** @throws {InvalidInput} naming each part of the change that does not fit */
function refuseMisfits(present: readonly Known[], change: PlaceChange, { added }: Plan): void {
  const problems: { field: string; message: string }[] = [];
  const of = (kind: ResourceKind) => present.filter((known) => known.kind === kind);
  const count = (kind: ResourceKind) => of(kind).length + added.filter((each) => each.kind === kind).length;
  const webhooks = of("WEBHOOK");
  for (const [index, { name, url }] of change.setWebhooks.entries()) {
    const field = `setWebhooks.${index}`;
    const known = webhooks.find((webhook) => webhook.name === name);
    // A lost create is looked for by its URL: that must not change before it is found.
    const isInDoubt =
      known?.attempts.some(({ outcome }) => outcome === null || outcome === "UNKNOWN") === true;
    if (isInDoubt) problems.push({ field, message: "The answer to its creation was lost: remove it first." });
    const namesake = webhooks.find((other) => other.name !== name && urlOf(other) === url);
    if (namesake !== undefined) {
      problems.push({ field: `${field}.url`, message: `Is the URL of the webhook ${namesake.name}.` });
    }
  }
  if (count("ORGANIZATION_MEMBER") > membersMax) {
    problems.push({ field: "setMembers", message: `A place has at most ${membersMax} members.` });
  }
  if (count("WEBHOOK") > webhooksMax) {
    problems.push({ field: "setWebhooks", message: `A place has at most ${webhooksMax} webhooks.` });
  }
  if (problems.length > 0) throw new InvalidInput(problems);
}

function urlOf({ desired }: Resource): unknown {
  return typeof desired === "object" && desired !== null && "url" in desired ? desired["url"] : undefined;
}
