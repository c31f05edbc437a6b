import { z } from "zod";
import type { Operation } from "../generated/prisma/client.ts";
import type { ResourceKind } from "../generated/prisma/enums.ts";
import { newId } from "../tenants/ids.ts";
import { releasePlace } from "../tenants/linked-places.ts";
import { tenantKeySchema } from "../tenants/place.ts";
import { insertOffboarding } from "../tenants/tenant-store.ts";
import type { RunStarter } from "./engine.ts";
import { removeOrganization } from "./organization.ts";
import { removeProject } from "./project.ts";
import type { Provisioning } from "./provisioning.ts";
import { nothingToUndo, plannedSteps, type Saga, type SagaContext, type Step } from "./saga.ts";
import { removeWebhooks } from "./webhooks.ts";

// ── Input ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `isLinked`: the tenant is on its customer's own account. What began before there were such tenants does not say. */
const inputSchema = z.object({ key: tenantKeySchema, isLinked: z.boolean().default(false) });

type Input = z.infer<typeof inputSchema>;

// ── Steps: an off-boarding only goes forward ─────────────────────────────────────────────────────────────────────────

const forwardOnly = nothingToUndo(
  "What was deleted cannot be brought back; an off-boarding stops, and is resumed.",
);

function removal(
  name: string,
  removes: ResourceKind,
  remove: (context: SagaContext<Input>) => Promise<void>,
): Step<Input, object> {
  return {
    name,
    output: z.object({}),
    isNeeded: ({ isLinked }) => !isLinked,
    invoke: async (context) => {
      await remove(context);
      return {};
    },
    compensate: forwardOnly,
    whenSkipped: { removes },
  };
}

const deleteWebhooks = removal("deleteWebhooks", "WEBHOOK", removeWebhooks);
const deleteProject = removal("deleteProject", "PROJECT", removeProject);
const deleteOrganization = removal("deleteOrganization", "ORGANIZATION", removeOrganization);

/** What a customer brought is let go of, and not deleted. */
const letGo: Step<Input, object> = {
  name: "releasePlace",
  output: z.object({}),
  isNeeded: ({ isLinked }) => isLinked,
  invoke: async ({ provisioning, tenant }) => {
    await releasePlace(provisioning.prisma, tenant.id);
    return {};
  },
  compensate: nothingToUndo("It changes nothing upstream, and may be done any number of times."),
  whenSkipped: { never: "Only this step frees the place for another tenant, and it asks Mem0 nothing." },
};

// ── Saga ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Takes a tenant's place away, from the inside out, and proves of each thing that it is gone; or lets go of a place that is
 * the customer's own. (Its last stage came later than the others. Runs from before plan nothing of it, so it is no change.)
 */
export const offboardSaga: Saga<Input> = {
  kind: "OFFBOARD",
  input: inputSchema,
  stages: [[deleteWebhooks], [deleteProject], [deleteOrganization], [letGo]],
  onFailure: "stop",
  tenantAfter: { succeeded: "OFFBOARDED", unwound: null },
};

// ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** An off-boarding as a caller asks for it. */
export interface OffboardRequest {
  readonly key: string;
  readonly actor: string;
  readonly idempotencyKey: string;
}

/**
 * Off-boards the tenant of a key: moves it to OFFBOARDING in one transaction, and starts the saga after it. Answers the
 * operation at once; the same request again answers the same operation. A read-back that is still under way is
 * superseded.
 *
 * @throws {TenantNotFound}
 * @throws {TenantStatusRefused} when the tenant is not ACTIVE
 * @throws {OperationInProgress} while another operation of the tenant is open
 * @throws {IdempotencyKeyReused}
 */
export async function offboardTenant(
  provisioning: Provisioning,
  engine: RunStarter,
  request: OffboardRequest,
): Promise<Operation> {
  const { actor, idempotencyKey, key } = request;
  const twinCheckAt = new Date(Date.now() + provisioning.timings.twinCheckMs);
  const { operation, isNew } = await insertOffboarding(
    provisioning.prisma,
    { actor, kind: "OFFBOARD", idempotencyKey, input: { key } },
    {
      ...{ operationId: newId("op"), key, twinCheckAt },
      stepsOf: (isLinked) => plannedSteps(offboardSaga, { key, isLinked }),
    },
  );
  if (isNew) engine.start(operation.id, operation.run);
  return operation;
}
