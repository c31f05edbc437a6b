/** A table of a report: what it shows, the heads of its columns, and its rows. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What one section of the bench found. */
export interface Findings {
  readonly tables: readonly Table[];
  /** What is to be known to read the tables. */
  readonly notes: readonly string[];
  /** The same in numbers, for `--json`. */
  readonly data: unknown;
}

/** Lays a table out for a terminal: numbers to the right, words to the left. */
export function drawTable({ caption, columns, rows }: Table): string {
  const widths = columns.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isNumeric = columns.map((_, column) => rows.every((row) => /^[–\d]/.test(row[column] ?? "–")));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return `${caption}\n\n${[line(columns), rule, ...rows.map(line)].map((text) => `  ${text}`).join("\n")}\n`;
}
