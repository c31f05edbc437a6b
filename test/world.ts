import { randomBytes, randomUUID } from "node:crypto";
import { GraphQLClient } from "graphql-request";
import pino from "pino";
import type { ApiTokens } from "../src/access/api-tokens.ts";
import { type Authenticator, createAuthenticator } from "../src/access/authenticator.ts";
import { TokenKey } from "../src/access/token-key.ts";
import { openDatabase } from "../src/database/connect.ts";
import { openEnginePool } from "../src/database/engine-pool.ts";
import { openNotifications } from "../src/database/listen.ts";
import { type EmulatorOptions, startEmulator } from "../src/emulator/emulator.ts";
import type { PrismaClient } from "../src/generated/prisma/client.ts";
import { loadGraphiql } from "../src/graphiql/page.ts";
import { presetTabs } from "../src/graphiql/presets.ts";
import { createGraphqlEndpoint } from "../src/graphql-endpoint.ts";
import { ping } from "../src/mem0/ping.ts";
import { type Mem0Options, openMem0 } from "../src/mem0/request.ts";
import { KeyClients } from "../src/memory-access/key-clients.ts";
import { createKeyRing } from "../src/memory-access/key-ring.ts";
import { accessChannels, createMemoryDoor, type OpenDoor } from "../src/memory-access/open-door.ts";
import type { ProjectKeys } from "../src/memory-access/project-keys.ts";
import { type Engine, startEngine } from "../src/provisioning/engine.ts";
import { createOperationFeed, feedChannels, type OperationFeed } from "../src/provisioning/operation-feed.ts";
import { createOperationWatch, type OperationWatch } from "../src/provisioning/operation-watch.ts";
import {
  type Around,
  defaultTimings,
  type Provisioning,
  type Timings,
} from "../src/provisioning/provisioning.ts";
import { runOperation } from "../src/provisioning/sagas.ts";
import { sweep } from "../src/provisioning/sweep.ts";
import { listen } from "../src/server.ts";
import { openMarkerSecret, recognizeAccount } from "../src/tenants/installation.ts";
import { EmulatorControl } from "./emulator-control.ts";
import type { TestCluster } from "./global-setup.ts";
import { createTestDatabase } from "./test-database.ts";

/** Everything of Loci in this process: real Postgres, the emulator over HTTP, the engine, GraphQL over HTTP. */
export interface World {
  readonly provisioning: Provisioning;
  readonly prisma: PrismaClient;
  readonly engine: Engine;
  readonly feed: OperationFeed;
  readonly watch: OperationWatch;
  readonly door: OpenDoor;
  readonly projectKeys: ProjectKeys;
  readonly apiTokens: ApiTokens;
  readonly authenticate: Authenticator["authenticate"];
  readonly emulator: EmulatorControl;
  readonly emulatorUrl: string;
  readonly url: string;
  readonly token: string;
  readonly connectionString: string;
  /** Sends a document with the admin token. */
  send<T>(document: string, variables?: object): Promise<T>;
  /** Stands between the runner and its deeds from now on; no argument: nothing does. */
  setAround(around?: Around): void;
  /** Looks for due work once, as the running service does every second. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** What may be other than usual. */
export interface WorldOptions {
  readonly timings?: Partial<Timings>;
  readonly emulator?: EmulatorOptions;
  readonly timeoutMs?: number;
  readonly breaker?: Mem0Options["breaker"];
  /** Outside of the tests: where its database is made. */
  readonly cluster?: TestCluster;
}

/** Short waits, so that tests of settling and of retries are quick. */
export const quickTimings: Partial<Timings> = {
  settleMs: 400,
  twinCheckMs: 0,
  memberRetryMs: 100,
  retryBaseMs: 5,
  retryMaxMs: 20,
  attemptsMax: 4,
  parkBaseMs: 20,
  parkMaxMs: 100,
};

/** Probes soon, so that many failures in a row cost a test little. */
const quickBreaker = { failuresInARow: 10, probeAfterMs: 20, probeAfterMaxMs: 100 };

/** Makes a world of one's own. The engine is one per process, so is the world. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const log = pino({ level: process.env["TEST_LOG_LEVEL"] ?? "silent" });
  const database = await createTestDatabase(options.cluster);
  const { prisma, close: closeDatabase } = await openDatabase(database.connectionString);
  const emulator = await startEmulator(options.emulator);
  const mem0 = openMem0({
    baseUrl: emulator.url,
    apiKey: emulator.apiKey,
    timeoutMs: options.timeoutMs ?? 5_000,
    breaker: options.breaker ?? quickBreaker,
  });
  const identity = await ping(mem0);
  const account = await recognizeAccount(prisma, { upstream: "emulator", ...identity });
  const feed = createOperationFeed(
    (receiver) => openNotifications(database.connectionString, { channels: feedChannels, receiver }),
    log,
  );
  const watch = createOperationWatch(prisma, feed);
  let around: Around = (_deed, proceed) => proceed();
  const ring = createKeyRing([randomBytes(32)]);
  const target = { baseUrl: emulator.url, timeoutMs: options.timeoutMs ?? 5_000 };
  const accountKeys = new KeyClients(target, ring);
  const provisioning: Provisioning = {
    prisma,
    mem0,
    openAccount: (id, sealedKey) => accountKeys.get({ owner: "ACCOUNT", id }, sealedKey),
    account: { id: account.id, userEmail: identity.userEmail },
    markerSecret: await openMarkerSecret(prisma),
    timings: { ...defaultTimings, ...quickTimings, ...options.timings },
    around: (deed, proceed) => around(deed, proceed),
    announce: feed.announce,
    leave: { isHeld: () => true, whenHeld: () => Promise.resolve() },
    log,
  };
  const engineDatabase = openEnginePool(database.connectionString, { connectionsMax: 20, log: () => {} });
  const engine = await startEngine({
    database: engineDatabase,
    executorId: `test-${randomUUID()}`,
    log,
    inFlightMax: 100,
    run: (journal, operationId, run) => runOperation(provisioning, journal, operationId, run),
  });
  const memories = {
    ...{ prisma, log, ring, target, proofEveryMs: 900_000 },
    platform: { ...identity, mem0 },
  };
  const door = createMemoryDoor({
    ...memories,
    listen: (receiver) =>
      openNotifications(database.connectionString, { channels: accessChannels, receiver }),
  });
  const projectKeys: ProjectKeys = { ...memories, door };
  const token = "test-admin-token-0123456789";
  const apiTokens = { prisma, tokenKey: new TokenKey(prisma, ring) };
  const { authenticate } = createAuthenticator({ ...apiTokens, log, adminToken: token });
  const server = await listen("127.0.0.1", 0, log);
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(
        { prisma, provisioning, engine, watch, door, projectKeys, apiTokens },
        log,
        { isDevelopment: true },
      ),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: presetTabs }),
      authenticate,
      door: { isDevelopment: true },
    },
    whyNotReady: async () => null,
  });
  const client = new GraphQLClient(`${server.url}/graphql`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return {
    provisioning,
    prisma,
    engine,
    feed,
    watch,
    door,
    projectKeys,
    apiTokens,
    authenticate,
    emulator: new EmulatorControl(emulator.url),
    emulatorUrl: emulator.url,
    url: server.url,
    token,
    connectionString: database.connectionString,
    send: (document, variables) => client.request(document, variables),
    setAround: (handler) => {
      around = handler ?? ((_deed, proceed) => proceed());
    },
    sweep: async () => {
      await sweep(provisioning, engine);
    },
    close: async () => {
      await server.close(100);
      await engine.stop(2_000);
      await engineDatabase.close();
      await feed.close();
      await door.close();
      await accountKeys.close();
      await closeDatabase();
      await mem0.close();
      await emulator.close();
      await database.drop();
    },
  };
}
