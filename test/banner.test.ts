import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { describeStart, describeWorker, type RunningApi } from "../src/banner.ts";
import { type Database, openDatabase } from "../src/database/connect.ts";
import { newId } from "../src/tenants/ids.ts";
import { openMarkerSecret } from "../src/tenants/installation.ts";
import { pause, resume } from "../src/tenants/pause.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase(testDatabase.connectionString);
});

afterEach(async () => {
  await database.prisma.tenant.deleteMany();
});

afterAll(async () => {
  await database?.close();
  await testDatabase?.drop();
});

function describeWith(changes: Partial<RunningApi> = {}): Promise<string> {
  return describeStart({
    url: "http://127.0.0.1:4000",
    upstreamUrl: "http://127.0.0.1:4100",
    isEmulator: true,
    databaseTarget: null,
    dataDir: "/var/lib/loci",
    adminToken: "loci_admin_secret",
    prisma: database.prisma,
    ...changes,
  });
}

describe("a worker's banner", () => {
  const worker = { databaseTarget: "db.test:5432/loci", upstreamUrl: "https://api.mem0.ai", dataDir: null };

  it("says what it is and where things are, and its health only where something listens", () => {
    const banner = describeWorker({ ...worker, url: "http://127.0.0.1:4001" });
    for (const words of [
      "worker",
      "db.test:5432/loci",
      "https://api.mem0.ai",
      "http://127.0.0.1:4001/readyz",
    ]) {
      expect(banner).toContain(words);
    }
    expect(describeWorker({ ...worker, url: null })).not.toMatch(/Health|null/);
  });
});

describe("the banner", () => {
  it("says where things are, and which token opens them", async () => {
    const banner = await describeWith();
    for (const words of [
      "http://127.0.0.1:4000/graphql",
      "embedded Postgres",
      "http://127.0.0.1:4100",
      "/var/lib/loci",
      "loci_admin_secret",
      "(kept in /var/lib/loci/admin-token)",
      "NOT THE REAL MEM0",
    ]) {
      expect(banner).toContain(words);
    }
  });

  it("names the caller's own database, and neither a folder nor a token where there is none of ours", async () => {
    const banner = await describeWith({
      databaseTarget: "db.test:5432/loci",
      dataDir: null,
      adminToken: null,
      isEmulator: false,
    });
    expect(banner).toContain("db.test:5432/loci");
    expect(banner).toContain("the one in LOCI_ADMIN_TOKEN");
    expect(banner).not.toMatch(/Data {2}|kept in|NOT THE REAL|null/);
  });

  it("says that the installation is paused, and why, as long as it is", async () => {
    expect(await describeWith()).not.toContain("PAUSED");
    await openMarkerSecret(database.prisma);
    await pause(database.prisma, "Restored from a backup.");
    expect(await describeWith()).toContain("PAUSED: no operation is started. Restored from a backup.");
    await resume(database.prisma);
    expect(await describeWith()).not.toContain("PAUSED");
  });

  it("invites nobody and calls nobody on a real account", async () => {
    expect(await describeWith({ isEmulator: true })).toMatch(/members.*\n.*webhooks/);
    expect(await describeWith({ isEmulator: false })).not.toMatch(/members|webhooks/);
  });

  it("offers the first key that no tenant ever had, and another idempotency key each time", async () => {
    const keyIn = (banner: string) => /\n {4}key: "([^"]+)"/.exec(banner)?.[1];
    expect(keyIn(await describeWith())).toBe("acme");
    for (const key of ["acme", "acme-2", "acme-4"]) {
      await database.prisma.tenant.create({
        data: { id: newId("tnt"), key, generation: 1, name: key, status: "PROVISIONING" },
      });
    }
    const banners = [await describeWith(), await describeWith()];
    expect(banners.map(keyIn)).toEqual(["acme-3", "acme-3"]);
    const keys = banners.map((banner) => /idempotencyKey: "([^"]+)"/.exec(banner)?.[1]);
    expect(new Set(keys).size).toBe(2);
  });
});
