import {
  IdempotencyKeyReused,
  InvalidInput,
  OperationInProgress,
  OperationNotFound,
  OperationNotResumable,
  type Refusal,
  TenantKeyTaken,
  TenantNotFound,
  TenantStatusRefused,
} from "../tenants/refusals.ts";
import { builder } from "./builder.ts";

const ErrorInterface = builder.interfaceRef<Refusal>("Error").implement({
  description:
    "A refusal: something the caller asked for and cannot have, for a reason the caller can act on.",
  fields: (t) => ({
    message: t.exposeString("message", { description: "What is the case, a sentence for people." }),
    code: t.exposeString("code", { description: "A stable word for programs." }),
    retryable: t.exposeBoolean("retryable", {
      description: "Whether the same call may succeed later without the caller changing anything.",
    }),
  }),
});

const InputProblem = builder.objectRef<InvalidInput["problems"][number]>("InputProblem").implement({
  description: "One thing that is wrong with an input.",
  fields: (t) => ({
    field: t.exposeString("field", { description: "Where, as a path from `input`: `members.0.email`." }),
    message: t.exposeString("message"),
  }),
});

builder.objectType(InvalidInput, {
  name: "InvalidInput",
  description: "The input breaks a rule. Nothing was written and nothing was started.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    problems: t.field({ type: [InputProblem], resolve: (error) => [...error.problems] }),
  }),
});

/** Refusals that carry a tenant, and those that carry an operation: the caller goes on from there. */
const carryingTenant = [
  builder.objectType(TenantKeyTaken, {
    name: "TenantKeyTaken",
    description: "A tenant that is neither failed nor off-boarded has this key already.",
    interfaces: [ErrorInterface],
  }),
  builder.objectType(TenantStatusRefused, {
    name: "TenantStatusRefused",
    description: "The tenant is in a status from which this cannot be done.",
    interfaces: [ErrorInterface],
  }),
];

const carryingOperation = [
  builder.objectType(IdempotencyKeyReused, {
    name: "IdempotencyKeyReused",
    description: "This caller used this idempotency key before, for the same mutation with another input.",
    interfaces: [ErrorInterface],
  }),
  builder.objectType(OperationInProgress, {
    name: "OperationInProgress",
    description: "Another operation of this tenant is open; it must end, or be resolved, first.",
    interfaces: [ErrorInterface],
  }),
  builder.objectType(OperationNotResumable, {
    name: "OperationNotResumable",
    description: "Only an operation that is PARKED or NEEDS_ATTENTION can be told to go on.",
    interfaces: [ErrorInterface],
  }),
];

for (const refusal of carryingTenant) {
  builder.objectField(refusal, "tenant", (t) =>
    t.prismaField({
      type: "Tenant",
      resolve: (query, { tenantId }, _args, { prisma }) =>
        prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
    }),
  );
}

for (const refusal of carryingOperation) {
  builder.objectField(refusal, "operation", (t) =>
    t.prismaField({
      type: "Operation",
      resolve: (query, { operationId }, _args, { prisma }) =>
        prisma.operation.findUniqueOrThrow({ ...query, where: { id: operationId } }),
    }),
  );
}

builder.objectType(TenantNotFound, {
  name: "TenantNotFound",
  description: "No tenant has this key.",
  interfaces: [ErrorInterface],
});

builder.objectType(OperationNotFound, {
  name: "OperationNotFound",
  description: "There is no operation with this id.",
  interfaces: [ErrorInterface],
});
