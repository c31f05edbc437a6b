import { fileURLToPath } from "node:url";
import { defineConfig } from "prisma/config";

// The CLI reads this file before it looks for its engine, which it would otherwise download. Set the
// variable yourself to use Prisma's native engine: the migrations' format is the same.
process.env["PRISMA_SCHEMA_ENGINE_BINARY"] ??= fileURLToPath(
  new URL("./prisma/engine/schema-engine.mjs", import.meta.url),
);
// Without it the CLI asks checkpoint.prisma.io for news at every call.
process.env["CHECKPOINT_DISABLE"] ??= "1";

const databaseUrl = process.env["DATABASE_URL"];

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  ...(databaseUrl ? { datasource: { url: databaseUrl } } : {}),
});
