/**
 * What is remembered of a user, as a row of one's own table.
 *
 * Written by whoever keeps the customer database or the analytics: sentences cannot be counted, columns can. Mem0 has a language
 * model write the memories into a form that is given as a JSON Schema. What comes out is a model's reading of them: the
 * columns are nullable, each value is checked again before it is stored, and a later export takes an earlier row's place.
 *
 * An export takes its time, and Mem0 does not say that one has failed: "not ready" and "not there" are the same answer. So there is
 * a deadline.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { type GraphQLClient, gql } from "graphql-request";
import pg from "pg";
import { accepted, existing, isRefusal, type Mutation, type TenantQuery } from "./answer.ts";
import { asProgram } from "./as-program.ts";
import { rememberForDemo } from "./demo-tenant.ts";

type Exported = Readonly<Record<string, unknown>>;

const createMemoryExport: Mutation<
  "createMemoryExport",
  { readonly exportId: string; readonly data: Exported | null },
  { tenantKey: string; schema: object; filter: object; instructions: string; waitMs: number }
> = gql`
  mutation OrderExport($input: CreateMemoryExportInput!) {
    createMemoryExport(input: $input) {
      ... on CreateMemoryExportPayload { exportId data }
      ... on Error { code message retryable }
    }
  }
`;

const memoryExport: TenantQuery<"memoryExport", { readonly data: Exported }, { id: string }> = gql`
  query FetchExport($tenantKey: String!, $id: ID!) {
    tenant(key: $tenantKey) {
      memoryExport(id: $id) {
        ... on MemoryExport { data }
        ... on Error { code message retryable }
      }
    }
  }
`;

/** The columns; the descriptions are what the model goes by. */
const schema = {
  title: "Profile",
  type: "object",
  properties: {
    city: { type: ["string", "null"], description: "Where the user lives or moved to" },
    diet: { type: ["string", "null"], description: "What the user eats or is allergic to" },
    children: { type: ["integer", "null"], description: "How many children the user has" },
  },
};

/** A row as it is stored. */
export interface Profile {
  readonly city: string | null;
  readonly diet: string | null;
  readonly children: number | null;
}

/** Your own database: a client or pool of `pg`. */
interface Database {
  query(sql: string, values?: unknown[]): Promise<unknown>;
}

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
const count = (value: unknown): number | null =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value < 100 ? value : null;

/**
 * Exports one user's memories, stores the row and answers it. A repeat orders another export, and the row is the newer one's.
 * @throws {LociRefused}
 * @throws {Error} when there is no export after `deadlineMs`
 */
export async function run(
  client: GraphQLClient,
  database: Database,
  { tenantKey, userId }: { readonly tenantKey: string; readonly userId: string },
  { waitMs = 10_000, deadlineMs = 300_000 } = {},
): Promise<Profile> {
  const deadline = performance.now() + deadlineMs;
  const filter = { and: [{ userId: { eq: userId } }] };
  const instructions = "Null where the memories do not say. Guess nothing.";
  const input = { tenantKey, schema, filter, instructions, waitMs };
  const ordered = accepted((await client.request(createMemoryExport, { input })).createMemoryExport);
  let data = ordered.data;
  for (let pauseMs = 250; data === null; pauseMs = Math.min(pauseMs * 2, 10_000)) {
    if (performance.now() > deadline) throw new Error("There is no export in time.");
    await sleep(pauseMs);
    const { tenant } = await client.request(memoryExport, { tenantKey, id: ordered.exportId });
    const answer = existing(tenant).memoryExport;
    if (!isRefusal(answer) || answer.code !== "NOT_FOUND") data = accepted(answer).data;
  }
  const profile = { city: text(data["city"]), diet: text(data["diet"]), children: count(data["children"]) };
  await database.query(`CREATE TABLE IF NOT EXISTS profile (tenant_key text, user_id text, city text, diet text,
    children integer, exported_at timestamptz NOT NULL, PRIMARY KEY (tenant_key, user_id))`);
  await database.query(
    `INSERT INTO profile VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT (tenant_key, user_id) DO UPDATE
      SET city = $3, diet = $4, children = $5, exported_at = now()`,
    [tenantKey, userId, profile.city, profile.diet, profile.children],
  );
  return profile;
}

await asProgram(import.meta.url, async ({ client, tenant }) => {
  const tenantKey = await tenant();
  const texts = ["I moved to Austin.", "Is allergic to peanuts.", "Has 2 children."];
  await rememberForDemo(client, tenantKey, { userId: "ada", texts });
  // Without a database of one's own, one that lives in this process and goes with it.
  const url = process.env["EXPORT_DATABASE_URL"];
  if (url === undefined) return run(client, new PGlite(), { tenantKey, userId: "ada" });
  const database = new pg.Client({ connectionString: url });
  try {
    await database.connect();
    return await run(client, database, { tenantKey, userId: "ada" });
  } finally {
    await database.end();
  }
});
