import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accessBreaches } from "./access-breaches.ts";
import { activateTenant, failTenant, legalRows, tenantRow } from "./breach.ts";
import { openRawDatabase, type RawDatabase } from "./legal-rows.ts";
import { attemptRow, operationBreaches } from "./operation-breaches.ts";
import { tenantBreaches } from "./tenant-breaches.ts";
import { tokenBreaches } from "./token-breaches.ts";

const breaches = [...tenantBreaches, ...operationBreaches, ...accessBreaches, ...tokenBreaches];

/** Functions of triggers that refuse nothing: they tell and forget, and tests of their own see them do it. */
const notGuards = new Set([
  "tell_memory_access",
  "audit_event_waits_for_seal",
  "tenant_forgets_keys",
  "tenant_revokes_tokens",
]);

let database: RawDatabase;

beforeAll(async () => {
  database = await openRawDatabase();
  await database.client.query(legalRows);
});
afterAll(() => database.close());

/** The name of what refused a statement: a constraint, an index, or a trigger's function. Null: nothing did. */
async function refuserOf(sql: string): Promise<string | null> {
  try {
    await database.client.query(sql);
    return null;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return error.constraint ?? /PL\/pgSQL function (\w+)\(\)/.exec(error.where ?? "")?.[1] ?? error.message;
  }
}

describe("the database", () => {
  it.each(breaches)("refuses $what ($guard)", async ({ guard, allowed, refused }) => {
    await database.undone(async () => {
      for (const statement of allowed) await database.client.query(statement);
      expect(await refuserOf(refused)).toBe(guard);
    });
  });

  it("has no check, unique index or trigger that is not broken above", async () => {
    const { rows } = await database.client.query<{ name: string }>(`
      SELECT conname AS name FROM pg_constraint
        WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conrelid::regclass::text <> '_prisma_migrations'
      UNION SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 'public'::regnamespace
      UNION SELECT p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace`);
    const guards = new Set(rows.map(({ name }) => name).filter((name) => !notGuards.has(name)));
    expect(guards.size).toBeGreaterThan(20);
    expect(new Set(breaches.map(({ guard }) => guard))).toEqual(guards);
  });

  it("lets a key be signed up again once its tenant FAILED or was OFFBOARDED", async () => {
    const offboard = [
      activateTenant,
      "UPDATE tenant SET status = 'OFFBOARDING' WHERE id = 'tnt_1'",
      "UPDATE tenant SET status = 'OFFBOARDED', closed_at = now() WHERE id = 'tnt_1'",
    ];
    for (const ending of [[failTenant], offboard]) {
      await database.undone(async () => {
        for (const statement of ending) await database.client.query(statement);
        expect(await refuserOf(tenantRow("tnt_2", "acme", 2))).toBeNull();
      });
    }
  });

  it.each(["DONE", "NOT_DONE", "ABANDONED"])(
    "lets another create be made after one that is %s",
    async (outcome) => {
      await database.undone(async () => {
        await database.client.query(
          `UPDATE attempt SET outcome = '${outcome}', finished_at = now() WHERE id = 'att_1'`,
        );
        expect(await refuserOf(attemptRow("att_2", "CREATE"))).toBeNull();
      });
    },
  );
});
