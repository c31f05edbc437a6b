import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { loadOperation } from "../../src/provisioning/saga-context.ts";
import { beginRun } from "../../src/tenants/operation-store.ts";
import { activateTenant } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import { signedUp } from "./signed-up.ts";

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase(testDatabase.connectionString);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

describe("rows that are read as JSON", () => {
  it("are those that the generated client reads: an operation that was just inserted", async () => {
    const { operation } = await signedUp(database.prisma);
    expect(operation).toEqual(
      await database.prisma.operation.findUniqueOrThrow({ where: { id: operation.id } }),
    );
  });

  it("are those that the generated client reads: an operation with its tenant, mapping and steps", async () => {
    const { operation, tenantId } = await signedUp(database.prisma);
    await beginRun(database.prisma, operation.id, 1, { deadlineAt: new Date() });
    await activateTenant(database.prisma, tenantId);
    await database.prisma.tenant.update({ where: { id: tenantId }, data: { drift: ["It differs."] } });
    expect(await loadOperation(database.prisma, operation.id)).toEqual(
      await database.prisma.operation.findUniqueOrThrow({
        where: { id: operation.id },
        include: {
          steps: { select: { name: true } },
          tenant: { include: { resources: { orderBy: { id: "asc" } } } },
        },
      }),
    );
  });
});
