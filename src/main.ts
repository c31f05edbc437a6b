import { realpath } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Pool } from "pg";
import pino from "pino";
import { adminTokenFile, keepAdminToken } from "./access/admin-token.ts";
import { createAuthenticator } from "./access/authenticator.ts";
import { TokenKey } from "./access/token-key.ts";
import { keepAudit } from "./audit-keeping.ts";
import { describeStart, describeWorker } from "./banner.ts";
import { type Config, type Flags, isProduction, readConfig, readFlags } from "./config.ts";
import { openDatabase } from "./database/connect.ts";
import { describeTarget } from "./database/connection-target.ts";
import { createDatabaseIfMissing } from "./database/create-database.ts";
import { prepareFolder } from "./database/data-folder.ts";
import { startEmbeddedPostgres } from "./database/embedded-postgres.ts";
import { errorMessage } from "./database/errors.ts";
import { readLiveExecutors } from "./database/executor-session.ts";
import { holdDataFolder } from "./database/folder-lock.ts";
import { judgeLogin, refuseLoginAboveRules } from "./database/judge-login.ts";
import { openNotifications } from "./database/listen.ts";
import { migrate } from "./database/migrate.ts";
import { readMigrations, schemaState } from "./database/migration-history.ts";
import { startEmulator } from "./emulator/emulator.ts";
import { JournalUnreadable } from "./emulator/journal.ts";
import { Lifetime } from "./lifetime.ts";
import { Mem0Error } from "./mem0/errors.ts";
import { type Ping, ping } from "./mem0/ping.ts";
import { openMem0 } from "./mem0/request.ts";
import { type Memories, openKeyRing, openMemories } from "./memories.ts";
import { KeyClients } from "./memory-access/key-clients.ts";
import { openApi } from "./open-api.ts";
import { afterRestore, StillRunning } from "./provisioning/after-restore.ts";
import { createOperationFeed, feedChannels, type OperationFeed } from "./provisioning/operation-feed.ts";
import { createOperationWatch } from "./provisioning/operation-watch.ts";
import { defaultTimings, type Provisioning } from "./provisioning/provisioning.ts";
import type { Api } from "./serve-graphql.ts";
import { listen } from "./server.ts";
import { CannotStart, listenFault, pingFault, portFault, sentenceFor } from "./start-faults.ts";
import { openMarkerSecret, recognizeAccount } from "./tenants/installation.ts";
import { Licence, startRuns } from "./work.ts";

/** How long requests under way may still take when Loci is told to stop. */
const requestPatienceMs = 2_000;

/** What every part of the start works with. */
interface Start {
  readonly config: Config;
  readonly flags: Flags;
  readonly log: pino.Logger;
  readonly lifetime: Lifetime;
  /** Ends everything, and the process with this exit code. */
  readonly end: (code: number) => void;
}

/** Starts everything in order, each thing with how to stop it. Answers what to tell the person at the terminal. */
async function start({ config, flags, log, lifetime, end }: Start): Promise<string> {
  const server = await bindServer(config, log, lifetime);
  const needsToken = config.role !== "worker" && config.adminToken === null;
  const needsFolder = config.databaseUrl === null || config.mem0 === null || needsToken;
  const dataDir = needsFolder ? await holdFolder(config.dataDir, lifetime) : null;
  const adminToken = needsToken ? await readAdminToken(dataDir ?? config.dataDir) : config.adminToken;

  const licence = new Licence();
  const upstream = openUpstream(config, { dataDir: dataDir ?? config.dataDir, licence, lifetime });
  // Started side by side; a failure of the database is told first.
  upstream.catch(() => {});
  const databaseUrl = config.databaseUrl ?? (await startPostgres(config.dataDir, log, lifetime));
  if (isProduction(config)) await refuseLoginAboveRules(databaseUrl);
  const { prisma, pool, migrations } = await openMigrated(databaseUrl, log, lifetime);
  const feed = await openFeed(databaseUrl, log, lifetime);

  const { mem0, mem0WithoutLease, identity, baseUrl } = await upstream;
  const account = await recognizeAccount(prisma, {
    upstream: config.mem0 === null ? "emulator" : baseUrl,
    ...identity,
  });
  const ring = await openKeyRing(config, dataDir ?? config.dataDir);
  const accountKeys = new KeyClients({ baseUrl, timeoutMs: config.mem0TimeoutMs, gate: licence }, ring);
  const provisioning: Provisioning = {
    prisma,
    mem0,
    openAccount: (id, sealedKey) => accountKeys.get({ owner: "ACCOUNT", id }, sealedKey),
    account: { id: account.id, userEmail: identity.userEmail },
    markerSecret: await openMarkerSecret(prisma),
    timings: { ...defaultTimings, ...config.timings },
    around: (deed, proceed) => {
      log.debug({ deed }, "attempt");
      return proceed();
    },
    announce: (operationId) => feed.announce(operationId),
    leave: licence,
    log,
  };
  await keepAudit({ prisma, ring, retentionMs: config.auditRetentionMs, log }, lifetime);
  if (flags.isAfterRestore) await recoverFromRestore(provisioning, pool);
  const runs = await startRuns({
    ...{ provisioning, databaseUrl, config, licence, feed, lifetime },
    onCondemned: () => end(1),
  });
  const memories = await openMemories({
    ...{ config, databaseUrl, prisma, baseUrl, ring, lifetime, log },
    platform: { ...identity, mem0: mem0WithoutLease },
  });
  const tokenKey = new TokenKey(prisma, ring);
  const makeApi = (token: string, ways: Memories): Promise<Api> =>
    openApi(config, {
      world: {
        ...{ prisma, provisioning, engine: runs, watch: createOperationWatch(prisma, feed), ...ways },
        apiTokens: { prisma, tokenKey },
      },
      ...createAuthenticator({ prisma, log, adminToken: token, tokenKey, oidc: config.oidc }),
      log,
    });
  server?.serve({
    api: adminToken === null || memories === null ? null : await makeApi(adminToken, memories),
    whyNotReady: async () => {
      const state = await schemaState(pool, migrations).catch(() => "not reachable");
      return state === "current" ? null : `The database is ${state}.`;
    },
  });
  // Requests need all of the above, so they end before it; the port itself was taken before it.
  await lifetime.keep({
    name: "the requests under way",
    make: async () => server,
    stop: async (made) => made?.close(requestPatienceMs),
  });
  const running = {
    url: server?.url ?? null,
    upstreamUrl: baseUrl,
    dataDir,
    databaseTarget: config.databaseUrl === null ? null : describeTarget(config.databaseUrl),
  };
  if (config.role === "worker") return describeWorker(running);
  return describeStart({
    ...running,
    isEmulator: config.mem0 === null,
    adminToken: config.adminToken === null ? adminToken : null,
    prisma,
  });
}

/** Takes the port before anything else is started. Null where nothing is to listen. */
async function bindServer({ host, port, requestsMax }: Config, log: pino.Logger, lifetime: Lifetime) {
  if (port === null) return null;
  return lifetime.keep({
    name: "the server",
    make: () =>
      listen(host, port, log, { requestsMax }).catch((error) => {
        throw listenFault(error, host, port);
      }),
    stop: (made) => made.close(requestPatienceMs),
  });
}

async function openFeed(databaseUrl: string, log: pino.Logger, lifetime: Lifetime): Promise<OperationFeed> {
  const tell = (message: string) => log.debug(message);
  return lifetime.keep({
    name: "the feed",
    make: async () =>
      createOperationFeed(
        (receiver) => openNotifications(databaseUrl, { channels: feedChannels, receiver, log: tell }),
        log,
      ),
    stop: (made) => made.close(),
  });
}

async function holdFolder(dataDir: string, lifetime: Lifetime): Promise<string> {
  const folder = await prepareFolder(dataDir);
  await lifetime.keep({
    name: "the hold on the data folder",
    make: () => holdDataFolder(folder),
    stop: (made) => made.release(),
  });
  return realpath(folder);
}

async function readAdminToken(dataDir: string): Promise<string> {
  return keepAdminToken(dataDir).catch((error) => {
    const file = path.join(dataDir, adminTokenFile);
    throw new CannotStart(`The admin token cannot be kept in ${file}: ${errorMessage(error)}.`);
  });
}

async function startPostgres(dataDir: string, log: pino.Logger, lifetime: Lifetime): Promise<string> {
  const postgres = await lifetime.keep({
    name: "the embedded Postgres",
    make: () => startEmbeddedPostgres({ dataDir, log: (message) => log.info(message) }),
    stop: (made) => made.stop(),
    outlivesUs: true,
  });
  return createDatabaseIfMissing(postgres.connectionString, "loci");
}

async function openMigrated(databaseUrl: string, log: pino.Logger, lifetime: Lifetime) {
  const migrationsDir = fileURLToPath(new URL("migrations/", import.meta.url));
  const { applied } = await migrate(databaseUrl, { migrationsDir });
  if (applied.length > 0) log.info({ applied }, "migrated");
  // At the end our own Postgres may go a moment before the last connection to it.
  const tell = (message: string) => (lifetime.ending.aborted ? log.debug(message) : log.warn(message));
  const { prisma, pool } = await lifetime.keep({
    name: "the database",
    make: () => openDatabase(databaseUrl, { connectionsMax: 20, log: tell }),
    stop: (made) => made.close(),
  });
  await judgeLogin(pool);
  return { prisma, pool, migrations: await readMigrations(migrationsDir) };
}

/** The client of Mem0, or of the built-in emulator, and what ping says of its key. */
async function openUpstream(
  config: Config,
  {
    dataDir,
    licence,
    lifetime,
  }: { readonly dataDir: string; readonly licence: Licence; readonly lifetime: Lifetime },
) {
  let target = config.mem0;
  if (target === null) {
    const journalPath = path.join(dataDir, "emulator.journal");
    const emulator = await lifetime.keep({
      name: "the emulator",
      make: () =>
        startEmulator({ port: config.emulatorPort, journalPath }).catch((error) => {
          if (error instanceof JournalUnreadable) throw new CannotStart(error.message);
          throw portFault(error, config.emulatorPort, "LOCI_EMULATOR_PORT");
        }),
      stop: (made) => made.close(),
    });
    target = { apiKey: emulator.apiKey, baseUrl: emulator.url };
  }
  const { baseUrl } = target;
  const mem0 = openMem0({ ...target, timeoutMs: config.mem0TimeoutMs, gate: licence });
  const options = { timeoutMs: Math.min(15_000, config.mem0TimeoutMs), signal: lifetime.ending };
  const identity: Ping = await ping(mem0, options).catch((error) => {
    throw error instanceof Mem0Error ? pingFault(error, baseUrl) : error;
  });
  // Nothing is to be stopped: a call that is still under way at the end belongs to a run that was given up, and
  // closing would wait for its whole time-out.
  // For what changes nothing that is a saga's business: a process without a lease makes memory calls, too.
  const mem0WithoutLease = openMem0({ ...target, timeoutMs: config.mem0TimeoutMs });
  return { mem0, mem0WithoutLease, identity, baseUrl };
}

/** The database believes in a past. @throws {CannotStart} when it cannot be made to fit the present */
async function recoverFromRestore(provisioning: Provisioning, pool: Pool): Promise<void> {
  try {
    await afterRestore(provisioning, () => readLiveExecutors(pool));
  } catch (error) {
    const isForPeople = error instanceof StillRunning || error instanceof Mem0Error;
    throw isForPeople ? new CannotStart(error.message) : error;
  }
}

async function main(): Promise<void> {
  const lifetime = new Lifetime();
  let log = pino({ level: "info" }, pino.destination(2));
  let stoppingSince: number | null = null;
  const end = (code: number) => {
    if (stoppingSince !== null) return;
    stoppingSince = Date.now();
    void lifetime.end(log).finally(() => process.exit(code));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // npm passes Ctrl-C on that the terminal has sent already: only a later one is a person's impatience.
      const isRepeat = stoppingSince !== null && Date.now() - stoppingSince > 1_000;
      if (stoppingSince === null) process.stdout.write("\nStopping …\n");
      if (isRepeat) process.stdout.write("Still stopping …\n");
      end(0);
    });
  }
  // A bug, or a terminal that is gone: nothing is to be left running all the same.
  process.on("uncaughtException", (error) => {
    if (stoppingSince === null) log.fatal({ err: error }, "stopping after an error that nobody handled");
    end(1);
  });
  try {
    const config = readConfig();
    log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
    const flags = readFlags(process.argv.slice(2), config);
    process.stdout.write(await start({ config, flags, log, lifetime, end }));
  } catch (error) {
    // Whatever breaks while everything is being stopped breaks because of that.
    if (stoppingSince !== null) return;
    const sentence = sentenceFor(error);
    if (sentence === null) log.fatal({ err: error }, "Loci could not start");
    else process.stderr.write(`${sentence}\n`);
    end(1);
  }
}

await main();
