import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import type { Lifetime } from "../src/lifetime.ts";
import { measureStart, type Starts } from "./emulator-start.ts";
import type { Findings } from "./report.ts";
import { residentBytes, spawnEmulator } from "./spawned-emulator.ts";
import { quantile, shown } from "./statistics.ts";

const memories = 100_000;
const batch = 500;
const users = 100;
/** How many batches are on their way at once. */
const fillsInFlight = 2;
const warmUps = 5;
const calls = { whole: 60, quick: 15 };

/** What the emulator may take for a list or a search of 100,000 memories, and beside a bare Node to start. */
const goals = { p50Ms: 20, startRatio: 3, fillSeconds: 120 };

interface Kind {
  readonly name: string;
  readonly path: string;
  /** The body of so manieth call. */
  readonly body: (turn: number) => object;
}

interface Measured {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
}

const everybody = { app_id: "bench" };
const oneUser = (turn: number) => ({ user_id: `user-${turn % users}` });
const search = "/v3/memories/search/";
const list = "/v3/memories/";

const adding = (turn: number) => ({
  messages: [{ role: "user", content: `Wrote down by itself, number ${turn}, ${Math.random()}` }],
  infer: false,
  ...oneUser(turn),
});

/** Every memory is of the one app, each hundredth of a user; a word is common, in a tenth, in a hundredth, or in one. */
const kinds: readonly Kind[] = [
  { name: "list, first page", path: list, body: () => ({ filters: everybody }) },
  { name: "list, page 900", path: `${list}?page=900`, body: () => ({ filters: everybody }) },
  { name: "list, of one user", path: list, body: (turn) => ({ filters: oneUser(turn) }) },
  {
    name: "list, by date",
    path: list,
    body: () => ({ filters: { AND: [everybody, { created_at: { gte: "2020-01-01" } }] } }),
  },
  {
    name: "list, by metadata",
    path: list,
    body: (turn) => ({ filters: { AND: [everybody, { metadata: { shelf: turn % 50 } }] } }),
  },
  {
    name: "search, rare word",
    path: search,
    body: (turn) => ({ query: `where is item${turn * 37}`, filters: everybody }),
  },
  {
    name: "search, word of a hundredth",
    path: search,
    body: (turn) => ({ query: `the topic${turn % 100}`, filters: everybody }),
  },
  {
    name: "search, five common words",
    path: search,
    body: () => ({ query: "notes about books with several pages", filters: everybody }),
  },
  {
    name: "search, common and rare words",
    path: search,
    body: (turn) => ({
      query: `notes about topic${turn % 100} colour${turn % 10} item${turn}`,
      filters: everybody,
    }),
  },
  {
    name: "search, of one user",
    path: search,
    body: (turn) => ({ query: `notes about colour${turn % 10}`, filters: oneUser(turn) }),
  },
  {
    name: "search, by metadata",
    path: search,
    body: (turn) => ({
      query: "notes about books",
      filters: { AND: [everybody, { metadata: { shelf: turn % 50 } }] },
    }),
  },
  { name: "add one, verbatim", path: "/v3/memories/add/", body: adding },
];

/**
 * The emulator as a tool: lists and searches of a project of 100,000 memories over HTTP with the journal on, what it takes
 * to fill it, memory, and its start beside a bare Node's. Independent of everything else here.
 * @throws {Error} when an answer is no success
 */
export async function measureEmulator({
  lifetime,
  isQuick,
}: {
  readonly lifetime: Lifetime;
  readonly isQuick: boolean;
}): Promise<Findings> {
  const starts = await measureStart();
  const folder = await lifetime.keep({
    name: "the emulator's journal",
    make: async () => mkdtempSync(join(tmpdir(), "loci-bench-emulator-")),
    stop: async (path) => rmSync(path, { recursive: true, force: true }),
  });
  const journal = join(folder, "journal");
  const emulator = await lifetime.keep({
    name: "the emulator of many memories",
    make: () => spawnEmulator(["--journal", journal]),
    stop: async ({ child }) => void child.kill("SIGKILL"),
  });
  const pool = await lifetime.keep({
    name: "the pool to it",
    make: async () => new Pool(emulator.url, { connections: fillsInFlight }),
    stop: (made) => made.destroy(),
  });
  const post = poster(pool, emulator.apiKey);
  const emptyBytes = residentBytes(emulator.child);
  const filledSeconds = await fill(post);
  const filledBytes = residentBytes(emulator.child);
  const measured: Measured[] = [];
  for (const kind of kinds) measured.push(await measureKind(post, kind, isQuick ? calls.quick : calls.whole));
  const endBytes = residentBytes(emulator.child);
  const journalBytes = statSync(journal).size;
  emulator.child.kill("SIGKILL");
  return describe({ starts, filledSeconds, measured, emptyBytes, filledBytes, endBytes, journalBytes });
}

type Post = (path: string, body: object) => Promise<void>;

function poster(pool: Pool, apiKey: string): Post {
  const headers = { authorization: `Token ${apiKey}`, "content-type": "application/json" };
  return async (path, body) => {
    const reply = await pool.request({ method: "POST", path, headers, body: JSON.stringify(body) });
    const text = await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(`${path} answered ${reply.statusCode}: ${text}`);
  };
}

async function fill(post: Post): Promise<number> {
  const begun = performance.now();
  let next = 0;
  const fillOn = async (): Promise<void> => {
    while (next < memories) {
      const first = next;
      next += batch;
      const contents = Array.from({ length: batch }, (_, index) => textOf(first + index));
      await post("/v3/memories/add/", {
        messages: contents.map((content) => ({ role: "user", content })),
        ...everybody,
        user_id: `user-${(first / batch) % users}`,
        metadata: { shelf: (first / batch) % 50 },
        infer: false,
      });
    }
  };
  await Promise.all(Array.from({ length: fillsInFlight }, fillOn));
  return (performance.now() - begun) / 1000;
}

/** A sentence of a dozen words. */
function textOf(turn: number): string {
  const length = 1 + (turn % 7);
  return `Notes about books on topic${turn % 100} with several pages, colour${turn % 10}, shelf ${"long ".repeat(length)}item${turn}`;
}

async function measureKind(post: Post, { name, path, body }: Kind, count: number): Promise<Measured> {
  for (let turn = 0; turn < warmUps; turn += 1) await post(path, body(turn));
  const tookMs: number[] = [];
  for (let turn = warmUps; turn < warmUps + count; turn += 1) {
    const begun = performance.now();
    await post(path, body(turn));
    tookMs.push(performance.now() - begun);
  }
  return { name, p50: quantile(tookMs, 0.5), p95: quantile(tookMs, 0.95) };
}

interface Found {
  readonly starts: Starts;
  readonly filledSeconds: number;
  readonly measured: readonly Measured[];
  readonly emptyBytes: number;
  readonly filledBytes: number;
  readonly endBytes: number;
  readonly journalBytes: number;
}

function describe(found: Found): Findings {
  const { starts, filledSeconds, measured, emptyBytes, filledBytes, endBytes, journalBytes } = found;
  const mib = (bytes: number) => shown(bytes / 2 ** 20, 0);
  const each = (bytes: number) => shown((bytes - emptyBytes) / memories, 0);
  return {
    tables: [
      {
        caption: `The emulator with ${memories} memories in one project, over HTTP, journal on; milliseconds (goal p50 ≤ ${goals.p50Ms})`,
        columns: ["call", "p50", "p95"],
        rows: measured.map(({ name, p50, p95 }) => [name, shown(p50), shown(p95)]),
      },
      {
        caption: "What it takes",
        columns: ["what", "measured", "goal"],
        rows: [
          ["filling it, seconds", shown(filledSeconds), `≤ ${goals.fillSeconds}`],
          ["resident memory empty, MiB", mib(emptyBytes), "–"],
          ["filled, MiB", mib(filledBytes), "–"],
          ["after all reads, MiB", mib(endBytes), "–"],
          ["bytes a memory, filled", each(filledBytes), "–"],
          ["bytes a memory, after all reads", each(endBytes), "–"],
          ["journal, MiB", mib(journalBytes), "–"],
          ["start, from spawn to listening, ms", shown(starts.emulatorMs), "–"],
          ["a bare node -e 0, ms", shown(starts.bareMs), "–"],
          ["start beside a bare node", shown(starts.emulatorMs / starts.bareMs, 2), `≤ ${goals.startRatio}`],
        ],
      },
    ],
    notes: [
      "A memory is one of 500 of an import; resident memory has its row, history, words, and what the collector has not freed.",
      `Starts are medians of ${starts.count}, taken in turns.`,
    ],
    data: found,
  };
}
