import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { newId } from "../../src/tenants/ids.ts";
import { hashOf } from "../../src/tenants/operation-store.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { IdempotencyKeyReused, TenantKeyTaken } from "../../src/tenants/refusals.ts";
import { insertSignUp } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import { waitUntil } from "../wait-until.ts";

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

const inputOf = (key: string, name = "Acme") => ({ key, name });

/** A sign-up of a key, as one caller asks for it. */
function signUp(key: string, { idempotencyKey = key, name = "Acme" } = {}) {
  const place = placeSchema.parse({ name });
  return insertSignUp(
    database.prisma,
    { actor: "test", kind: "SIGN_UP", idempotencyKey, input: inputOf(key, name) },
    { operationId: newId("op"), key, place, markerSecret: randomBytes(32), steps: ["step"] },
  );
}

/** Has a second caller come while the first has written and not yet committed. Answers what becomes of the second. */
async function whileUncommitted<T>(key: string, second: () => Promise<T>): Promise<T> {
  const first = await database.pool.connect();
  try {
    await first.query("BEGIN");
    await first.query(
      "INSERT INTO tenant (id, key, generation, name, status, drift) VALUES ($1, $2, 1, 'Acme', 'PROVISIONING', '{}')",
      [`tnt_${key}`, key],
    );
    await first.query(
      `INSERT INTO operation (id, kind, tenant_id, actor, idempotency_key, input_hash, input)
       VALUES ($1, 'SIGN_UP', $2, 'test', $3, $4, '{}')`,
      [`op_${key}`, `tnt_${key}`, key, hashOf(inputOf(key))],
    );
    const outcome = second();
    // It may be refused while this is still looking.
    outcome.catch(() => {});
    const waits = async () => {
      const { rowCount } = await database.pool.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%tenant_made%'
           AND datname = current_database()`,
      );
      return rowCount === 1;
    };
    await waitUntil(waits, { what: "the second waits for the first", timeoutMs: 20_000, intervalMs: 10 });
    await first.query("COMMIT");
    return await outcome;
  } finally {
    first.release();
  }
}

describe("a sign-up that comes while another one is being written", () => {
  it("is the other when it is a repeat of it", async () => {
    const { operation, isNew } = await whileUncommitted("echo", () => signUp("echo"));
    expect(isNew).toBe(false);
    expect(operation).toMatchObject({ id: "op_echo", tenantId: "tnt_echo" });
  });

  it("is refused when the other has its key, carrying the other's tenant", async () => {
    const refused = whileUncommitted("taken", () => signUp("taken", { idempotencyKey: "another" }));
    await expect(refused).rejects.toThrow(TenantKeyTaken);
    await expect(refused).rejects.toMatchObject({ tenantId: "tnt_taken" });
  });

  it("is refused when the other has its idempotency key and another input", async () => {
    const refused = whileUncommitted("reused", () => signUp("reused", { name: "Another" }));
    await expect(refused).rejects.toThrow(IdempotencyKeyReused);
  });
});
