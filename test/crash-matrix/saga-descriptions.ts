import { randomUUID } from "node:crypto";
import type { OperationKind } from "../../src/generated/prisma/enums.ts";
import { addWaitingMembers, addWaitingMembersSaga } from "../../src/provisioning/add-waiting-members.ts";
import { changePlace, changePlaceSaga } from "../../src/provisioning/change-place.ts";
import { checkTwins, checkTwinsSaga } from "../../src/provisioning/check-twins.ts";
import { linkSaga } from "../../src/provisioning/link-tenant.ts";
import { offboardSaga, offboardTenant } from "../../src/provisioning/offboard-tenant.ts";
import type { NothingToUndo } from "../../src/provisioning/saga.ts";
import { signUpSaga } from "../../src/provisioning/sign-up-tenant.ts";
import { placeChangeSchema } from "../../src/tenants/place-change.ts";
import type { Call } from "./cell.ts";
import type { Stage } from "./stage.ts";

/** What the matrix reads of a saga's own table. */
export interface SagaTable {
  readonly kind: OperationKind;
  readonly onFailure: "unwind" | "stop";
  readonly stages: readonly (readonly {
    readonly name: string;
    readonly isTolerated?: boolean;
    readonly isRepeatedFreely?: boolean;
    readonly compensate: NothingToUndo | object;
  }[])[];
}

/** What the matrix has to be told of a step. */
export interface StepDescription {
  /** The call of the deed that is put under test. Null: it asks Mem0 nothing. */
  readonly call: Call | null;
  /**
   * The call of its undoing, or that it makes none; or the step with whose undoing it goes; or why the saga is never undone
   * from here.
   */
  readonly undoing:
    | Call
    | { readonly asksNothing: true }
    | { readonly goesWith: string }
    | { readonly never: string };
  /** Whether it is a step of tenants on their customers' own accounts alone. */
  readonly isLinked?: true;
  /** Why the saga cannot unwind any more once this step was done. Absent: it can. */
  readonly doneIsFinal?: string;
}

/** All that the matrix has to be told of a saga. */
export interface SagaDescription {
  readonly saga: SagaTable;
  /** The step at which it is made to fail for good, where everything before it is to be undone. Null: it never unwinds. */
  readonly failsAt: string | null;
  readonly steps: Readonly<Record<string, StepDescription>>;
  /** Makes the tenant ready before the operation under test; `isLinked`: for a step of tenants on customers' own accounts. */
  prepare(stage: Stage, key: string, isLinked: boolean): Promise<void>;
  /** Starts the operation under test; answers once it is committed. Once more for a chore: the next one. */
  start(stage: Stage, key: string): Promise<void>;
  /**
   * What must be the case when it has succeeded: linked: the customer's own place is the tenant's. When it is unwound,
   * everything must be gone; but a customer's own place is always left as it was.
   */
  readonly endsAs: "whole" | "gone" | "linked";
}

const organizations = "/api/v1/orgs/organizations/";
const organization = `${organizations}{org_id}/`;
const projects = `${organization}projects/`;
const project = `${projects}{project_id}/`;
const post = (path: string): Call => ({ method: "POST", path });
const del = (path: string): Call => ({ method: "DELETE", path });

const signUp: SagaDescription = {
  saga: signUpSaga,
  failsAt: "activate",
  steps: {
    createOrganization: { call: post(organizations), undoing: del(organization) },
    createProject: { call: post(projects), undoing: del(project) },
    addOrganizationMembers: {
      call: post(`${organization}members/`),
      undoing: { goesWith: "createOrganization" },
    },
    applySettings: { call: { method: "PATCH", path: project }, undoing: { goesWith: "createProject" } },
    addProjectMembers: { call: post(`${project}members/`), undoing: { goesWith: "createProject" } },
    createWebhooks: {
      call: post("/api/v1/webhooks/projects/{project_id}/"),
      undoing: del("/api/v1/webhooks/{webhook_id}/"),
    },
    activate: {
      call: null,
      undoing: { goesWith: "createOrganization" },
      doneIsFinal: "the tenant is ACTIVE, and nothing but an outage of our own database can keep this step",
    },
    readBack: {
      call: { method: "GET", path: organization },
      undoing: { never: "it comes after ACTIVE, and its failure is tolerated" },
    },
  },
  prepare: async (stage, key) => stage.register(key),
  start: (stage, key) => stage.signUp(key),
  endsAs: "whole",
};

const forward = { never: "the saga only goes forward" };

const offboard: SagaDescription = {
  saga: offboardSaga,
  failsAt: null,
  steps: {
    deleteWebhooks: { call: del("/api/v1/webhooks/{webhook_id}/"), undoing: forward },
    deleteProject: { call: del(project), undoing: forward },
    deleteOrganization: { call: del(organization), undoing: forward },
    releasePlace: { call: null, undoing: forward, isLinked: true },
  },
  prepare: async (stage, key, isLinked) => {
    if (isLinked) {
      await stage.linkAccount(key);
      await stage.signUpLinked(key);
      return;
    }
    await stage.register(key);
    await stage.signUp(key);
  },
  start: async ({ provisioning, starter }, key) => {
    await offboardTenant(provisioning, starter, { actor: "matrix", key, idempotencyKey: `offboard-${key}` });
  },
  endsAs: "gone",
};

const waitingMembers: SagaDescription = {
  saga: addWaitingMembersSaga,
  failsAt: null,
  steps: {
    addOrganizationMembers: { call: post(`${organization}members/`), undoing: forward },
    addProjectMembers: { call: post(`${project}members/`), undoing: forward },
  },
  // Nobody of this e-mail is registered yet, so the member waits.
  prepare: (stage, key) => stage.signUp(key),
  start: async (stage, key) => {
    await stage.register(key);
    await addWaitingMembers(stage.provisioning, stage.starter, await stage.tenantId(key));
  },
  endsAs: "whole",
};

const twins: SagaDescription = {
  saga: checkTwinsSaga,
  failsAt: null,
  steps: { removeTwins: { call: del(project), undoing: forward } },
  prepare: async (stage, key) => {
    await stage.register(key);
    await stage.signUp(key);
  },
  start: async (stage, key) => {
    await stage.plantTwins(key);
    const tenantId = await stage.tenantId(key);
    const operationId = await stage.operationId(key, "SIGN_UP");
    await checkTwins(stage.provisioning, stage.starter, { operationId, tenantId });
  },
  endsAs: "whole",
};

const change: SagaDescription = {
  saga: changePlaceSaga,
  failsAt: null,
  steps: {
    applySettings: { call: { method: "PATCH", path: project }, undoing: forward },
    setOrganizationMembers: { call: post(`${organization}members/`), undoing: forward },
    removeWebhooks: { call: del("/api/v1/webhooks/{webhook_id}/"), undoing: forward },
    setProjectMembers: { call: post(`${project}members/`), undoing: forward },
    setWebhooks: { call: post("/api/v1/webhooks/projects/{project_id}/"), undoing: forward },
    removeProjectMembers: { call: del(`${project}members/`), undoing: forward },
    removeOrganizationMembers: { call: del(`${organization}members/`), undoing: forward },
    readBack: { call: { method: "GET", path: organization }, undoing: forward },
  },
  // A place that is other than it shall be in every part.
  prepare: async (stage, key) => {
    await stage.register(key);
    await stage.emulator.registerUser(`old@${key}.test`);
    await stage.signUp(key, {
      members: [{ email: `old@${key}.test` }],
      webhooks: [{ name: "old", url: `https://${key}.test/old`, eventTypes: ["MEMORY_ADD"] }],
      settings: { customInstructions: "Old.", decay: false },
    });
  },
  start: async ({ provisioning, starter }, key) => {
    const wanted = placeChangeSchema.parse({
      settings: { customInstructions: `Of ${key}.` },
      setMembers: [{ email: `ada@${key}.test` }],
      removeMembers: [`old@${key}.test`],
      setWebhooks: [{ name: "new", url: `https://${key}.test/hook`, eventTypes: ["MEMORY_ADD"] }],
      removeWebhooks: ["old"],
    });
    const request = { actor: "matrix", key, idempotencyKey: `change-${randomUUID()}`, change: wanted };
    await changePlace(provisioning, starter, request);
  },
  endsAs: "whole",
};

const link: SagaDescription = {
  saga: linkSaga,
  failsAt: "activate",
  steps: {
    // The path of a ping is everybody's: a fault of it could meet another tenant's.
    proveAccount: {
      call: { method: "GET", path: organization },
      undoing: { asksNothing: true },
      isLinked: true,
    },
    recordPlace: { call: null, undoing: { asksNothing: true }, isLinked: true },
    activate: {
      call: null,
      undoing: { goesWith: "recordPlace" },
      doneIsFinal: "the tenant is ACTIVE, and nothing but an outage of our own database can keep this step",
      isLinked: true,
    },
  },
  prepare: (stage, key) => stage.linkAccount(key),
  start: (stage, key) => stage.signUpLinked(key),
  endsAs: "linked",
};

/** Every saga. A new one gets the whole matrix by being described here; the compiler asks for it. */
export const sagaDescriptions: Readonly<Record<OperationKind, SagaDescription>> = {
  SIGN_UP: signUp,
  OFFBOARD: offboard,
  ADD_WAITING_MEMBERS: waitingMembers,
  CHECK_TWINS: twins,
  CHANGE_PLACE: change,
  LINK: link,
};
