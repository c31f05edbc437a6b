import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openNotifications } from "../../src/database/listen.ts";
import {
  createOperationFeed,
  feedChannels,
  type OperationFeed,
} from "../../src/provisioning/operation-feed.ts";
import { until } from "../main-job.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

let database: TestDatabase;
const feeds: OperationFeed[] = [];
const logged: Record<string, unknown>[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  logged.length = 0;
  await Promise.all(feeds.splice(0).map((feed) => feed.close()));
  await database.drop();
});

/** The feed of another process each time. */
async function openFeed(): Promise<OperationFeed> {
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) });
  const feed = createOperationFeed(
    (receiver) => openNotifications(database.connectionString, { channels: feedChannels, receiver }),
    log,
  );
  feeds.push(feed);
  await until(async () => feed.isListening(), "it listens");
  return feed;
}

describe("the feed", () => {
  it("tells of an operation those who watch it, in this process at once and in others soon, and nobody else", async () => {
    const [here, there] = [await openFeed(), await openFeed()];
    const told = { here: 0, hereToo: 0, there: 0, elsewhere: 0 };
    const tell = (who: keyof typeof told) => () => {
      told[who] += 1;
    };
    here.subscribe("op_1", tell("here"));
    const endHereToo = here.subscribe("op_1", tell("hereToo"));
    there.subscribe("op_1", tell("there"));
    there.subscribe("op_2", tell("elsewhere"));
    here.announce("op_1");
    expect(told).toMatchObject({ here: 1, hereToo: 1 });
    await until(async () => told.there === 1, "the other process is told");
    endHereToo();
    endHereToo();
    there.announce("op_1");
    await until(async () => told.here === 2, "it is told once more");
    expect(told).toEqual({ here: 2, hereToo: 1, there: 2, elsewhere: 0 });
  });

  it("wakes whoever works, in this process and in others", async () => {
    const [here, there] = [await openFeed(), await openFeed()];
    let [wokenHere, wokenThere] = [0, 0];
    here.onWake(() => {
      wokenHere += 1;
    });
    const end = there.onWake(() => {
      wokenThere += 1;
    });
    here.wake();
    expect(wokenHere).toBe(1);
    await until(async () => wokenThere === 1, "the other process is woken");
    end();
    here.wake();
    there.wake();
    await until(async () => wokenHere === 3, "the first is woken by the other");
    expect(wokenThere).toBe(1);
  });

  it("goes on telling the others when one who is told throws", async () => {
    const feed = await openFeed();
    let told = 0;
    feed.subscribe("op_1", () => {
      throw new Error("of mine");
    });
    feed.subscribe("op_1", () => {
      told += 1;
    });
    feed.announce("op_1");
    expect(told).toBe(1);
    expect(logged).toMatchObject([{ err: { message: "of mine" } }]);
  });
});
