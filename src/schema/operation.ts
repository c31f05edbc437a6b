import { OperationKind, OperationStatus, StepStatus } from "../generated/prisma/enums.ts";
import type { StepError } from "../tenants/operation-steps.ts";
import { builder } from "./builder.ts";
import { andVisible, visibleOperations } from "./visible.ts";

/** The kinds of operations, in GraphQL. */
export const OperationKindEnum = builder.enumType("OperationKind", {
  values: {
    SIGN_UP: { value: OperationKind.SIGN_UP },
    OFFBOARD: { value: OperationKind.OFFBOARD },
    ADD_WAITING_MEMBERS: {
      value: OperationKind.ADD_WAITING_MEMBERS,
      description: "Members whom Mem0 did not know are tried again.",
    },
    CHECK_TWINS: {
      value: OperationKind.CHECK_TWINS,
      description: "The late look for what a lost request may have made after all.",
    },
    CHANGE_PLACE: {
      value: OperationKind.CHANGE_PLACE,
      description: "Settings, members or webhooks of an ACTIVE tenant are changed.",
    },
    LINK: {
      value: OperationKind.LINK,
      description: "A sign-up onto a customer's own account: nothing is made in Mem0.",
    },
  },
});

/** The statuses of operations, in GraphQL. */
export const OperationStatusEnum = builder.enumType("OperationStatus", {
  values: {
    QUEUED: { value: OperationStatus.QUEUED },
    RUNNING: { value: OperationStatus.RUNNING },
    PARKED: { value: OperationStatus.PARKED, description: "Goes on by itself at `resumeAt`." },
    SUCCEEDED: { value: OperationStatus.SUCCEEDED },
    UNWINDING: { value: OperationStatus.UNWINDING, description: "What was started is being undone." },
    UNWOUND: {
      value: OperationStatus.UNWOUND,
      description: "What was started is undone; `reason` says why.",
    },
    NEEDS_ATTENTION: {
      value: OperationStatus.NEEDS_ATTENTION,
      description: "Cannot go on alone; `reason` says why. See `whatCanBeDone`.",
    },
    CANCELLED: { value: OperationStatus.CANCELLED, description: "Called off before anything had started." },
  },
});

const stepStatusEnum = builder.enumType("StepStatus", {
  values: {
    PENDING: { value: StepStatus.PENDING },
    RUNNING: { value: StepStatus.RUNNING },
    SUCCEEDED: { value: StepStatus.SUCCEEDED },
    FAILED: { value: StepStatus.FAILED },
    SUPERSEDED: { value: StepStatus.SUPERSEDED, description: "Another operation made it needless." },
    COMPENSATING: { value: StepStatus.COMPENSATING, description: "It is being undone." },
    COMPENSATED: { value: StepStatus.COMPENSATED, description: "It is undone." },
    COMPENSATION_FAILED: { value: StepStatus.COMPENSATION_FAILED },
    SKIPPED: {
      value: StepStatus.SKIPPED,
      description: "An operator said that it is not needed; see `evidence`.",
    },
  },
});

const StepErrorRef = builder.objectRef<StepError>("StepError").implement({
  description: "The last error of a step.",
  fields: (t) => ({
    code: t.exposeString("code"),
    message: t.exposeString("message"),
    retryable: t.exposeBoolean("retryable"),
  }),
});

builder.prismaObject("OperationStep", {
  description: "A step of an operation.",
  fields: (t) => ({
    name: t.exposeString("name"),
    status: t.expose("status", { type: stepStatusEnum }),
    attempts: t.exposeInt("attempts", { description: "How often it, or its undoing, was begun." }),
    upstreamCalls: t.exposeInt("upstreamCalls", {
      description: "Requests that were sent to Mem0 for it, in both directions.",
    }),
    nextAttemptAt: t.expose("nextAttemptAt", {
      type: "DateTime",
      nullable: true,
      description: "When it is tried again, while that is waited for.",
    }),
    deadlineAt: t.expose("deadlineAt", {
      type: "DateTime",
      nullable: true,
      description: "Until when it is tried again; after that a failure is for good.",
    }),
    evidence: t.exposeString("evidence", {
      nullable: true,
      description: "Why it was SKIPPED, in the words of the operator.",
    }),
    startedAt: t.expose("startedAt", { type: "DateTime", nullable: true }),
    finishedAt: t.expose("finishedAt", { type: "DateTime", nullable: true }),
    error: t.field({
      type: StepErrorRef,
      nullable: true,
      select: { errorCode: true, errorMessage: true, errorRetryable: true },
      resolve: ({ errorCode, errorMessage, errorRetryable }) =>
        errorCode === null
          ? null
          : { code: errorCode, message: errorMessage ?? "", retryable: errorRetryable ?? false },
    }),
  }),
});

/** An operation, in GraphQL. */
export const OperationNode = builder.prismaNode("Operation", {
  id: { field: "id" },
  nullable: true,
  findUnique: (id, { caller }) => andVisible(id, visibleOperations(caller)),
  description: "One execution of a saga: something that is done to a tenant, step by step.",
  fields: (t) => ({
    kind: t.expose("kind", { type: OperationKindEnum }),
    status: t.expose("status", { type: OperationStatusEnum }),
    actor: t.exposeString("actor", { description: "Who asked for it; `loci` for what we start ourselves." }),
    reason: t.exposeString("reason", {
      nullable: true,
      description: "Why it is parked, needs attention, or was unwound.",
    }),
    resumeAt: t.expose("resumeAt", { type: "DateTime", nullable: true }),
    deadlineAt: t.expose("deadlineAt", {
      type: "DateTime",
      nullable: true,
      description: "Until when it tries by itself. Put off by as long as it is parked for a spent quota.",
    }),
    cancelRequestedAt: t.expose("cancelRequestedAt", {
      type: "DateTime",
      nullable: true,
      description: "Since when it is to stop and be undone; see `abortOperation`.",
    }),
    cancelReason: t.exposeString("cancelReason", {
      nullable: true,
      description: "Why, in the words of whoever called it off.",
    }),
    ambiguous: t.exposeBoolean("ambiguous", {
      description: "Whether the answer to a create was ever lost under it.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime" }),
    startedAt: t.expose("startedAt", { type: "DateTime", nullable: true }),
    finishedAt: t.expose("finishedAt", { type: "DateTime", nullable: true }),
    tenant: t.relation("tenant"),
    steps: t.relation("steps", { query: { orderBy: { position: "asc" } } }),
  }),
});

builder.queryField("operation", (t) =>
  t.prismaField({
    authScopes: { can: "own:read" },
    type: "Operation",
    nullable: true,
    args: { id: t.arg.globalID({ required: true }) },
    resolve: (query, _root, { id }, { prisma, caller }) => {
      const where = { id: id.id, AND: [visibleOperations(caller)] };
      return id.typename === "Operation" ? prisma.operation.findUnique({ ...query, where }) : null;
    },
  }),
);
