import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { folderFault, prepareFolder } from "./data-folder.ts";
import { DatabaseUnavailable, errorCode, errorMessage } from "./errors.ts";
import { findFreePort, isPortFree } from "./free-port.ts";
import { choosePostgresAccount } from "./postgres-account.ts";
import { findPostgresPackage, type PostgresPackage, preparePostgresBinaries } from "./postgres-binaries.ts";
import { clusterUser, keepPassword, makeCluster, readClusterMajor } from "./postgres-cluster.ts";
import { findPostmaster, type Postmaster, startPostmaster, stopPostmaster } from "./postmaster.ts";

/** A Postgres of our own, ready for connections. */
export interface EmbeddedPostgres {
  /** Of the maintenance database `postgres`, as superuser; holds the password. */
  readonly connectionString: string;
  /** Whether it was found running: the process that had started it died without stopping it. */
  readonly adopted: boolean;
  /**
   * Ends all sessions, writes everything down and stops it; at most half a minute. A repeat answers as the
   * first call did.
   */
  stop(): Promise<void>;
}

/** How to start it. */
export interface EmbeddedPostgresOptions {
  /** Loci's data folder; Postgres' part lies in `postgres/` below it. Made if missing. */
  readonly dataDir: string;
  /** Receives a sentence for whatever takes long or is worth knowing. */
  readonly log?: (message: string) => void;
  /** For tests only: trades the safety of the data for speed. */
  readonly isDisposable?: boolean;
}

/** Where everything of one embedded Postgres lies. */
interface Places {
  readonly postgresDir: string;
  readonly clusterDir: string;
  readonly logFile: string;
  readonly portFile: string;
}

const startAttemptsMax = 5;
/** Orphans of a killed postmaster notice within moments, unless one is in a long system call. */
const orphansTimeoutMs = 30_000;
const orphansPollMs = 100;
const connectTimeoutMs = 10_000;

/** For an all-in-one process on a small machine: safe first, and modest. */
const parameters = {
  listen_addresses: "127.0.0.1",
  // The loopback with a password is the only way in.
  unix_socket_directories: "",
  max_connections: "200",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  // Queries here are short; compiling them costs more than it saves.
  jit: "off",
  random_page_cost: "1.1",
  TimeZone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
  // Nothing replicates from or to an embedded database.
  max_logical_replication_workers: "0",
};

const disposableParameters = {
  ...parameters,
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
};

/**
 * Starts the Postgres of a data folder, or adopts the one that runs there already. The first start makes
 * the cluster (about a second); later ones take a fraction of that. After a crash of either process, or of
 * both, it just starts. The postmaster outlives this process unless `stop` is called.
 *
 * The caller holds the folder (`holdDataFolder`): two starts at once would take each other for a crash.
 *
 * @throws DatabaseUnavailable when the folder, the cluster in it or the binaries cannot be used.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const postgresDir = await prepareFolder(path.join(await prepareFolder(options.dataDir), "postgres"));
  const clusterDir = path.join(postgresDir, "cluster");
  const places: Places = {
    postgresDir,
    clusterDir,
    logFile: path.join(postgresDir, "postgres.log"),
    portFile: path.join(postgresDir, "port"),
  };
  const installed = await findPostgresPackage();
  const account = await choosePostgresAccount(clusterDir);
  const major = await readClusterMajor(clusterDir);
  if (major !== undefined && major !== installed.major) {
    throw new DatabaseUnavailable(
      `The database in ${clusterDir} was made by Postgres ${major}, and this release brings Postgres ${installed.major}; start the release that made it, or set LOCI_DATA_DIR to a new folder.`,
    );
  }
  const password = await keepPassword(postgresDir, major !== undefined);

  const found = major === undefined ? undefined : await findPostmaster(clusterDir);
  if (found !== undefined)
    log(`Postgres was left running by an earlier process; going on with process ${found.process.pid}.`);
  const postmaster =
    found ?? (await launch(places, installed, { ...options, log, account, password, major }));
  const connectionString = connectionTo(postmaster.port, password);
  await proveOurs(connectionString, clusterDir).catch(async (error: unknown) => {
    // What we have just launched would live on behind our back; what we found running is not ours to stop.
    if (found === undefined) await stopPostmaster(postmaster.process);
    throw error;
  });
  let stopped: Promise<void> | undefined;
  return {
    connectionString,
    adopted: found !== undefined,
    stop() {
      stopped ??= stopPostmaster(postmaster.process);
      return stopped;
    },
  };
}

type LaunchSettings = Required<Pick<EmbeddedPostgresOptions, "log">> &
  Pick<EmbeddedPostgresOptions, "isDisposable"> & {
    readonly account: Awaited<ReturnType<typeof choosePostgresAccount>>;
    readonly password: string;
    readonly major: string | undefined;
  };

async function launch(
  places: Places,
  installed: PostgresPackage,
  settings: LaunchSettings,
): Promise<Postmaster> {
  const { account, log } = settings;
  const isDisposable = settings.isDisposable ?? false;
  const binaries = await preparePostgresBinaries(installed, places.postgresDir, account);
  if (settings.major === undefined) {
    log(`Making a new Postgres ${installed.major} database in ${places.clusterDir}.`);
    await makeCluster({ ...places, binaries, account, isDisposable }, settings.password);
  }
  const deadline = Date.now() + orphansTimeoutMs;
  for (let attempt = 1; ; ) {
    const port = await keepPort(places.portFile);
    const started = await startPostmaster({
      ...places,
      postgres: binaries.postgres,
      account,
      port,
      parameters: isDisposable ? disposableParameters : parameters,
    });
    if (typeof started === "object" && "process" in started) return started;
    if (typeof started === "object") throw started.fault;
    if (started === "orphans alive" && Date.now() < deadline) {
      log("Waiting for the last sessions of a killed Postgres to end.");
      await pause(orphansPollMs);
      continue;
    }
    if (started === "orphans alive" || attempt >= startAttemptsMax) {
      throw new DatabaseUnavailable(`Postgres did not start (${started}); its log is ${places.logFile}.`);
    }
    attempt += 1;
  }
}

/** The port of the last start if it is free, and otherwise another, which is kept from then on. */
async function keepPort(portFile: string): Promise<number> {
  const kept = Number(await readFile(portFile, "utf8").catch(() => ""));
  if (Number.isInteger(kept) && kept > 0 && kept < 65_536 && (await isPortFree(kept))) return kept;
  const port = await findFreePort();
  try {
    await writeFile(portFile, String(port));
  } catch (error) {
    throw folderFault(path.dirname(portFile), error);
  }
  return port;
}

/** Where the maintenance database of a running cluster of ours is, as its superuser; holds the password. */
export function connectionTo(port: number, password: string): string {
  return `postgresql://${clusterUser}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
}

/**
 * Connects and asks whose it is: the password fits, and the data are those of this folder. A connection that breaks is
 * made again for a while: a Postgres whose last life was killed may break the first ones off.
 */
async function proveOurs(connectionString: string, clusterDir: string): Promise<void> {
  for (const deadline = Date.now() + connectTimeoutMs; ; ) {
    try {
      return await askWhose(connectionString, clusterDir);
    } catch (error) {
      const isBroken = brokenCodes.has(errorCode(error) ?? "");
      if (isBroken && Date.now() < deadline) {
        await pause(orphansPollMs);
        continue;
      }
      if (error instanceof DatabaseUnavailable) throw error;
      throw new DatabaseUnavailable(
        `Postgres in ${clusterDir} does not let us in (${errorMessage(error)}).`,
        { cause: error },
      );
    }
  }
}

const brokenCodes = new Set(["ECONNRESET", "EPIPE", "57P02", "57P03"]);

/** @throws {DatabaseUnavailable} when it serves another folder, and whatever breaks the connection */
async function askWhose(connectionString: string, clusterDir: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectTimeoutMs });
  // An error after the connection has failed once more must not end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>("SHOW data_directory");
    const folder = rows[0]?.data_directory;
    if (folder !== clusterDir) {
      throw new DatabaseUnavailable(
        `The Postgres that answers serves ${folder}, not ${clusterDir}; stop it first.`,
      );
    }
  } finally {
    await client.end().catch(() => {});
  }
}
