import type { OperationKind } from "../generated/prisma/enums.ts";
import { addWaitingMembersSaga } from "./add-waiting-members.ts";
import { checkTwinsSaga } from "./check-twins.ts";
import { offboardSaga } from "./offboard-tenant.ts";
import type { Provisioning } from "./provisioning.ts";
import { type Journal, runSaga } from "./run-saga.ts";
import { loadOperation } from "./saga-context.ts";
import { signUpSaga } from "./sign-up-tenant.ts";

/** Runs one run of an operation by the saga of its kind. What the engine is given to run. */
export async function runOperation(
  provisioning: Provisioning,
  journal: Journal,
  operationId: string,
  run: number,
): Promise<void> {
  const operation = await loadOperation(provisioning.prisma, operationId);
  const what = { operation, run };
  const runners: Record<OperationKind, () => Promise<void>> = {
    SIGN_UP: () => runSaga(provisioning, signUpSaga, journal, what),
    OFFBOARD: () => runSaga(provisioning, offboardSaga, journal, what),
    ADD_WAITING_MEMBERS: () => runSaga(provisioning, addWaitingMembersSaga, journal, what),
    CHECK_TWINS: () => runSaga(provisioning, checkTwinsSaga, journal, what),
  };
  await runners[operation.kind]();
}
