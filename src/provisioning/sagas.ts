import type { OperationKind } from "../generated/prisma/enums.ts";
import { addWaitingMembersSaga } from "./add-waiting-members.ts";
import { changePlaceSaga } from "./change-place.ts";
import { checkTwinsSaga } from "./check-twins.ts";
import { linkSaga } from "./link-tenant.ts";
import { offboardSaga } from "./offboard-tenant.ts";
import type { Provisioning } from "./provisioning.ts";
import { type Journal, runSaga } from "./run-saga.ts";
import type { SagaTable } from "./saga.ts";
import { loadOperation } from "./saga-context.ts";
import { signUpSaga } from "./sign-up-tenant.ts";

/** The saga of every kind of operation. */
export const sagas = {
  SIGN_UP: signUpSaga,
  OFFBOARD: offboardSaga,
  ADD_WAITING_MEMBERS: addWaitingMembersSaga,
  CHECK_TWINS: checkTwinsSaga,
  CHANGE_PLACE: changePlaceSaga,
  LINK: linkSaga,
} as const satisfies Record<OperationKind, SagaTable>;

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
    SIGN_UP: () => runSaga(provisioning, sagas.SIGN_UP, journal, what),
    OFFBOARD: () => runSaga(provisioning, sagas.OFFBOARD, journal, what),
    ADD_WAITING_MEMBERS: () => runSaga(provisioning, sagas.ADD_WAITING_MEMBERS, journal, what),
    CHECK_TWINS: () => runSaga(provisioning, sagas.CHECK_TWINS, journal, what),
    CHANGE_PLACE: () => runSaga(provisioning, sagas.CHANGE_PLACE, journal, what),
    LINK: () => runSaga(provisioning, sagas.LINK, journal, what),
  };
  await runners[operation.kind]();
}
