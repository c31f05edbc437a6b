import { randomBytes, randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { createAuthenticator } from "../src/access/authenticator.ts";
import { TokenKey } from "../src/access/token-key.ts";
import { openDatabase } from "../src/database/connect.ts";
import { type EnginePool, openEnginePool } from "../src/database/engine-pool.ts";
import { openNotifications } from "../src/database/listen.ts";
import { migrate } from "../src/database/migrate.ts";
import { loadGraphiql } from "../src/graphiql/page.ts";
import { presetTabs } from "../src/graphiql/presets.ts";
import { createGraphqlEndpoint } from "../src/graphql-endpoint.ts";
import type { Lifetime } from "../src/lifetime.ts";
import { type Ping, ping } from "../src/mem0/ping.ts";
import { openMem0 } from "../src/mem0/request.ts";
import { KeyClients } from "../src/memory-access/key-clients.ts";
import { createKeyRing } from "../src/memory-access/key-ring.ts";
import { accessChannels, createMemoryDoor, type OpenDoor } from "../src/memory-access/open-door.ts";
import type { ProjectKeys } from "../src/memory-access/project-keys.ts";
import { type Engine, startEngine } from "../src/provisioning/engine.ts";
import { createOperationFeed, feedChannels, type OperationFeed } from "../src/provisioning/operation-feed.ts";
import { createOperationWatch } from "../src/provisioning/operation-watch.ts";
import { defaultTimings, type Provisioning } from "../src/provisioning/provisioning.ts";
import { runOperation } from "../src/provisioning/sagas.ts";
import { signUpTenant } from "../src/provisioning/sign-up-tenant.ts";
import { startSweeping } from "../src/provisioning/sweep.ts";
import { listen } from "../src/server.ts";
import { openMarkerSecret, recognizeAccount } from "../src/tenants/installation.ts";
import { freshKey, place } from "./place.ts";
import { createSagaMoments, type SagaMoments } from "./saga-moments.ts";
import type { Upstream } from "./upstream.ts";

/** Loci in this process, composed as `main.ts` does it, with the numbers of connections it has there, but without
 * a lease: nobody else is there. */
export interface BenchLoci {
  readonly graphqlUrl: string;
  readonly token: string;
  readonly moments: SagaMoments;
  /** Starts a sign-up by its function, not through GraphQL. Answers the operation's id. */
  startSignUp(): Promise<string>;
  /** Waits until the engine has written down that the operation's first run is over. */
  untilRecorded(operationId: string): Promise<void>;
  /** Looks for due work every second from now on, as the running service does. Answers how to stop it. */
  startSweeping(): { stop(): Promise<void> };
}

/** As many as the greatest number of sagas in flight that is measured, with room; the service's default is 100. */
const inFlightMax = 250;
const token = "bench-admin-token-0123456789";
const requestPatienceMs = 500;
const runPatienceMs = 2_000;

/** Starts it on an empty database. With the lifetime's end it is stopped. One in a process, as the engine is. */
export async function startLoci(
  databaseUrl: string,
  upstream: Upstream,
  lifetime: Lifetime,
): Promise<BenchLoci> {
  const log = pino({ level: process.env["BENCH_LOG_LEVEL"] ?? "error" }, pino.destination(2));
  const feed = await lifetime.keep({
    name: "the feed",
    make: async () =>
      createOperationFeed(
        (receiver) => openNotifications(databaseUrl, { channels: feedChannels, receiver }),
        log,
      ),
    stop: (made) => made.close(),
  });
  const moments = createSagaMoments();
  const { identity, ...parts } = await openParts(databaseUrl, upstream, lifetime);
  const provisioning: Provisioning = {
    ...parts,
    // No account of a customer is linked here, and nothing to unseal its key with.
    openAccount: (id, sealedKey) =>
      new KeyClients({ baseUrl: upstream.url, timeoutMs: 30_000 }, null).get(
        { owner: "ACCOUNT", id },
        sealedKey,
      ),
    timings: defaultTimings,
    around: moments.around,
    announce: feed.announce,
    leave: { isHeld: () => true, whenHeld: () => Promise.resolve() },
    log,
  };
  const database = await lifetime.keep({
    name: "the engine's connections",
    make: async () =>
      openEnginePool(databaseUrl, { connectionsMax: 20, log: (message) => log.debug(message) }),
    stop: (made) => made.close(),
  });
  const engine = await lifetime.keep({
    name: "the engine",
    make: () => startBenchEngine(database, provisioning, moments),
    stop: (made) => made.stop(runPatienceMs),
  });
  const memories = await openMemories(databaseUrl, { provisioning, upstream, identity }, lifetime);
  return {
    graphqlUrl: await serve(provisioning, { engine, feed, memories }, lifetime),
    ...{ token, moments },
    startSignUp: async () => {
      const key = freshKey();
      const { id } = await signUpTenant(provisioning, engine, {
        ...{ actor: "bench", key, idempotencyKey: key, place },
      });
      return id;
    },
    untilRecorded: (operationId) => untilRecorded(engine, operationId),
    startSweeping: () => startSweeping(provisioning, engine),
  };
}

/** The parts of provisioning that talk to the database and to Mem0. */
async function openParts(databaseUrl: string, upstream: Upstream, lifetime: Lifetime) {
  await migrate(databaseUrl, {
    migrationsDir: fileURLToPath(new URL("../prisma/migrations", import.meta.url)),
  });
  const { prisma } = await lifetime.keep({
    name: "the database",
    make: () => openDatabase(databaseUrl, { connectionsMax: 20 }),
    stop: (made) => made.close(),
  });
  const mem0 = openMem0({ baseUrl: upstream.url, apiKey: upstream.apiKey });
  const identity = await ping(mem0);
  const { id } = await recognizeAccount(prisma, { upstream: "emulator", ...identity });
  const account = { id, userEmail: identity.userEmail };
  return { prisma, mem0, account, identity, markerSecret: await openMarkerSecret(prisma) };
}

/** The way to memories, without the proofs that are made meanwhile: their statements would be counted. */
async function openMemories(
  databaseUrl: string,
  of: { readonly provisioning: Provisioning; readonly upstream: Upstream; readonly identity: Ping },
  lifetime: Lifetime,
): Promise<{ door: OpenDoor; projectKeys: ProjectKeys }> {
  const { prisma, log, mem0 } = of.provisioning;
  const work = {
    ...{ prisma, log, ring: createKeyRing([randomBytes(32)]), proofEveryMs: 900_000 },
    target: { baseUrl: of.upstream.url, timeoutMs: 30_000 },
    platform: { ...of.identity, mem0 },
  };
  const door = await lifetime.keep({
    name: "the door to memories",
    make: async () =>
      createMemoryDoor({
        ...work,
        listen: (receiver) => openNotifications(databaseUrl, { channels: accessChannels, receiver }),
      }),
    stop: (made) => made.close(),
  });
  return { door, projectKeys: { ...work, door } };
}

/** Serves GraphQL, and answers where. */
async function serve(
  provisioning: Provisioning,
  parts: {
    readonly engine: Engine;
    readonly feed: OperationFeed;
    readonly memories: { readonly door: OpenDoor; readonly projectKeys: ProjectKeys };
  },
  lifetime: Lifetime,
): Promise<string> {
  const { engine, feed, memories } = parts;
  const { prisma, log } = provisioning;
  const server = await lifetime.keep({
    name: "the server",
    make: () => listen("127.0.0.1", 0, log),
    stop: (made) => made.close(requestPatienceMs),
  });
  const watch = createOperationWatch(prisma, feed);
  const tokenKey = new TokenKey(prisma, memories.projectKeys.ring);
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(
        { prisma, provisioning, engine, watch, apiTokens: { prisma, tokenKey }, ...memories },
        log,
      ),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: presetTabs }),
      authenticate: createAuthenticator({ prisma, log, adminToken: token, tokenKey }).authenticate,
    },
    whyNotReady: async () => null,
  });
  return `${server.url}/graphql`;
}

async function startBenchEngine(
  database: EnginePool,
  provisioning: Provisioning,
  moments: SagaMoments,
): Promise<Engine> {
  return startEngine({
    database,
    executorId: `bench-${randomUUID()}`,
    log: provisioning.log,
    inFlightMax,
    run: async (journal, operationId, run) => {
      await runOperation(provisioning, journal, operationId, run);
      moments.ended(operationId);
    },
  });
}

async function untilRecorded(engine: Engine, operationId: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await engine.stateOf(operationId, 1)).is !== "ended") {
    if (performance.now() > deadline) throw new Error(`The run of ${operationId} does not end.`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
