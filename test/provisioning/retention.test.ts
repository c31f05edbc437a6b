import pg from "pg";
import pino from "pino";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startPruning } from "../../src/provisioning/retention.ts";
import { settled, signUp, tenantOf } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

let world: World;
let observer: pg.Client;

beforeAll(async () => {
  world = await createWorld();
  observer = new pg.Client({ connectionString: world.connectionString });
  await observer.connect();
});

afterAll(async () => {
  await observer.end();
  await world.close();
});

const soon = { timeout: 10_000, interval: 20 };

/** The engine's record: how many rows there are of each run, by the operation's id. */
async function recordedRuns(): Promise<string[]> {
  const { rows } = await observer.query<{ id: string }>(
    "SELECT split_part(workflow_uuid, ':', 1) AS id FROM dbos.workflow_status ORDER BY 1",
  );
  return rows.map(({ id }) => id);
}

/** The key of an operation as the engine knows it: its row's own id. */
async function operationIdOf(key: string): Promise<string> {
  const { id } = await world.prisma.operation.findFirstOrThrow({ where: { tenant: { key } } });
  return id;
}

it("the engine's record of ended runs is deleted when it is old enough, and our operations stay", async () => {
  await signUp(world, { key: "ended" });
  await settled(world, "ended");
  const ended = await operationIdOf("ended");
  await vi.waitUntil(async () => (await world.engine.stateOf(ended, 1)).is === "ended", soon);

  // One that is under way all the time: its deed waits until the test lets it go.
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  world.setAround(async (_deed, proceed) => {
    await held;
    return proceed();
  });
  await signUp(world, { key: "under-way", waitMs: 0 });
  const underWay = await operationIdOf("under-way");
  await vi.waitUntil(async () => (await recordedRuns()).includes(underWay), soon);

  expect(await world.engine.prune(new Date(Date.now() - 60_000), 10), "too young").toBe(0);
  expect(await recordedRuns()).toEqual([ended, underWay].toSorted());
  const pruning = startPruning(world.engine, { retentionMs: -60_000, log: pino({ level: "silent" }) });
  await vi.waitUntil(async () => (await recordedRuns()).length === 1, soon);
  await pruning.stop();
  expect(await recordedRuns()).toEqual([underWay]);
  const { rows } = await observer.query("SELECT FROM dbos.operation_outputs WHERE workflow_uuid LIKE $1", [
    `${ended}:%`,
  ]);
  expect(rows).toEqual([]);

  release();
  await settled(world, "under-way");
  for (const key of ["ended", "under-way"]) {
    const { operations } = await tenantOf(world, key);
    expect(operations.edges[0]?.node.status).toBe("SUCCEEDED");
  }
});
