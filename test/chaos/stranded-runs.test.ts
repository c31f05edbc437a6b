import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { newId } from "../../src/tenants/ids.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { insertSignUp } from "../../src/tenants/tenant-store.ts";
import { createProvedWorld } from "../provisioning/whole-or-clean.ts";
import type { World } from "../world.ts";

/** Two ways in which the chaos found runs that nobody would ever have gone on with. */

const steps = ["createOrganization", "createProject", "activate", "readBack"];
const soon = { timeout: 10_000, interval: 50 };

let world: World;
let client: pg.Client;

beforeAll(async () => {
  world = await createProvedWorld();
  client = new pg.Client({ connectionString: world.connectionString });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await world?.close();
});

/** A sign-up that waits to be started, of this id. */
async function queue(operationId: string, key: string): Promise<void> {
  const place = placeSchema.parse({ name: "Acme" });
  await insertSignUp(
    world.prisma,
    { actor: "test", kind: "SIGN_UP", idempotencyKey: key, input: { key, place: { ...place } } },
    { ...{ operationId, key, place, steps }, markerSecret: world.provisioning.markerSecret },
  );
}

/** As if nothing had happened to it for a while. */
async function age(operationId: string): Promise<void> {
  await client.query("UPDATE operation SET updated_at = now() - interval '1 minute' WHERE id = $1", [
    operationId,
  ]);
}

const statusOf = async (id: string) =>
  (await world.prisma.operation.findUniqueOrThrow({ where: { id } })).status;

it("a run that failed before it began, as in an outage of the database, is made again", async () => {
  const id = newId("op");
  // It cannot read its operation: there is none yet.
  world.engine.start(id, 1);
  await vi.waitUntil(async () => (await world.engine.stateOf(id, 1)).is === "lost", soon);
  await queue(id, "began-in-vain");
  await world.sweep();
  expect(await statusOf(id), "the engine runs no run twice").toBe("QUEUED");
  await age(id);
  await vi.waitUntil(async () => {
    await world.sweep();
    return (await statusOf(id)) === "SUCCEEDED";
  }, soon);
});

it("one that waits to begin, and that the engine never heard of, simply waits", async () => {
  const id = newId("op");
  await queue(id, "patient");
  await client.query("UPDATE operation SET claimed_at = now() WHERE id = $1", [id]);
  await age(id);
  await client.query("UPDATE operation SET claimed_at = now() WHERE id = $1", [id]);
  await world.sweep();
  const { run } = await world.prisma.operation.findUniqueOrThrow({ where: { id } });
  expect(run).toBe(1);
});

it("a run that a process began after it was taken over from is handed over all the same", async () => {
  const id = newId("op");
  const dead = `loci-${randomUUID()}`;
  let isFrozen = false;
  world.setAround(async (_deed, proceed) => {
    if (isFrozen) return proceed();
    isFrozen = true;
    return new Promise(() => {});
  });
  await queue(id, "begun-too-late");
  world.engine.start(id, 1);
  await vi.waitUntil(() => isFrozen, soon);
  await client.query(
    "INSERT INTO executor (id, process, condemned_at, handed_over_at) VALUES ($1, 'elsewhere:1', now(), now())",
    [dead],
  );
  await client.query("UPDATE dbos.workflow_status SET executor_id = $1 WHERE workflow_uuid = $2", [
    dead,
    `${id}:1`,
  ]);
  await world.sweep();
  const { executorId } = await world.engine.stateOf(id, 1);
  expect(executorId, "not before it was quiet for a while").toBe(dead);
  await age(id);
  await vi.waitUntil(async () => {
    await world.sweep();
    return (await statusOf(id)) === "SUCCEEDED";
  }, soon);
});
