import { randomBytes } from "node:crypto";
import type { PrismaClient } from "../../src/generated/prisma/client.ts";
import { newId } from "../../src/tenants/ids.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { insertSignUp } from "../../src/tenants/tenant-store.ts";

let tenants = 0;

/** A tenant with settings, a member and a webhook, as its sign-up has written it: with one step, and none of it done. */
export async function signedUp(prisma: PrismaClient) {
  tenants += 1;
  const key = `signed-up-${tenants}`;
  const place = placeSchema.parse({
    name: "Acme",
    members: [{ email: "ada@acme.test" }],
    settings: { customInstructions: "Be brief." },
    webhooks: [{ url: "https://acme.test/hook", eventTypes: ["MEMORY_ADD"] }],
  });
  const { operation } = await insertSignUp(
    prisma,
    { actor: "test", kind: "SIGN_UP", idempotencyKey: key, input: { key } },
    { operationId: newId("op"), key, place, markerSecret: randomBytes(32), steps: ["step"] },
  );
  const resources = await prisma.resource.findMany({
    where: { tenantId: operation.tenantId },
    orderBy: { id: "asc" },
  });
  const idOf = (kind: string) => resources.find((resource) => resource.kind === kind)?.id ?? "";
  return { operation, tenantId: operation.tenantId, resources, idOf };
}
