import { afterAll, beforeAll, expect, it } from "vitest";
import { afterRestore } from "../../src/provisioning/after-restore.ts";
import { takeInventory } from "../../src/provisioning/take-inventory.ts";
import { settled, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { backUp, holdSteps } from "./restored-world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld({ timeoutMs: 2_000 });
});
afterAll(() => world.close());

it("makes nothing that the inventory did not see without a look of the retried operation itself", async () => {
  await signUp(world, { key: "first" });
  await settled(world, "first");
  const [held] = holdSteps(world, [{ key: "late", step: "createOrganization", when: "before" }]);
  await signUp(world, { key: "late", waitMs: 0 });
  await held?.reached;
  const backup = await backUp(world);
  held?.release();
  await settled(world, "late");

  await world.emulator.setSwitches({ listLagMs: 600_000 });
  await afterRestore(backup.provisioning, backup.findAlive);
  await world.emulator.setSwitches({ listLagMs: 0 });
  const where = { tenant: { key: "late" } };
  const unseen = await backup.prisma.resource.findFirstOrThrow({ where: { ...where, kind: "ORGANIZATION" } });
  expect(unseen).toMatchObject({ state: "UNKNOWN", upstreamId: null });

  const { id } = await backup.prisma.operation.findFirstOrThrow({ where });
  const statusNow = async () => (await backup.prisma.operation.findUniqueOrThrow({ where: { id } })).status;
  await backup.retry(id);
  // A finished place is more than a lost create leaves behind, so the step does not take it, and makes no other.
  expect(await statusNow()).toBe("NEEDS_ATTENTION");
  await takeInventory(backup.provisioning);
  await backup.retry(id);
  expect(await statusNow()).toBe("SUCCEEDED");
  const { organizations, projects } = await world.emulator.tables();
  expect(organizations.filter(({ name }) => name.endsWith(unseen.marker ?? "?"))).toHaveLength(1);
  // Two tenants' own, and each organization's default one, our own's included.
  expect(projects).toHaveLength(2 + 3);
  await backup.close();
});
