import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { findAuditKey } from "./access/audit-key.ts";
import { readEncryptionKey } from "./access/encryption-key.ts";
import { type Config, readConfig } from "./config.ts";
import { type Database, openDatabase } from "./database/connect.ts";
import { withDatabase } from "./database/connection-target.ts";
import { connectionTo, startEmbeddedPostgres } from "./database/embedded-postgres.ts";
import { errorMessage } from "./database/errors.ts";
import { holdDataFolder } from "./database/folder-lock.ts";
import { readClusterMajor } from "./database/postgres-cluster.ts";
import { findPostmaster } from "./database/postmaster.ts";
import { openKeyRing } from "./memories.ts";
import type { KeyRing } from "./memory-access/key-ring.ts";
import { CannotStart, sentenceFor } from "./start-faults.ts";
import { type AuditReport, findingsMax, type VerifyOptions, verifyAudit } from "./tenants/verify-audit.ts";

/** `npm run verify-audit`: walks the audit's chain. Exit code 0: whole; 1: something is wrong; 2: it could not be walked. */

const usage = `Usage: npm run verify-audit [-- --anchor <seal>:<hash>]
  --anchor   a head of the chain that was logged or printed earlier: it must still be in it`;

interface Found {
  readonly connectionString: string;
  release(): Promise<void>;
}

function readAnchor(): VerifyOptions["anchor"] {
  let anchor: string | undefined;
  try {
    ({ anchor } = parseArgs({ options: { anchor: { type: "string" } } }).values);
  } catch (error) {
    throw new CannotStart(`${errorMessage(error)}\n${usage}`);
  }
  if (anchor === undefined) return undefined;
  const [, no, hash] = /^(\d{1,9}):([0-9a-fA-F]{64})$/.exec(anchor) ?? [];
  if (no === undefined || hash === undefined) throw new CannotStart(usage);
  return { no: Number(no), hash };
}

/** The database: the configured one, or that of the data folder, started for the walk where no Loci runs on it. */
async function findDatabase({ databaseUrl, dataDir }: Config): Promise<Found> {
  if (databaseUrl !== null) return { connectionString: databaseUrl, release: async () => {} };
  const postgresDir = path.join(dataDir, "postgres");
  const clusterDir = path.join(postgresDir, "cluster");
  if ((await readClusterMajor(clusterDir)) === undefined) {
    throw new CannotStart(`There is no database in ${dataDir}; set LOCI_DATA_DIR or DATABASE_URL.`);
  }
  const running = await findPostmaster(clusterDir);
  if (running !== undefined) {
    const password = await readFile(path.join(postgresDir, "password"), "utf8");
    const connectionString = withDatabase(connectionTo(running.port, password), "loci");
    return { connectionString, release: async () => {} };
  }
  const hold = await holdDataFolder(dataDir);
  try {
    const postgres = await startEmbeddedPostgres({ dataDir });
    const release = async () => {
      await postgres.stop();
      await hold.release();
    };
    return { connectionString: withDatabase(postgres.connectionString, "loci"), release };
  } catch (error) {
    await hold.release();
    throw error;
  }
}

/** What opens the audit key: as in `main.ts`, but that nothing is made. */
async function findRing(config: Config): Promise<KeyRing | null> {
  const { databaseUrl, dataDir, encryptionKeys, encryptionKeyFiles } = config;
  const isGiven = databaseUrl !== null || encryptionKeys !== null || encryptionKeyFiles !== null;
  if (!isGiven && (await readEncryptionKey(dataDir)) === null) return null;
  return openKeyRing(config, dataDir);
}

async function findKey(config: Config, { prisma }: Database): Promise<Uint8Array | string> {
  try {
    const key = await findAuditKey({ prisma, ring: await findRing(config) });
    return key ?? "the installation has no audit key";
  } catch (error) {
    return errorMessage(error);
  }
}

function describe(report: AuditReport, whyNoKey: string | null): string {
  const { findings, seals, prunedSeals, events, waiting, taggedSeals, head } = report;
  const tags =
    whyNoKey === null ? `${taggedSeals} of them with a right tag` : `tags not checked: ${whyNoKey}`;
  const found = findings.map(({ what, problem }) => `  ${what}: ${problem}`);
  return [
    `${seals} seals (${prunedSeals} pruned by retention; ${tags}), ${events} events as they were sealed.`,
    ...(waiting === 0 ? [] : [`${waiting} events are not sealed yet: of these nothing is proved.`]),
    ...(head === null ? [] : [`Head: ${head.no}:${head.hash}`]),
    ...(findings.length === 0 ? ["The audit is whole."] : ["THE AUDIT IS NOT WHOLE:", ...found]),
    ...(findings.length < findingsMax ? [] : [`  There may be more: ${findingsMax} are told.`]),
    "",
  ].join("\n");
}

async function verify(): Promise<number> {
  const anchor = readAnchor();
  const config = readConfig();
  const { connectionString, release } = await findDatabase(config);
  try {
    const database = await openDatabase(connectionString, { connectionsMax: 1 });
    const key = await findKey(config, database);
    await database.close();
    // Without the time-outs of the service: a walk over millions of events takes minutes.
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      const isKey = typeof key !== "string";
      const report = await verifyAudit(client, { key: isKey ? key : null, anchor });
      process.stdout.write(describe(report, isKey ? null : key));
      return report.findings.length === 0 ? 0 : 1;
    } finally {
      await client.end();
    }
  } finally {
    await release();
  }
}

process.exitCode = await verify().catch((error: unknown) => {
  const sentence = sentenceFor(error);
  process.stderr.write(`${sentence ?? (error instanceof Error ? error.message : String(error))}\n`);
  return 2;
});
