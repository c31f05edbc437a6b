import { z } from "zod";
import type { Operation } from "../generated/prisma/client.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { ping } from "../mem0/ping.ts";
import { getProject } from "../mem0/projects.ts";
import type { Mem0 } from "../mem0/request.ts";
import { isInvalidKey, isOf } from "../memory-access/prove-key.ts";
import { CannotOpen } from "../memory-access/sealed-secret.ts";
import { newId } from "../tenants/ids.ts";
import { refuteAndClaim } from "../tenants/key-proofs.ts";
import { recordLinkedPlace, releasePlace } from "../tenants/linked-places.ts";
import { insertLinkedSignUp } from "../tenants/linked-tenant-store.ts";
import { findAccount } from "../tenants/mem0-accounts.ts";
import { displayNameSchema, tenantKeySchema } from "../tenants/place.ts";
import { activation } from "./activation.ts";
import type { RunStarter } from "./engine.ts";
import { NotYet, StepRefused } from "./failures.ts";
import type { Home } from "./home.ts";
import type { Provisioning } from "./provisioning.ts";
import { plannedSteps, type Saga, type SagaContext, type Step } from "./saga.ts";

// ── Input ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const inputSchema = z.object({ key: tenantKeySchema, name: displayNameSchema, accountId: z.string() });

type Input = z.infer<typeof inputSchema>;

// ── Steps: each deed with its undoing ────────────────────────────────────────────────────────────────────────────────

const proveAccount: Step<Input, Home> = {
  name: "proveAccount",
  output: z.object({ orgId: z.string(), projectId: z.string() }),
  invoke: async (context) => {
    const { prisma } = context.provisioning;
    const account = await findAccount(prisma, context.input.accountId);
    if (account === null || account.keyState === "DETACHED")
      throw new StepRefused("The account was unlinked.");
    const { id, orgId, projectId, sealedKey } = account;
    const home = { orgId, projectId };
    const mem0 = await openedHere(context, id, sealedKey);
    const because = await whyNotOf(mem0, home);
    if (because !== null) {
      // The door is closed to it, too, and the schedule finds out whether it stays so.
      await refuteAndClaim(prisma, { owner: "ACCOUNT", id }, because);
      throw new StepRefused(`${because} Link the account again, and sign up anew.`);
    }
    await getOrganization(mem0, orgId);
    await getProject(mem0, orgId, projectId);
    return home;
  },
  // Also where the next step never began: the mapping was intended before either.
  compensate: letGo,
  whenSkipped: { never: "Nobody but Mem0 can say whose the account's key is." },
};

const recordPlace: Step<Input, object> = {
  name: "recordPlace",
  output: z.object({}),
  invoke: async (context) => {
    const home = context.outputOf(proveAccount);
    const { provisioning, tenant } = context;
    if (await recordLinkedPlace(provisioning.prisma, tenant.id, home)) return {};
    throw new StepRefused(
      "The account's organization or project is another tenant's, and each tenant has its own.",
    );
  },
  compensate: letGo,
  whenSkipped: { never: "Without it the tenant has no place, and it asks Mem0 nothing." },
};

const activate = activation<Input>();

async function letGo({ provisioning, tenant }: SagaContext<Input>): Promise<void> {
  await releasePlace(provisioning.prisma, tenant.id);
}

/** @throws {NotYet} when the key cannot be unsealed in this process: another one may have what unseals it */
async function openedHere(
  { provisioning }: SagaContext<Input>,
  id: string,
  sealedKey: unknown,
): Promise<Mem0> {
  try {
    return await provisioning.openAccount(id, sealedKey);
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
    throw new NotYet(`The account's API key cannot be opened. ${error.message}`);
  }
}

/** Why a key is not one of this organization and project, a sentence. Null: it is. */
async function whyNotOf(mem0: Mem0, home: Home): Promise<string | null> {
  try {
    return isOf(await ping(mem0), home)
      ? null
      : "Mem0 says that the account's API key is of another project.";
  } catch (error) {
    if (!isInvalidKey(error)) throw error;
    return "Mem0 says that the account's API key is not valid (any more).";
  }
}

// ── Saga ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Signs a tenant up onto its customer's own account: the account's key is proved, and its organization and project become
 * the tenant's. Nothing is made upstream, and an undoing deletes nothing there.
 */
export const linkSaga: Saga<Input> = {
  kind: "LINK",
  input: inputSchema,
  stages: [[proveAccount], [recordPlace], [activate]],
  onFailure: "unwind",
  tenantAfter: { succeeded: null, unwound: "FAILED" },
};

// ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A sign-up onto a linked account as a caller asks for it. */
export interface LinkRequest extends Input {
  readonly actor: string;
  readonly idempotencyKey: string;
}

/**
 * Signs a tenant up onto a linked account: writes tenant, mapping and operation in one transaction, and starts the saga
 * after it. Answers the operation at once. The same actor, idempotency key and input again: the same operation.
 *
 * @throws {TenantKeyTaken} while a tenant of this key is neither FAILED nor OFFBOARDED
 * @throws {AccountNotFound} {AccountNotUsable} {AccountInUse} {IdempotencyKeyReused}
 */
export async function signUpLinkedTenant(
  { prisma }: Provisioning,
  engine: RunStarter,
  { actor, idempotencyKey, key, name, accountId }: LinkRequest,
): Promise<Operation> {
  const input: Input = { key, name, accountId };
  const { operation, isNew } = await insertLinkedSignUp(
    prisma,
    { actor, kind: "LINK", idempotencyKey, input: { ...input } },
    { operationId: newId("op"), ...input, steps: plannedSteps(linkSaga, input) },
  );
  if (isNew) engine.start(operation.id, operation.run);
  return operation;
}
