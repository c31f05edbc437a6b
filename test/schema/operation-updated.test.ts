import pino from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openNotifications } from "../../src/database/listen.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import {
  createOperationFeed,
  feedChannels,
  type OperationFeed,
} from "../../src/provisioning/operation-feed.ts";
import {
  createOperationWatch,
  defaultWatchLimits,
  type OperationWatch,
  type WatchLimits,
} from "../../src/provisioning/operation-watch.ts";
import { type HttpServer, listen } from "../../src/server.ts";
import { type Following, followOperation } from "../follow-operation.ts";
import { settled, signUp, until } from "../main-job.ts";
import { insertPlainOperation, moveOperation, touchStep } from "../plain-operation.ts";
import { createWorld, type World } from "../world.ts";

/** So long that no update in a test can come from a slow look. */
const never = 1_000_000_000;

let world: World;
/** The feed of another process, in which operations change. */
let elsewhere: OperationFeed;
const followings: Following[] = [];
const servers: HttpServer[] = [];
const logged: Record<string, unknown>[] = [];

beforeAll(async () => {
  world = await createWorld();
  elsewhere = createOperationFeed(
    (receiver) => openNotifications(world.connectionString, { channels: feedChannels, receiver }),
    world.provisioning.log,
  );
  await until(async () => elsewhere.isListening() && world.feed.isListening(), "both processes listen");
});
afterAll(async () => {
  await elsewhere?.close();
  await world?.close();
});
afterEach(async () => {
  for (const following of followings.splice(0)) following.leave();
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
  logged.length = 0;
});

/** The API on the world, with bounds of its own. */
async function serve(limits: Partial<WatchLimits>) {
  const watch = createOperationWatch(world.prisma, world.feed, { ...defaultWatchLimits, ...limits });
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) });
  const server = await listen("127.0.0.1", 0, log);
  servers.push(server);
  server.serve({
    api: {
      graphql: createGraphqlEndpoint({ ...world, watch }, log),
      graphiql: { asset: () => null, headers: {}, page: "" },
      authenticate: world.authenticate,
    },
    whyNotReady: async () => null,
  });
  const follow = async (id: string) => {
    const following = await followOperation({ url: server.url, token: world.token }, id);
    followings.push(following);
    return following;
  };
  return { watch, server, follow };
}

async function nextStatus(following: Following): Promise<string | undefined> {
  return (await following.next())?.data?.operationUpdated.status;
}

async function nobodyFollows(watch: OperationWatch) {
  await until(async () => watch.followers() === 0, "nobody follows");
}

describe("operationUpdated", () => {
  it("tells the state at once, each change that another process makes, and ends with the operation", async () => {
    const { watch, follow } = await serve({ slowLookMs: never });
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(following.response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect((await following.next())?.data?.operationUpdated).toEqual({
      ...{ id: operation.globalId, status: "RUNNING", reason: null, tenant: { status: "PROVISIONING" } },
      steps: [
        { name: "createOrganization", status: "PENDING" },
        { name: "createProject", status: "PENDING" },
      ],
    });
    await touchStep(world, operation);
    elsewhere.announce(operation.id);
    expect((await following.next())?.data?.operationUpdated.steps[0]?.status).toBe("RUNNING");
    for (const status of ["PARKED", "NEEDS_ATTENTION", "UNWOUND"] as const) {
      await moveOperation(world, operation, status);
      elsewhere.announce(operation.id);
      expect(await nextStatus(following)).toBe(status);
    }
    expect(await following.next()).toBeNull();
    await nobodyFollows(watch);
  });

  it("follows a real sign-up from beginning to end", async () => {
    const { follow } = await serve({ slowLookMs: 100 });
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    world.setAround(async (_deed, proceed) => {
      await held;
      return proceed();
    });
    const { operation } = await signUp(world, { key: "followed", waitMs: 0 });
    const following = await follow(operation?.id ?? "");
    expect((await following.next())?.data?.operationUpdated.tenant.status).toBe("PROVISIONING");
    letGo();
    const last = (await following.rest()).at(-1)?.data?.operationUpdated;
    world.setAround();
    expect(last).toMatchObject({ status: "SUCCEEDED", tenant: { status: "ACTIVE" } });
    expect(new Set(last?.steps.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED"]));
    await settled(world, "followed");
  });

  it("tells an operation that has ended, and ends", async () => {
    const { follow } = await serve({ slowLookMs: never });
    const operation = await insertPlainOperation(world);
    await moveOperation(world, operation, "CANCELLED");
    const results = await (await follow(operation.globalId)).rest();
    expect(results.map(({ data }) => data?.operationUpdated.status)).toEqual(["CANCELLED"]);
  });

  it("tells nothing when nothing has changed, and keeps the connection alive meanwhile", async () => {
    const { follow } = await serve({ slowLookMs: 50 });
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(await nextStatus(following)).toBe("RUNNING");
    for (let index = 0; index < 5; index += 1) elsewhere.announce(operation.id);
    const next = nextStatus(following);
    const beats = following.beats();
    // Yoga's own sign of life; every 12 s, and every 300 ms in tests.
    await until(async () => following.beats() >= beats + 3, "signs of life come");
    await moveOperation(world, operation, "SUCCEEDED");
    elsewhere.announce(operation.id);
    expect(await next).toBe("SUCCEEDED");
  });

  it("makes one update of changes in quick succession, and never leaves out the last", async () => {
    const { follow } = await serve({ slowLookMs: never });
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(await nextStatus(following)).toBe("RUNNING");
    for (let index = 0; index < 100; index += 1) {
      await touchStep(world, operation);
      elsewhere.announce(operation.id);
    }
    await moveOperation(world, operation, "SUCCEEDED");
    elsewhere.announce(operation.id);
    const statuses = (await following.rest()).map(({ data }) => data?.operationUpdated.status);
    expect(statuses.at(-1)).toBe("SUCCEEDED");
    expect(statuses.length).toBeLessThan(50);
  });

  it("catches up what was changed while nobody could hear it", async () => {
    const { follow } = await serve({ slowLookMs: never });
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(await nextStatus(following)).toBe("RUNNING");
    await world.prisma.$executeRaw`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'loci-notifications' AND datname = current_database()`;
    await until(async () => !world.feed.isListening(), "the break is noticed");
    // Told to nobody: the connection that would hear it is gone.
    await moveOperation(world, operation, "PARKED");
    expect(await nextStatus(following)).toBe("PARKED");
    await until(async () => elsewhere.isListening(), "the other process listens again, too");
    await moveOperation(world, operation, "SUCCEEDED");
    elsewhere.announce(operation.id);
    expect(await nextStatus(following)).toBe("SUCCEEDED");
  });

  it("catches up what was never announced, by a slow look", async () => {
    const { follow } = await serve({});
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(await nextStatus(following)).toBe("RUNNING");
    await moveOperation(world, operation, "SUCCEEDED");
    expect(await nextStatus(following)).toBe("SUCCEEDED");
  });

  it("tells each of many subscribers its own operation", async () => {
    const { watch, follow } = await serve({ slowLookMs: never });
    const operations = await Promise.all(Array.from({ length: 10 }, () => insertPlainOperation(world)));
    const all = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const operation = operations[index % operations.length];
        const following = await follow(operation?.globalId ?? "");
        expect(await nextStatus(following)).toBe("RUNNING");
        return { operation, following };
      }),
    );
    expect(watch.followers()).toBe(60);
    for (const operation of operations) {
      await moveOperation(world, operation, "SUCCEEDED");
      elsewhere.announce(operation.id);
    }
    for (const { operation, following } of all) {
      const results = await following.rest();
      expect(results.map(({ data }) => [data?.operationUpdated.id, data?.operationUpdated.status])).toEqual([
        [operation?.globalId, "SUCCEEDED"],
      ]);
    }
    await nobodyFollows(watch);
  });
});

describe("a subscription that cannot be had", () => {
  it.each([
    ["an operation that is not there", () => Buffer.from("Operation:op_nobody").toString("base64")],
    ["an id of something else", () => Buffer.from("Tenant:tnt_nobody").toString("base64")],
  ])("is refused with NOT_FOUND: %s", async (_what, id) => {
    const { watch, follow } = await serve({});
    const [result] = await (await follow(id())).rest();
    expect(result).toEqual({
      errors: [
        {
          message: "There is no operation with this id.",
          path: ["operationUpdated"],
          locations: expect.any(Array),
          extensions: { code: "NOT_FOUND", retryable: false },
        },
      ],
    });
    expect(watch.followers()).toBe(0);
    expect(logged).toEqual([]);
  });

  it("is refused when as many follow as may, until one leaves", async () => {
    const { watch, follow } = await serve({ followersMax: 2 });
    const operation = await insertPlainOperation(world);
    const first = await follow(operation.globalId);
    await follow(operation.globalId);
    await until(async () => watch.followers() === 2, "two follow");
    const [refused] = await (await follow(operation.globalId)).rest();
    expect(refused?.errors?.[0]?.extensions).toEqual({ code: "TOO_MANY_SUBSCRIPTIONS", retryable: true });
    first.leave();
    await until(async () => watch.followers() === 1, "one has left");
    expect(await nextStatus(await follow(operation.globalId))).toBe("RUNNING");
  });

  it("is masked when it is a fault, and logged under the number that is told", async () => {
    const { watch, follow } = await serve({ slowLookMs: 100 });
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(await nextStatus(following)).toBe("RUNNING");
    await world.prisma.$executeRaw`ALTER TABLE operation RENAME TO operation_elsewhere`;
    const [result] = await following.rest();
    await world.prisma.$executeRaw`ALTER TABLE operation_elsewhere RENAME TO operation`;
    const correlationId = following.response.headers.get("x-request-id");
    expect(result?.errors).toMatchObject([
      {
        message: `Internal error. The log tells more, under ${correlationId}.`,
        extensions: { code: "INTERNAL_SERVER_ERROR", correlationId },
      },
    ]);
    expect(logged).toMatchObject([{ correlationId, msg: "graphql fault" }]);
    await nobodyFollows(watch);
  });
});

describe("the end of a subscription", () => {
  it("comes when the client has gone, though nothing happens to the operation", async () => {
    const { watch, follow } = await serve({ slowLookMs: never });
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(await nextStatus(following)).toBe("RUNNING");
    expect(watch.followers()).toBe(1);
    following.leave();
    await nobodyFollows(watch);
    expect(logged).toEqual([]);
  });

  it("comes when its time is up", async () => {
    const { watch, follow } = await serve({ slowLookMs: never, followMaxMs: 400 });
    const operation = await insertPlainOperation(world);
    const results = await (await follow(operation.globalId)).rest();
    expect(results.map(({ data }) => data?.operationUpdated.status)).toEqual(["RUNNING"]);
    await nobodyFollows(watch);
  });

  it("comes at once when the server closes, and the client is told", async () => {
    const { server, follow } = await serve({ slowLookMs: never });
    const operation = await insertPlainOperation(world);
    const following = await follow(operation.globalId);
    expect(await nextStatus(following)).toBe("RUNNING");
    // Its patience is longer than the test's, so only an early end lets it close.
    await server.close(120_000);
    expect(await following.next()).toBeNull();
  });
});
