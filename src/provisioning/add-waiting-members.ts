import { z } from "zod";
import { newId } from "../tenants/ids.ts";
import { insertChore } from "../tenants/tenant-store.ts";
import type { RunStarter } from "./engine.ts";
import { homeOf } from "./home.ts";
import { addOrganizationMembers, addProjectMembers } from "./members.ts";
import type { Provisioning } from "./provisioning.ts";
import { nothingToUndo, plannedSteps, type Saga, type Step } from "./saga.ts";

// ── Input ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const inputSchema = z.object({});

type Input = z.infer<typeof inputSchema>;

// ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const stays = nothingToUndo("A member who was added stays: it is what the sign-up asked for.");

const joinOrganization: Step<Input, object> = {
  name: "addOrganizationMembers",
  output: z.object({}),
  isTolerated: true,
  invoke: async (context) => {
    const { orgId } = await homeOf(context);
    await addOrganizationMembers(context, { orgId, onUnknownMember: "WAIT", mayBeThere: true });
    return {};
  },
  compensate: stays,
};

const joinProject: Step<Input, object> = {
  name: "addProjectMembers",
  output: z.object({}),
  isTolerated: true,
  invoke: async (context) => {
    await addProjectMembers(context, { ...(await homeOf(context)), onUnknownMember: "WAIT" });
    return {};
  },
  compensate: stays,
};

// ── Saga ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Tries once more to add the members of an ACTIVE tenant whose e-mail Mem0 did not know. */
export const addWaitingMembersSaga: Saga<Input> = {
  kind: "ADD_WAITING_MEMBERS",
  input: inputSchema,
  stages: [[joinOrganization], [joinProject]],
  onFailure: "stop",
  tenantAfter: { succeeded: null, unwound: null },
};

// ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Starts the saga for a tenant, on our own behalf. Every call is a new operation.
 * @throws {OperationInProgress}
 */
export async function addWaitingMembers(
  { prisma }: Provisioning,
  engine: RunStarter,
  tenantId: string,
): Promise<void> {
  const operationId = newId("op");
  const { operation } = await insertChore(
    prisma,
    { actor: "loci", kind: "ADD_WAITING_MEMBERS", idempotencyKey: operationId, input: {} },
    { operationId, tenantId, steps: plannedSteps(addWaitingMembersSaga, {}) },
  );
  engine.start(operation.id, operation.run);
}
