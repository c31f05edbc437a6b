import pg from "pg";
import type { TenantStatus } from "../../src/generated/prisma/enums.ts";
import { newId } from "../../src/tenants/ids.ts";
import { createTestDatabase } from "../test-database.ts";

/** A database of one's own, for statements that our code would never make. */
export interface RawDatabase {
  readonly client: pg.Client;
  readonly connectionString: string;
  /** Does something and takes it back, whether it worked or not. */
  undone<T>(deed: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Opens one connection to a fresh test database. */
export async function openRawDatabase(): Promise<RawDatabase> {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  return {
    client,
    connectionString: database.connectionString,
    undone: async (deed) => {
      await client.query("BEGIN");
      try {
        return await deed();
      } finally {
        await client.query("ROLLBACK");
      }
    },
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
}

/** How a tenant legally gets to each status, from its beginning. */
const wayTo: Readonly<Record<TenantStatus, readonly TenantStatus[]>> = {
  PROVISIONING: [],
  ACTIVE: ["ACTIVE"],
  FAILED: ["FAILED"],
  OFFBOARDING: ["ACTIVE", "OFFBOARDING"],
  OFFBOARDED: ["ACTIVE", "OFFBOARDING", "OFFBOARDED"],
};

/** Sets a tenant's status with the times that go with it, so that nothing but the move itself can be illegal. */
export async function moveTenant(client: pg.Client, id: string, to: TenantStatus): Promise<void> {
  await client.query(
    `UPDATE tenant SET status = $2::"TenantStatus",
       activated_at = CASE WHEN $2 IN ('ACTIVE', 'OFFBOARDING', 'OFFBOARDED') THEN now() END,
       closed_at = CASE WHEN $2 IN ('FAILED', 'OFFBOARDED') THEN now() END
     WHERE id = $1`,
    [id, to],
  );
}

/** Inserts a tenant and moves it to a status. Answers its id. */
export async function insertTenant(
  client: pg.Client,
  tenant: {
    readonly key?: string;
    readonly name?: string;
    readonly generation?: number;
    readonly status?: TenantStatus;
  } = {},
): Promise<string> {
  const id = newId("tnt");
  const { key = id, name = "Acme Inc.", generation = 1, status = "PROVISIONING" } = tenant;
  await client.query(
    "INSERT INTO tenant (id, key, generation, name, status, drift) VALUES ($1, $2, $3, $4, 'PROVISIONING', '{}')",
    [id, key, generation, name],
  );
  for (const step of wayTo[status]) await moveTenant(client, id, step);
  return id;
}
