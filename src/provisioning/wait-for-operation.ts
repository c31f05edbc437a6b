import { setTimeout as sleep } from "node:timers/promises";
import type { PrismaClient } from "../generated/prisma/client.ts";

/** The first and the longest pause between two looks. */
const pauseMs = 15;
const pauseMaxMs = 250;

/**
 * Waits until an operation has got as far as its caller wants to know: it ended, is parked, needs attention, or (a
 * sign-up) its tenant is ACTIVE; at most `waitMs`, and not longer than `signal` allows. Running out of time is no error.
 */
export async function waitForOperation(
  prisma: PrismaClient,
  operationId: string,
  waitMs: number,
  signal: AbortSignal | null,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (let pause = pauseMs; Date.now() < deadline; pause = Math.min(pauseMaxMs, pause * 1.5)) {
    const operation = await prisma.operation.findUnique({
      where: { id: operationId },
      select: { kind: true, status: true, tenant: { select: { status: true } } },
    });
    if (operation === null) return;
    const isUnderWay = ["QUEUED", "RUNNING", "UNWINDING"].includes(operation.status);
    const isActive = operation.kind === "SIGN_UP" && operation.tenant.status !== "PROVISIONING";
    if (!isUnderWay || isActive || signal?.aborted === true) return;
    await sleep(Math.min(pause, Math.max(0, deadline - Date.now())));
  }
}
