import { execFile } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cli = path.join(root, "node_modules", "prisma", "build", "index.js");

const schema = (columns: string) => `datasource db {
  provider = "postgresql"
}

model Thing {
  id String @id
  ${columns}
}
`;

const firstMigration = `CREATE TABLE "Thing" ("id" TEXT NOT NULL, CONSTRAINT "Thing_pkey" PRIMARY KEY ("id"));
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id = ';' THEN RAISE EXCEPTION 'no; never'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON "Thing" FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE "Thing" ADD CONSTRAINT "not_empty" CHECK (id <> '');
`;

let project: TemporaryFolder;
let database: TestDatabase;

/** Prisma's CLI in the project, as a developer calls it; answers its exit code and all it wrote. */
function prisma(words: string[], databaseUrl?: string): Promise<{ code: number; output: string }> {
  // Undefined entries are left out of a child's environment.
  const env = { ...process.env, DATABASE_URL: databaseUrl, PRISMA_SCHEMA_ENGINE_BINARY: undefined };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [cli, ...words],
      { cwd: project.path, env },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: `${stdout}${stderr}` }),
    );
  });
}

beforeEach(async () => {
  project = await makeTemporaryFolder("loci-prisma-");
  const migration = path.join(project.path, "prisma/migrations/20260101000000_first");
  await mkdir(migration, { recursive: true });
  await writeFile(path.join(migration, "migration.sql"), firstMigration);
  await writeFile(
    path.join(project.path, "prisma/migrations/migration_lock.toml"),
    `provider = "postgresql"\n`,
  );
  await writeFile(path.join(project.path, "prisma/schema.prisma"), schema(""));
  // The project's own configuration, but for this folder's schema and migrations.
  await writeFile(
    path.join(project.path, "prisma.config.mjs"),
    `import config from ${JSON.stringify(path.join(root, "prisma.config.ts"))}; export default { ...config };`,
  );
  database = await createTestDatabase({ ...inject("testCluster"), templateName: "template1" });
});

afterEach(async () => {
  await database.drop();
  await project.remove();
});

const diff = (...words: string[]) =>
  prisma([
    ...["migrate", "diff", "--from-migrations", "prisma/migrations"],
    ...["--to-schema", "prisma/schema.prisma", "--exit-code", ...words],
  ]);

describe("the stand-in for Prisma's schema engine", { timeout: 120_000 }, () => {
  it("compares migrations with the schema without a database or network", async () => {
    const same = await diff();
    expect(same).toMatchObject({ code: 0, output: expect.stringContaining("No difference detected.") });
    await writeFile(path.join(project.path, "prisma/schema.prisma"), schema("name String?"));
    const other = await diff("--script");
    expect(other).toMatchObject({ code: 2, output: expect.stringContaining(`ADD COLUMN     "name" TEXT`) });
  });

  it("deploys scripts whole, leaves nothing of one that fails, and empties no real database for its shadow", async () => {
    const url = database.connectionString;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      expect(await prisma(["migrate", "deploy"], url)).toMatchObject({ code: 0 });
      await client.query(`INSERT INTO "Thing" VALUES ('kept')`);
      await expect(client.query(`INSERT INTO "Thing" VALUES (';')`)).rejects.toThrow("no; never");
      await writeFile(path.join(project.path, "prisma/schema.prisma"), schema("name String?"));
      const dev = await prisma(["migrate", "dev", "--name", "named"], url);
      expect(dev).toMatchObject({ code: 0 });
      const made = (await readdir(path.join(project.path, "prisma/migrations"))).filter((name) =>
        name.endsWith("_named"),
      );
      expect(made).toHaveLength(1);
      expect((await client.query(`SELECT id, name FROM "Thing"`)).rows).toEqual([{ id: "kept", name: null }]);
      const bad = path.join(project.path, "prisma/migrations/29990101000000_bad");
      await mkdir(bad);
      await writeFile(path.join(bad, "migration.sql"), "CREATE TABLE half (); SELECT 1 / 0;");
      const failed = await prisma(["migrate", "deploy"], url);
      expect(failed).toMatchObject({ code: 1, output: expect.stringContaining("division by zero") });
      expect((await client.query("SELECT to_regclass('half') AS found")).rows).toEqual([{ found: null }]);
    } finally {
      await client.end();
    }
  });

  it("says what is missing when a command needs a database and has none", async () => {
    const none = await prisma(["migrate", "diff", "--from-config-datasource", "--to-empty"]);
    expect(none).toMatchObject({ code: 1, output: expect.stringContaining("set DATABASE_URL") });
    const unreachable = await prisma(["migrate", "deploy"], "postgresql://loci:x@127.0.0.1:1/loci");
    expect(unreachable).toMatchObject({
      code: 1,
      output: expect.stringContaining("P1001: connect ECONNREFUSED 127.0.0.1:1"),
    });
  });
});
