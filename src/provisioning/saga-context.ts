import type { Operation, PrismaClient, Resource, Tenant } from "../generated/prisma/client.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Saga, SagaContext } from "./saga.ts";

/** An operation with its tenant, mapping and planned steps, as they were when a run began. */
export type LoadedOperation = Operation & {
  readonly steps: readonly { readonly name: string }[];
  readonly tenant: Tenant & { readonly resources: readonly Resource[] };
};

/**
 * Loads what a run works with, once. Not recorded by the engine: ids, markers and wishes never change, and what does
 * change each step reads for itself.
 */
export async function loadOperation(prisma: PrismaClient, operationId: string): Promise<LoadedOperation> {
  return prisma.operation.findUniqueOrThrow({
    where: { id: operationId },
    include: {
      steps: { select: { name: true } },
      tenant: { include: { resources: { orderBy: { id: "asc" } } } },
    },
  });
}

/** Makes the context for one attempt at a step. */
export type ContextOf<Input> = (step: string, attempt: number) => SagaContext<Input>;

/** How the contexts of a run are made. `outputs` is filled by the runner as steps are done. */
export function contextsOf<Input>(
  provisioning: Provisioning,
  saga: Saga<Input>,
  operation: LoadedOperation,
  outputs: ReadonlyMap<string, unknown>,
): ContextOf<Input> {
  const { resources, ...tenant } = operation.tenant;
  const input = saga.input.parse(operation.input);
  return (step, attempt) => ({
    provisioning,
    operationId: operation.id,
    tenant,
    input,
    step,
    attempt,
    resources: (kind) => resources.filter((resource) => resource.kind === kind),
    outputOf: (of) => {
      if (!outputs.has(of.name)) {
        throw new Error(`${step} asks for the output of ${of.name}, which was not done.`);
      }
      return of.output.parse(outputs.get(of.name));
    },
  });
}
