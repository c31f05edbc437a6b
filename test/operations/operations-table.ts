import { readFileSync } from "node:fs";

/** A row of docs/operations.md. */
export interface OperationRow {
  readonly number: number;
  readonly operation: string;
  /** Its type and field in GraphQL. */
  readonly field: { readonly type: string; readonly name: string };
  /** The client's function. */
  readonly client: string;
  readonly method: string;
  /** The path's template. */
  readonly path: string;
}

const rowForm =
  /^\| (\d+) +\| ([^|]+?) +\| `(\w+)\.(\w+)` +\| `(\w+)` +\| `(GET|POST|PUT|PATCH|DELETE) (\/\S+\/)` +\|$/;

/** The table of docs/operations.md. @throws {Error} for a row that is not in the table's form */
export function readOperations(): OperationRow[] {
  const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const lines = page.split("\n").filter((line) => /^\| *\d/.test(line));
  return lines.map((line) => {
    const [, number, operation = "", type = "", name = "", client = "", method = "", path = ""] =
      rowForm.exec(line) ?? [];
    if (number === undefined) throw new Error(`This is no row of the table: ${line}`);
    return { number: Number(number), operation, field: { type, name }, client, method, path };
  });
}
