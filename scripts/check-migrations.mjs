#!/usr/bin/env node
// Fails when prisma/migrations, played from the first to the last, do not end at prisma/schema.prisma.
// Needs no database: the migrations are played in memory. What Prisma's schema language cannot say
// (triggers, check constraints, partial indexes) is no difference to it, so those are not compared.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = fileURLToPath(import.meta.resolve("prisma/build/index.js"));
const differs = 2;

const diff = spawnSync(
  process.execPath,
  [
    cli,
    ...["migrate", "diff", "--exit-code"],
    ...["--from-migrations", "prisma/migrations"],
    ...["--to-schema", "prisma/schema.prisma"],
  ],
  { cwd: root, encoding: "utf8", timeout: 120_000 },
);

// The CLI also exits with 0 when its engine goes without an answer, so the words are asked for too.
if (diff.status === 0 && diff.stdout.includes("No difference detected.")) {
  process.stdout.write("prisma/migrations and prisma/schema.prisma agree.\n");
} else {
  process.stderr.write(
    `${diff.stdout ?? ""}${diff.stderr ?? ""}${diff.error ? `${diff.error.message}\n` : ""}`,
  );
  process.stderr.write(
    diff.status === differs
      ? "prisma/migrations and prisma/schema.prisma differ: write the missing migration.\n"
      : "The migrations could not be compared with the schema.\n",
  );
  process.exitCode = 1;
}
