import { Prisma } from "../generated/prisma/client.ts";
import type { Db } from "./mapping.ts";
import { lockLinking } from "./mem0-accounts.ts";

/** What is stored sealed, by what it is sealed for. A test compares this with the columns that there are. */
export const sealedPlaces = ["project-key", "account-key", "token-key", "audit-key"] as const;

/** See `sealedPlaces`. */
export type SealedPlace = (typeof sealedPlaces)[number];

/** Where each lies, in a row `t`. What is of the whole installation was sealed for "installation". */
export const sealedColumns = {
  "project-key": { table: "project_key", column: "sealed_key", id: "t.id" },
  "account-key": { table: "mem0_account", column: "sealed_key", id: "t.id" },
  "token-key": { table: "installation", column: "sealed_token_key", id: "'installation'" },
  "audit-key": { table: "installation", column: "sealed_audit_key", id: "'installation'" },
} as const satisfies Record<SealedPlace, { table: string; column: string; id: string }>;

/** A sealed value as it lies in its row. */
export interface SealedValue {
  /** What it is sealed for besides its place. */
  readonly id: string;
  readonly sealed: unknown;
}

/** A sealed value, and what is to take its place. */
export interface Resealed extends SealedValue {
  readonly next: object;
}

function sqlOf(place: SealedPlace) {
  const { table, column, id } = sealedColumns[place];
  return { table: Prisma.raw(table), column: Prisma.raw(column), id: Prisma.raw(id) };
}

/** The sealed values of a place behind this id, by id, at most `limit`. */
export async function readSealed(
  db: Db,
  place: SealedPlace,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<SealedValue[]> {
  const { table, column, id } = sqlOf(place);
  return db.$queryRaw<SealedValue[]>(Prisma.sql`
    SELECT ${id} AS id, t.${column} AS sealed FROM ${table} t
    WHERE t.${column} IS NOT NULL AND ${id} > ${after} ORDER BY 1 LIMIT ${limit}`);
}

/**
 * Puts values into the places of others, each only where still the very one lies that was read: what was replaced or forgotten
 * meanwhile stays so. A row that somebody else holds is left as it is, so that nothing here can wait for what waits for it.
 * Answers the ids of those that were put.
 */
export async function replaceSealed(
  tx: Prisma.TransactionClient,
  place: SealedPlace,
  values: readonly Resealed[],
): Promise<ReadonlySet<string>> {
  // Who links the same key again writes back, under this lock, what was read under it.
  if (place === "account-key") await lockLinking(tx);
  const { table, column, id } = sqlOf(place);
  const put = await tx.$queryRaw<{ id: string }[]>(Prisma.sql`
    WITH wished AS (
      SELECT w ->> 'id' AS id, w -> 'sealed' AS sealed, w -> 'next' AS next
      FROM jsonb_array_elements(${JSON.stringify(values)}::jsonb) w
    ), held AS (
      SELECT w.id FROM ${table} t JOIN wished w ON ${id} = w.id AND t.${column} = w.sealed FOR UPDATE OF t SKIP LOCKED
    )
    UPDATE ${table} t SET ${column} = w.next FROM wished w JOIN held h ON h.id = w.id
    WHERE ${id} = w.id AND t.${column} = w.sealed RETURNING w.id`);
  return new Set(put.map((row) => row.id));
}
