import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withDatabase } from "../../src/database/connection-target.ts";
import { type Notifications, openNotifications } from "../../src/database/listen.ts";
import { until } from "../main-job.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

let database: TestDatabase;
let observer: pg.Client;
const opened: Notifications[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  observer = new pg.Client({ connectionString: database.connectionString });
  await observer.connect();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((notifications) => notifications.close()));
  await observer.end();
  await database.drop();
});

/** Opens one that listens to "news", and collects what it hears. */
function open(connectionString = database.connectionString) {
  const heard: string[] = [];
  const said: string[] = [];
  let listens = 0;
  const notifications = openNotifications(connectionString, {
    channels: ["news"],
    receiver: {
      notified: (channel, payload) => heard.push(`${channel}: ${payload}`),
      listening: () => {
        listens += 1;
      },
    },
    log: (message) => said.push(message),
  });
  opened.push(notifications);
  return { notifications, heard, said, listens: () => listens };
}

async function openListening() {
  const one = open();
  await until(async () => one.notifications.isListening(), "it listens");
  return one;
}

async function sessions(): Promise<number[]> {
  const { rows } = await observer.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
      WHERE application_name = 'loci-notifications' AND datname = current_database()`,
  );
  return rows.map(({ pid }) => pid);
}

describe("openNotifications", () => {
  it("hears what others send on its channels, and not what it sends itself", async () => {
    const [one, other] = [await openListening(), await openListening()];
    one.notifications.send("news", "of one");
    other.notifications.send("news", "of the other");
    one.notifications.send("elsewhere", "nobody listens");
    one.notifications.send("news", "the last");
    await until(async () => other.heard.length === 2 && one.heard.length === 1, "both have heard");
    expect(other.heard).toEqual(["news: of one", "news: the last"]);
    expect(one.heard).toEqual(["news: of the other"]);
  });

  it("sends a burst whole and in its order, and the same only once", async () => {
    const [one, other] = [await openListening(), await openListening()];
    for (let index = 0; index < 2_500; index += 1) {
      for (const _again of [1, 2, 3]) one.notifications.send("news", String(index));
    }
    await until(async () => other.heard.length >= 2_500, "all is heard");
    expect(other.heard).toEqual(Array.from({ length: 2_500 }, (_, index) => `news: ${index}`));
  });

  it("listens again when its connection breaks, says so, and sends what it was told meanwhile", async () => {
    const [one, other] = [await openListening(), await openListening()];
    for (const pid of await sessions()) await observer.query("SELECT pg_terminate_backend($1)", [pid]);
    await until(async () => !one.notifications.isListening(), "the break is noticed");
    one.notifications.send("news", "from the dark");
    await until(async () => one.listens() === 2 && other.listens() === 2, "both listen again");
    // The other may have come back after the message had gone out; it was told that it missed something.
    one.notifications.send("news", "after");
    await until(async () => other.heard.includes("news: after"), "they hear each other again");
    expect(one.said).toEqual([expect.stringMatching(/^There is no connection for notifications: /)]);
    expect(await sessions()).toHaveLength(2);
  });

  it("keeps what it cannot send up to a bound, and sends it when the database is there at last", async () => {
    const name = `${new URL(database.connectionString).pathname.slice(1)}_later`;
    const early = open(withDatabase(database.connectionString, name));
    for (let index = 0; index < 12_000; index += 1) early.notifications.send("news", String(index));
    await until(async () => early.said.length > 0, "it cannot connect");
    expect(early.notifications.isListening()).toBe(false);
    const target = pg.escapeIdentifier(name);
    await observer.query(`CREATE DATABASE ${target} TEMPLATE template0`);
    const late = new pg.Client({ connectionString: withDatabase(database.connectionString, name) });
    try {
      await late.connect();
      let heard = 0;
      late.on("notification", () => {
        heard += 1;
      });
      await late.query("LISTEN news");
      await until(async () => early.notifications.isListening(), "it is connected");
      early.notifications.send("news", "the last");
      await until(async () => heard >= 10_000, "what was kept is sent");
      await early.notifications.close();
      expect(heard).toBeLessThanOrEqual(10_001);
    } finally {
      await late.end();
      await observer.query(`DROP DATABASE ${target} WITH (FORCE)`);
    }
  });

  it("sends the last before it closes, and leaves no session", async () => {
    const [one, other] = [await openListening(), await openListening()];
    one.notifications.send("news", "goodbye");
    await Promise.all([one.notifications.close(), one.notifications.close()]);
    await until(async () => other.heard.length > 0, "the last is heard");
    one.notifications.send("news", "too late");
    await until(async () => (await sessions()).length === 1, "its session is gone");
    expect(one.notifications.isListening()).toBe(false);
    expect(one.said).toEqual([]);
  });

  it("closes at once while it still waits for a server that does not answer", async () => {
    const silent = createServer(() => {});
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const connected = once(silent, "connection");
    const { notifications } = open(`postgresql://nobody:nothing@127.0.0.1:${port}/nowhere`);
    const [socket] = await connected;
    socket.on("error", () => {});
    const gone = once(socket, "close");
    socket.resume();
    await notifications.close();
    await gone;
    silent.close();
  });
});
