import { pause } from "../tenants/pause.ts";
import {
  buryPastExecutors,
  doubtCreates,
  doubtResources,
  readBackupTime,
  restoredBecause,
  stopOpenOperations,
} from "../tenants/restoration.ts";
import { cancelPastRuns } from "./cancel-past-runs.ts";
import type { Provisioning } from "./provisioning.ts";
import { type Inventory, takeInventory } from "./take-inventory.ts";

/** A process still runs sagas on the database that was restored. The message names it. */
export class StillRunning extends Error {
  override readonly name = "StillRunning";

  constructor(processes: readonly string[]) {
    super(
      `Processes still work on this database (${processes.join(", ")}); stop all of them, then start one with --after-restore.`,
    );
  }
}

/**
 * What is done once after a restore from a backup, before an engine is started: the database believes in a past. It is
 * paused first, so that whatever happens next nothing is started; then the engine's runs are cancelled, open operations
 * call for attention, everything that is not proved gone is UNKNOWN, everything that may have been made since must be
 * looked for, and an inventory is taken. Nothing upstream is changed. Afterwards the installation stays paused, until
 * `resumeProvisioning`. A repeat, also after a crash at any point, ends the same. `findAlive` says which processes run
 * sagas on the database now.
 *
 * @throws {StillRunning} before anything is changed
 * @throws {Mem0Error} when the inventory cannot be taken; all the rest is done then
 */
export async function afterRestore(
  provisioning: Provisioning,
  findAlive: () => Promise<readonly string[]>,
): Promise<Inventory> {
  const { prisma, log } = provisioning;
  const alive = await findAlive();
  if (alive.length > 0) throw new StillRunning(alive);
  const because = restoredBecause(await readBackupTime(prisma));
  const stages: readonly (readonly [string, () => Promise<void>])[] = [
    ["pause", () => pause(prisma, `${because} See resumeProvisioning.`)],
    ["cancel the engine's runs", () => cancelPastRuns(prisma)],
    ["bury past executors", () => buryPastExecutors(prisma)],
    ["stop open operations", () => stopOpenOperations(prisma, because)],
    ["doubt resources", () => doubtResources(prisma, because)],
    ["doubt creates", () => doubtCreates(prisma, because)],
  ];
  for (const [stage, deed] of stages) {
    await deed();
    log.info({ stage }, "after restore");
  }
  const inventory = await takeInventory(provisioning);
  log.info({ stage: "inventory", ...inventory }, "after restore");
  return inventory;
}
