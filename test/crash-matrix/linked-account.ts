import { createKeyRing } from "../../src/memory-access/key-ring.ts";
import { linkMem0Account } from "../../src/memory-access/link-account.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import type { RunStarter } from "../../src/provisioning/engine.ts";
import { signUpLinkedTenant } from "../../src/provisioning/link-tenant.ts";
import type { Provisioning } from "../../src/provisioning/provisioning.ts";
import type { EmulatorControl } from "../emulator-control.ts";

/** The key-encryption key of all processes of the matrix. */
export const matrixRing = createKeyRing([Buffer.alloc(32, 7)]);

/** How the organization of a tenant's customer is named. */
export const customersName = (key: string) => `The customer of ${key}`;

/** Links an account of a customer, with an organization of his own and its one project. */
export async function linkAccount(
  { prisma, mem0, log }: Provisioning,
  emulator: EmulatorControl,
  key: string,
): Promise<void> {
  const email = `own@${key}.test`;
  const { org_id } = await emulator.putOrganization({ name: customersName(key), owner_email: email });
  const { projects } = await emulator.tables();
  const project = projects.find((row) => row.org_id === org_id);
  if (project === undefined) throw new Error("A new organization has no project.");
  const apiKey = await emulator.makeKey({ org_id, project_id: project.project_id, email });
  await linkMem0Account(
    {
      ...{ prisma, log, ring: matrixRing, proofEveryMs: 3_600_000, door: { forget: () => {} } },
      target: { baseUrl: mem0.origin, timeoutMs: 30_000 },
    },
    { actor: "matrix", reason: "for the matrix", label: key, apiKey: new Secret(apiKey) },
  );
}

/** Signs up onto that account. */
export async function signUpLinked(
  provisioning: Provisioning,
  starter: RunStarter,
  key: string,
): Promise<void> {
  const { id } = await provisioning.prisma.mem0Account.findFirstOrThrow({ where: { label: key } });
  await signUpLinkedTenant(provisioning, starter, {
    ...{ actor: "matrix", key, idempotencyKey: key, name: key, accountId: id },
  });
}
