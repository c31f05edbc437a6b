import {
  IdempotencyKeyReused,
  InvalidInput,
  NothingToAmend,
  NotPaused,
  OperationInProgress,
  OperationNotAbortable,
  OperationNotFound,
  OperationNotResumable,
  type Refusal,
  ResourceNotAdoptable,
  ResourceNotFound,
  StepNotSkippable,
  TenantKeyTaken,
  TenantNotFound,
  TenantStatusRefused,
  UnaccountedNotFound,
  UpstreamAlreadyMapped,
  UpstreamNotFound,
  UpstreamNotReadable,
  UpstreamNotTrusted,
} from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { carryTenant } from "./carry-tenant.ts";

/** What every refusal in the schema is. */
export const ErrorInterface = builder.interfaceRef<Refusal>("Error").implement({
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

/** One thing that is wrong with an input, or with what was sent of it to Mem0. */
export const InputProblem = builder.objectRef<InvalidInput["problems"][number]>("InputProblem").implement({
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
  builder.objectType(StepNotSkippable, {
    name: "StepNotSkippable",
    description: "This step cannot be skipped; the message says why, and what to do instead.",
    interfaces: [ErrorInterface],
  }),
  builder.objectType(OperationNotAbortable, {
    name: "OperationNotAbortable",
    description: "The operation cannot be called off; the message says why, and what to do instead.",
    interfaces: [ErrorInterface],
  }),
  builder.objectType(NothingToAmend, {
    name: "NothingToAmend",
    description: "There is nothing that this amendment could still change; the message says why.",
    interfaces: [ErrorInterface],
  }),
];

for (const refusal of carryingTenant) carryTenant(refusal);

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

builder.objectType(NotPaused, {
  name: "NotPaused",
  description: "The installation is not paused, so there is nothing to resume.",
  interfaces: [ErrorInterface],
});

builder.objectType(UnaccountedNotFound, {
  name: "UnaccountedNotFound",
  description: "Nothing unaccounted has this id.",
  interfaces: [ErrorInterface],
});

builder.objectType(ResourceNotFound, {
  name: "ResourceNotFound",
  description: "There is no resource with this id.",
  interfaces: [ErrorInterface],
});

const ResourceNotAdoptableRef = builder.objectType(ResourceNotAdoptable, {
  name: "ResourceNotAdoptable",
  description: "Nothing upstream can be adopted for this resource as things are; the message says why.",
  interfaces: [ErrorInterface],
});

builder.objectField(ResourceNotAdoptableRef, "resource", (t) =>
  t.prismaField({
    type: "Resource",
    resolve: (query, { resourceId }, _args, { prisma }) =>
      prisma.resource.findUniqueOrThrow({ ...query, where: { id: resourceId } }),
  }),
);

builder.objectType(UpstreamNotFound, {
  name: "UpstreamNotFound",
  description: "Mem0 does not show it to our account. That cannot be overridden.",
  interfaces: [ErrorInterface],
});

builder.objectType(UpstreamNotReadable, {
  name: "UpstreamNotReadable",
  description: "Mem0 had to be asked, and could not be. Nothing was changed.",
  interfaces: [ErrorInterface],
});

builder.objectType(UpstreamNotTrusted, {
  name: "UpstreamNotTrusted",
  description: "The thing upstream cannot be taken for ours, unless you override that.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    problems: t.stringList({
      description: "Every rule that it breaks, in words.",
      resolve: ({ problems }) => [...problems],
    }),
  }),
});

builder.objectType(UpstreamAlreadyMapped, {
  name: "UpstreamAlreadyMapped",
  description: "The thing upstream is another resource already. That cannot be overridden.",
  interfaces: [ErrorInterface],
});
