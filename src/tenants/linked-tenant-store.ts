import type { PrismaClient } from "../generated/prisma/client.ts";
import { AccountInUse, AccountNotUsable } from "./account-refusals.ts";
import { newId } from "./ids.ts";
import { tenantOfPlace } from "./linked-places.ts";
import { lockAccount, tenantOn } from "./mem0-accounts.ts";
import { type Intent, insertOperation } from "./operation-store.ts";
import { TenantKeyTaken } from "./refusals.ts";
import { closedStatuses } from "./tenant.ts";
import { findTenant, mainProjectName, type Started, startOnce } from "./tenant-store.ts";

/** What a sign-up onto a customer's own account writes. */
export interface LinkedSignUp {
  readonly operationId: string;
  readonly key: string;
  readonly name: string;
  readonly accountId: string;
  /** The planned steps, in order. */
  readonly steps: readonly string[];
}

/**
 * Writes tenant, mapping and operation of a sign-up onto a linked account, in one transaction: all there, or none. The
 * mapping is intended, and bears no markers. A repeat with the same idempotency key and input answers the same operation.
 * @throws {IdempotencyKeyReused} {TenantKeyTaken} {AccountNotFound}
 * @throws {AccountNotUsable} when the account's key is forgotten, or failed its last proof
 * @throws {AccountInUse} when a tenant is on the account, or has its organization or project
 */
export async function insertLinkedSignUp(
  prisma: PrismaClient,
  intent: Intent,
  { operationId, key, name, accountId, steps }: LinkedSignUp,
): Promise<Started> {
  return startOnce(prisma, intent, async (tx) => {
    const account = await lockAccount(tx, accountId);
    // Before all that depends on the account: of two that send the same at once, the second is a repeat.
    const newest = await findTenant(tx, key);
    if (newest !== null && !closedStatuses.some((status) => status === newest.status)) {
      throw new TenantKeyTaken(key, newest.id);
    }
    if (account.keyState === "DETACHED")
      throw new AccountNotUsable("The account was unlinked: link it anew.");
    if (account.keyState !== "PROVED") {
      throw new AccountNotUsable(
        `${account.refutedBecause ?? "Its key is not proved."} Link the account again.`,
      );
    }
    const taken = (await tenantOn(tx, accountId)) ?? (await tenantOfPlace(tx, account));
    if (taken !== null) {
      throw new AccountInUse(
        taken,
        "A tenant is in this account's organization already, and each has one of its own.",
      );
    }
    const tenantId = newId("tnt");
    await tx.tenant.create({
      data: {
        ...{ id: tenantId, key, name, accountId, status: "PROVISIONING" },
        generation: (newest?.generation ?? 0) + 1,
      },
    });
    const operation = await insertOperation(tx, intent, { id: operationId, tenantId, steps });
    const organizationId = newId("res");
    const planned = { tenantId, operationId, name: mainProjectName, desired: {} };
    await tx.resource.create({ data: { ...planned, id: organizationId, kind: "ORGANIZATION" } });
    await tx.resource.create({
      data: { ...planned, id: newId("res"), kind: "PROJECT", parentId: organizationId },
    });
    return operation;
  });
}
