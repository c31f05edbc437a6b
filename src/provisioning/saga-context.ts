import type { Operation, PrismaClient, Resource, Tenant } from "../generated/prisma/client.ts";
import { type JsonRow, recordOf } from "../tenants/json-row.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Saga, SagaContext } from "./saga.ts";

/** An operation with its tenant, mapping and planned steps, as they were when a run began. */
export type LoadedOperation = Operation & {
  readonly steps: readonly { readonly name: string }[];
  readonly tenant: Tenant & { readonly resources: readonly Resource[] };
};

interface LoadedRow {
  readonly operation: JsonRow;
  readonly tenant: JsonRow;
  readonly resources: readonly JsonRow[];
  readonly steps: readonly string[];
}

/**
 * Loads what a run works with, once. Not recorded by the engine: ids, markers and wishes never change, and what does
 * change each step reads for itself. One round trip.
 * @throws {Error} when there is no such operation
 */
export async function loadOperation(prisma: PrismaClient, operationId: string): Promise<LoadedOperation> {
  const [row] = await prisma.$queryRaw<LoadedRow[]>`
    SELECT to_jsonb(o) AS operation, to_jsonb(t) AS tenant,
      ARRAY(SELECT to_jsonb(r) FROM resource r WHERE r.tenant_id = t.id ORDER BY r.id) AS resources,
      ARRAY(SELECT s.name FROM operation_step s WHERE s.operation_id = o.id ORDER BY s.position) AS steps
    FROM operation o JOIN tenant t ON t.id = o.tenant_id WHERE o.id = ${operationId}`;
  if (row === undefined) throw new Error(`There is no operation ${operationId}.`);
  const resources = row.resources.map((resource) => recordOf<Resource>(resource));
  return {
    ...recordOf<Operation>(row.operation),
    steps: row.steps.map((name) => ({ name })),
    tenant: { ...recordOf<Tenant>(row.tenant), resources },
  };
}

/** Makes the context for one attempt at a step. */
export type ContextOf<Input> = (step: string, attempt: number) => SagaContext<Input>;

/**
 * How the contexts of a run are made. `outputs` is filled by the runner as steps are done. `input` is the operation's,
 * where it was parsed already.
 */
export function contextsOf<Input>(
  provisioning: Provisioning,
  saga: Saga<Input>,
  operation: LoadedOperation,
  outputs: ReadonlyMap<string, unknown>,
  input: Input = saga.input.parse(operation.input),
): ContextOf<Input> {
  const { resources, ...tenant } = operation.tenant;
  return (step, attempt) => ({
    provisioning,
    operationId: operation.id,
    tenant,
    input,
    step,
    attempt,
    finish: null,
    resources: (kind) => resources.filter((resource) => resource.kind === kind),
    outputOf: (of) => {
      if (!outputs.has(of.name)) {
        throw new Error(`${step} asks for the output of ${of.name}, which was not done.`);
      }
      return of.output.parse(outputs.get(of.name));
    },
  });
}
