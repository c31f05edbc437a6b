import { z } from "zod";
import { newId } from "../tenants/ids.ts";
import { insertChore } from "../tenants/tenant-store.ts";
import type { RunStarter } from "./engine.ts";
import { removeTwinOrganizations } from "./organization.ts";
import { removeTwinProjects } from "./project.ts";
import type { Provisioning } from "./provisioning.ts";
import { nothingToUndo, plannedSteps, type Saga, type Step } from "./saga.ts";

// ── Input ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The ambiguous operation that is looked after. */
const inputSchema = z.object({ operationId: z.string() });

type Input = z.infer<typeof inputSchema>;

// ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const removeTwins: Step<Input, { removed: number }> = {
  name: "removeTwins",
  output: z.object({ removed: z.number() }),
  invoke: async (context) => {
    // On a customer's own account nothing was ever made, and nothing bears a marker.
    if (context.tenant.accountId !== null) return { removed: 0 };
    return { removed: (await removeTwinProjects(context)) + (await removeTwinOrganizations(context)) };
  },
  compensate: nothingToUndo("A twin that was removed held nothing."),
};

// ── Saga ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Looks once more, minutes after an ambiguous operation ended, for things that landed later than anybody waited, and
 * removes them. What is suspicious it tells in the tenant's drift, and succeeds: nothing of ours is broken. Webhooks need
 * no such look: Mem0 keeps their URL unique in a project.
 */
export const checkTwinsSaga: Saga<Input> = {
  kind: "CHECK_TWINS",
  input: inputSchema,
  stages: [[removeTwins]],
  onFailure: "stop",
  tenantAfter: { succeeded: null, unwound: null },
};

// ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Starts the look for one ambiguous operation, on our own behalf. A repeat answers the same operation.
 * @throws {OperationInProgress}
 */
export async function checkTwins(
  { prisma }: Provisioning,
  engine: RunStarter,
  after: { readonly operationId: string; readonly tenantId: string },
): Promise<void> {
  const input: Input = { operationId: after.operationId };
  const { operation, isNew } = await insertChore(
    prisma,
    { actor: "loci", kind: "CHECK_TWINS", idempotencyKey: after.operationId, input },
    { operationId: newId("op"), tenantId: after.tenantId, steps: plannedSteps(checkTwinsSaga, input) },
  );
  if (isNew) engine.start(operation.id, operation.run);
}
