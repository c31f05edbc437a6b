import { z } from "zod";
import { activateTenant } from "../tenants/tenant-store.ts";
import { nothingToUndo, type Step } from "./saga.ts";

/** The step that makes a tenant ACTIVE, which every saga has that makes tenants. A repeat answers the first time. */
export function activation<Input>(): Step<Input, { activatedAt: string }> {
  return {
    name: "activate",
    output: z.object({ activatedAt: z.iso.datetime() }),
    isRepeatedFreely: true,
    invoke: async ({ provisioning, tenant, finish }) => {
      const now = new Date();
      const end = finish?.with({ activatedAt: now.toISOString() }) ?? null;
      const { activatedAt, isNew } = await activateTenant(provisioning.prisma, tenant.id, now, end);
      if (end !== null && isNew) finish?.recorded(end);
      return { activatedAt: activatedAt.toISOString() };
    },
    compensate: nothingToUndo(
      "A tenant that was not activated stays PROVISIONING until the unwinding ends in FAILED.",
    ),
    whenSkipped: { never: "Only this step makes the tenant ACTIVE, and it asks Mem0 nothing." },
  };
}
