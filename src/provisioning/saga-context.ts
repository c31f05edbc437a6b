import type { ContextOf } from "./attempt-step.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Saga, SagaContext } from "./saga.ts";

/**
 * Loads what the steps of a run work with. Not recorded by the engine: ids, markers and wishes never change, and what
 * does change each step reads for itself. `outputs` is filled by the runner as steps are done.
 */
export async function loadContext<Input>(
  provisioning: Provisioning,
  saga: Saga<Input>,
  operationId: string,
  outputs: ReadonlyMap<string, unknown>,
): Promise<ContextOf<Input>> {
  const operation = await provisioning.prisma.operation.findUniqueOrThrow({
    where: { id: operationId },
    include: { tenant: { include: { resources: { orderBy: { id: "asc" } } } } },
  });
  const { resources, ...tenant } = operation.tenant;
  const input = saga.input.parse(operation.input);
  return (step, attempt): SagaContext<Input> => ({
    provisioning,
    operationId,
    kind: operation.kind,
    tenant,
    input,
    step,
    attempt,
    resources: (kind) => resources.filter((resource) => resource.kind === kind),
    outputOf: (of) => {
      if (!outputs.has(of.name))
        throw new Error(`${step} asks for the output of ${of.name}, which was not done.`);
      return of.output.parse(outputs.get(of.name));
    },
  });
}
