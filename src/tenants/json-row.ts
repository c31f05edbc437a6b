/**
 * A row as Postgres' `to_jsonb` writes it, for statements that answer rows of several tables at once. Every column the
 * table has comes along, so none is forgotten when one is added.
 */
export type JsonRow = Readonly<Record<string, unknown>>;

/** The names of columns as the code has them. There are a few dozen, so none is ever dropped. */
const fieldNames = new Map<string, string>();

function fieldOf(column: string): string {
  const known = fieldNames.get(column);
  if (known !== undefined) return known;
  const field = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  fieldNames.set(column, field);
  return field;
}

/**
 * The row as the generated client reads it: names in camel case, and the times (all columns that end in `_at`, all of
 * them `timestamptz`) as dates. What is inside a `jsonb` column is left as it is.
 */
export function recordOf<Row extends object>(row: JsonRow): Row {
  const record: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    const isTime = column.endsWith("_at") && typeof value === "string";
    record[fieldOf(column)] = isTime ? new Date(value) : value;
  }
  // What the table holds is what the client was generated from: test/tenants/json-row.test.ts compares the two.
  return record as Row;
}
