import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { claimQueued } from "../../src/tenants/due-operations.ts";
import { newId } from "../../src/tenants/ids.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { insertSignUp } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

const rounds = 20;
const perRound = 12;
const processes = 4;

let testDatabase: TestDatabase;
let databases: Database[] = [];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  databases = await Promise.all(
    Array.from({ length: processes }, () =>
      openDatabase(testDatabase.connectionString, { connectionsMax: 1 }),
    ),
  );
});
afterAll(async () => {
  for (const database of databases) await database.close();
  await testDatabase?.drop();
});

function firstOf([first]: readonly Database[]): Database {
  if (first === undefined) throw new Error("No database is open.");
  return first;
}

async function queue(key: string): Promise<string> {
  const place = placeSchema.parse({ name: "Acme" });
  const { operation } = await insertSignUp(
    firstOf(databases).prisma,
    { actor: "test", kind: "SIGN_UP", idempotencyKey: key, input: { key } },
    { ...{ operationId: newId("op"), key, place, markerSecret: randomBytes(32) }, steps: ["step"] },
  );
  return operation.id;
}

it("claims of many processes at once never take the same, and together take all", async () => {
  for (let round = 0; round < rounds; round++) {
    const queued: string[] = [];
    for (let index = 0; index < perRound; index++) queued.push(await queue(`tenant-${round}-${index}`));
    const claims = await Promise.all(
      databases.map(({ prisma }) => claimQueued(prisma, perRound / processes)),
    );
    const taken = claims.flat().map(({ operationId }) => operationId);
    expect(new Set(taken).size, "operations taken, each once").toBe(taken.length);
    // What one skipped because another had it in hand, it takes now.
    const rest = await claimQueued(firstOf(databases).prisma, perRound);
    expect([...taken, ...rest.map(({ operationId }) => operationId)].sort()).toEqual(queued.sort());
    // Begun: else they could be taken again, after a while.
    await firstOf(databases).prisma.operation.updateMany({ data: { status: "RUNNING" } });
  }
});
