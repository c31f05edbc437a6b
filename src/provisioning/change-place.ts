import { z } from "zod";
import type { Operation } from "../generated/prisma/client.ts";
import { updateWebhook } from "../mem0/webhooks.ts";
import { newId } from "../tenants/ids.ts";
import { readResource } from "../tenants/mapping.ts";
import { tenantKeySchema } from "../tenants/place.ts";
import { type PlaceChange, placeChangeSchema } from "../tenants/place-change.ts";
import { insertPlaceChange } from "../tenants/place-change-store.ts";
import { membersOfOrganization, membersOfProject, removeMembers, setMembers } from "./change-members.ts";
import type { RunStarter } from "./engine.ts";
import { type Home, homeOf } from "./home.ts";
import { inParallel } from "./in-parallel.ts";
import type { Provisioning } from "./provisioning.ts";
import { readPlaceBack } from "./read-back.ts";
import { nothingToUndo, plannedSteps, type Saga, type SagaContext, type Step } from "./saga.ts";
import { setProjectSettings } from "./settings.ts";
import { refuseOwnAccount } from "./sign-up-tenant.ts";
import { desiredWebhook, makeWebhook, refuseUrl, removeWebhook } from "./webhooks.ts";

// ── Input ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const inputSchema = z.object({ key: tenantKeySchema, change: placeChangeSchema });

type Input = z.infer<typeof inputSchema>;

// ── Steps: a change only goes forward ────────────────────────────────────────────────────────────────────────────────

const forwardOnly = nothingToUndo(
  "What a change shall be is absolute: it stops where it fails and is told to go on, or another change says otherwise.",
);

function part(
  name: string,
  isNeeded: (change: PlaceChange) => boolean,
  make: (context: SagaContext<Input>, home: Home) => Promise<void>,
): Step<Input, object> {
  return {
    name,
    output: z.object({}),
    isNeeded: ({ change }) => isNeeded(change),
    invoke: async (context) => {
      await make(context, await homeOf(context));
      return {};
    },
    compensate: forwardOnly,
  };
}

const applySettings = part(
  "applySettings",
  ({ settings }) => Object.keys(settings).length > 0,
  (context, home) => setProjectSettings(context, { ...home, settings: context.input.change.settings }),
);

const setOrganizationMembers = part(
  "setOrganizationMembers",
  ({ setMembers: wanted }) => wanted.length > 0,
  (context, { orgId }) => setMembers(context, membersOfOrganization(context, orgId), wantedIn(context.input)),
);

const setProjectMembers = part(
  "setProjectMembers",
  ({ setMembers: wanted }) => wanted.length > 0,
  (context, home) => setMembers(context, membersOfProject(context, home), wantedIn(context.input)),
);

const leaveProject = part(
  "removeProjectMembers",
  ({ removeMembers: leaving }) => leaving.length > 0,
  (context, home) =>
    removeMembers(context, membersOfProject(context, home), context.input.change.removeMembers),
);

const leaveOrganization = part(
  "removeOrganizationMembers",
  ({ removeMembers: leaving }) => leaving.length > 0,
  (context, { orgId }) =>
    removeMembers(context, membersOfOrganization(context, orgId), context.input.change.removeMembers),
);

const removeWebhooks = part(
  "removeWebhooks",
  ({ removeWebhooks: leaving }) => leaving.length > 0,
  async (context, home) => {
    for (const { id } of webhooksNamed(context, context.input.change.removeWebhooks)) {
      await removeWebhook(context, id, home);
    }
  },
);

const setWebhooks = part(
  "setWebhooks",
  ({ setWebhooks: wanted }) => wanted.length > 0,
  async (context, home) => {
    const { mem0, prisma } = context.provisioning;
    const names = context.input.change.setWebhooks.map(({ name }) => name);
    await inParallel(webhooksNamed(context, names), async (known) => {
      const webhook = await readResource(prisma, known.id);
      if (webhook.state === "PRESENT" && webhook.upstreamId !== null) {
        await refuseUrl(context, webhook);
        await updateWebhook(mem0, webhook.upstreamId, desiredWebhook(webhook));
      } else {
        await makeWebhook(context, webhook, home);
      }
    });
  },
);

const readBack: Step<Input, object> = {
  name: "readBack",
  output: z.object({ differences: z.number() }),
  isTolerated: true,
  isRepeatedFreely: true,
  invoke: async (context) => ({ differences: await readPlaceBack(context, await homeOf(context)) }),
  compensate: nothingToUndo("It only reads upstream."),
};

function wantedIn({ change }: Input) {
  return { emails: change.setMembers.map(({ email }) => email), onUnknownMember: change.onUnknownMember };
}

/** Of several of one name all but one are GONE, and stay so: what is done to such a one is nothing. */
function webhooksNamed(context: SagaContext<Input>, names: readonly string[]) {
  return context.resources("WEBHOOK").filter(({ name, state }) => state !== "GONE" && names.includes(name));
}

// ── Saga ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Changes the place of an ACTIVE tenant: settings, members, webhooks. Every part is absolute and looks before it makes, so
 * it may be repeated from anywhere. Then the place is read back.
 */
export const changePlaceSaga: Saga<Input> = {
  kind: "CHANGE_PLACE",
  input: inputSchema,
  stages: [
    [applySettings, setOrganizationMembers, removeWebhooks],
    [setProjectMembers, setWebhooks],
    [leaveProject],
    [leaveOrganization],
    [readBack],
  ],
  onFailure: "stop",
  tenantAfter: { succeeded: null, unwound: null },
};

// ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A change as a caller asks for it; `change` was parsed by `placeChangeSchema`. */
export interface ChangePlaceRequest {
  readonly actor: string;
  readonly key: string;
  readonly idempotencyKey: string;
  readonly change: PlaceChange;
}

/**
 * Changes the place of the tenant of a key: writes operation and wishes in one transaction, and starts the saga after
 * it. Answers the operation at once; the same request again answers the same operation.
 *
 * @throws {InvalidInput} when the change does not fit the place, or is about the platform account itself
 * @throws {TenantNotFound}
 * @throws {PlaceNotManaged} when the tenant is on its customer's own account
 * @throws {TenantStatusRefused} when the tenant is not ACTIVE
 * @throws {OperationInProgress} while another operation of the tenant is open
 * @throws {IdempotencyKeyReused}
 */
export async function changePlace(
  provisioning: Provisioning,
  engine: RunStarter,
  { actor, key, idempotencyKey, change }: ChangePlaceRequest,
): Promise<Operation> {
  const { account, prisma } = provisioning;
  const added = change.setMembers.map(({ email }) => email);
  refuseOwnAccount(account, added, (index) => `setMembers.${index}.email`);
  refuseOwnAccount(account, change.removeMembers, (index) => `removeMembers.${index}`);
  const input: Input = { key, change };
  const { operation, isNew } = await insertPlaceChange(
    prisma,
    { actor, kind: "CHANGE_PLACE", idempotencyKey, input: JSON.parse(JSON.stringify(input)) },
    { operationId: newId("op"), key, change, steps: plannedSteps(changePlaceSaga, input) },
  );
  if (isNew) engine.start(operation.id, operation.run);
  return operation;
}
