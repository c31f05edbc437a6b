import { z } from "zod";
import type { Operation } from "../generated/prisma/client.ts";
import { newId } from "../tenants/ids.ts";
import { type Place, placeSchema, tenantKeySchema } from "../tenants/place.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { insertSignUp } from "../tenants/tenant-store.ts";
import { activation } from "./activation.ts";
import type { RunStarter } from "./engine.ts";
import { addOrganizationMembers, addProjectMembers } from "./members.ts";
import { makeOrganization, removeOrganization } from "./organization.ts";
import { makeProject, removeProject } from "./project.ts";
import type { Provisioning } from "./provisioning.ts";
import { readPlaceBack } from "./read-back.ts";
import { nothingToUndo, plannedSteps, type Saga, type Step } from "./saga.ts";
import { setProjectSettings } from "./settings.ts";
import { makeWebhooks, removeWebhooks } from "./webhooks.ts";

// ── Input ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a sign-up stores on its operation. */
export const signUpInputSchema = z.object({ key: tenantKeySchema, place: placeSchema });

type Input = z.infer<typeof signUpInputSchema>;

const nothing = z.object({});

// ── Steps: each deed with its undoing ────────────────────────────────────────────────────────────────────────────────

const createOrganization: Step<Input, { orgId: string }> = {
  name: "createOrganization",
  output: z.object({ orgId: z.string() }),
  isStartImplied: true,
  invoke: async (context) => {
    const answer = (orgId: string) => ({ orgId });
    return answer(await makeOrganization(context, answer));
  },
  compensate: removeOrganization,
  whenSkipped: {
    makes: "ORGANIZATION",
    outputFrom: (upstreamIdOf) => {
      const orgId = upstreamIdOf("ORGANIZATION");
      return orgId === null ? null : { orgId };
    },
  },
};

const createProject: Step<Input, { projectId: string }> = {
  name: "createProject",
  output: z.object({ projectId: z.string() }),
  isStartImplied: true,
  invoke: async (context) => {
    const { orgId } = context.outputOf(createOrganization);
    const answer = (projectId: string) => ({ projectId });
    return answer(await makeProject(context, orgId, answer));
  },
  compensate: removeProject,
  whenSkipped: {
    makes: "PROJECT",
    outputFrom: (upstreamIdOf) => {
      const projectId = upstreamIdOf("PROJECT");
      return projectId === null ? null : { projectId };
    },
  },
};

const joinOrganization: Step<Input, object> = {
  name: "addOrganizationMembers",
  output: nothing,
  isNeeded: ({ place }) => place.members.length > 0,
  invoke: async (context) => {
    const { orgId } = context.outputOf(createOrganization);
    const { onUnknownMember } = context.input.place;
    await addOrganizationMembers(context, { orgId, onUnknownMember, mayBeThere: false });
    return {};
  },
  compensate: nothingToUndo("Members go with the organization, whose removal is proved."),
  whenSkipped: { makes: "ORGANIZATION_MEMBER" },
};

const applySettings: Step<Input, object> = {
  name: "applySettings",
  output: nothing,
  // A repeat sets the same again.
  isStartImplied: true,
  isNeeded: ({ place }) => Object.keys(place.settings).length > 0,
  invoke: async (context) => {
    const home = { ...context.outputOf(createOrganization), ...context.outputOf(createProject) };
    await setProjectSettings(context, { ...home, settings: context.input.place.settings });
    return {};
  },
  compensate: nothingToUndo("Settings are a part of the project and go with it."),
  whenSkipped: { makes: "PROJECT_SETTINGS" },
};

const joinProject: Step<Input, object> = {
  name: "addProjectMembers",
  output: nothing,
  // A repeat that is told "already a member" looks.
  isStartImplied: true,
  isNeeded: ({ place }) => place.members.length > 0,
  invoke: async (context) => {
    const home = { ...context.outputOf(createOrganization), ...context.outputOf(createProject) };
    const { onUnknownMember } = context.input.place;
    await addProjectMembers(context, { ...home, onUnknownMember });
    return {};
  },
  compensate: nothingToUndo("Members go with the project, whose removal is proved."),
  whenSkipped: { makes: "PROJECT_MEMBER" },
};

const createWebhooks: Step<Input, object> = {
  name: "createWebhooks",
  output: nothing,
  isStartImplied: true,
  isNeeded: ({ place }) => place.webhooks.length > 0,
  invoke: async (context) => {
    await makeWebhooks(context, {
      ...context.outputOf(createOrganization),
      ...context.outputOf(createProject),
    });
    return {};
  },
  compensate: removeWebhooks,
  whenSkipped: { makes: "WEBHOOK" },
};

const activate = activation<Input>();

const readBack: Step<Input, { differences: number }> = {
  name: "readBack",
  output: z.object({ differences: z.number() }),
  isTolerated: true,
  isRepeatedFreely: true,
  invoke: async (context) => {
    const home = { ...context.outputOf(createOrganization), ...context.outputOf(createProject) };
    return { differences: await readPlaceBack(context, home) };
  },
  compensate: nothingToUndo("It only reads upstream, and comes after the tenant is ACTIVE."),
};

// ── Saga ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Signs a tenant up into an organization of its own. Three upstream round trips to ACTIVE, then a read-back. */
export const signUpSaga: Saga<Input> = {
  kind: "SIGN_UP",
  input: signUpInputSchema,
  stages: [
    [createOrganization],
    [createProject, joinOrganization],
    [applySettings, joinProject, createWebhooks],
    [activate],
    [readBack],
  ],
  onFailure: "unwind",
  tenantAfter: { succeeded: null, unwound: "FAILED" },
};

// ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A sign-up as a caller asks for it; `place` was parsed by `placeSchema`. */
export interface SignUpRequest {
  readonly actor: string;
  readonly key: string;
  readonly idempotencyKey: string;
  readonly place: Place;
}

/**
 * Signs a tenant up: writes tenant, mapping and operation in one transaction, and starts the saga after it. Answers
 * the operation at once. The same actor, idempotency key and input again: the same operation, and nothing new.
 *
 * @throws {InvalidInput} when a member is the platform account itself
 * @throws {TenantKeyTaken} while a tenant of this key is neither FAILED nor OFFBOARDED
 * @throws {IdempotencyKeyReused}
 */
export async function signUpTenant(
  provisioning: Provisioning,
  engine: RunStarter,
  request: SignUpRequest,
): Promise<Operation> {
  const { account, prisma, markerSecret } = provisioning;
  const { actor, idempotencyKey } = request;
  const input: Input = { key: request.key, place: request.place };
  refuseOwnAccount(
    account,
    input.place.members.map(({ email }) => email),
  );
  const json = JSON.parse(JSON.stringify(input));
  const { operation, isNew } = await insertSignUp(
    prisma,
    { actor, kind: "SIGN_UP", idempotencyKey, input: json },
    { operationId: newId("op"), ...input, markerSecret, steps: plannedSteps(signUpSaga, input) },
  );
  if (isNew) engine.start(operation.id, operation.run);
  return operation;
}

/**
 * Refuses the platform's own account among people: it must never be added, demoted or removed as a member. `fieldOf` says
 * where in the input one of them stands.
 * @throws {InvalidInput}
 */
export function refuseOwnAccount(
  { userEmail }: Provisioning["account"],
  emails: readonly string[],
  fieldOf: (index: number) => string = (index) => `members.${index}.email`,
): void {
  const own = emails.findIndex((email) => email.toLowerCase() === userEmail.toLowerCase());
  if (own === -1) return;
  const message = "Is Loci's own Mem0 account, which is OWNER of every organization it makes.";
  throw new InvalidInput([{ field: fieldOf(own), message }]);
}
