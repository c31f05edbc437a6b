// Writes schema.graphql from the built schema. With --check it writes nothing, and fails when the file is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { lexicographicSortSchema, printSchema } from "graphql";

const path = fileURLToPath(new URL("../schema.graphql", import.meta.url));
const { schema } = await import("../dist/schema/schema.js");
const printed = `${printSchema(lexicographicSortSchema(schema))}\n`;

if (!process.argv.includes("--check")) {
  writeFileSync(path, printed);
} else if (readFileSync(path, "utf8") !== printed) {
  process.stderr.write("schema.graphql is stale: run `npm run schema` and review what changed.\n");
  process.exit(1);
}
