import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { defaultSwitches, type Switches } from "../../src/emulator/switches.ts";
import { readBeliefs } from "./beliefs.ts";
import { cleanUp } from "./clean-up.ts";
import { Caller, Line, type Manners } from "./client.ts";
import { Ledger } from "./ledger.ts";
import { type OwnEmulator, startOwnEmulator } from "./own-emulator.ts";
import { areShapesKnown } from "./shapes.ts";
import { type Outcome, type Report, runSuite, type SuiteOrder } from "./suite.ts";
import { batchesOf, boundMs, type Turned, turned } from "./turned-switches.ts";

const folder = mkdtempSync(path.join(tmpdir(), "loci-contract-"));
const manners: Manners = { callsMax: 3000, paceMs: 0, retryAfterMaxMs: 1000, retryMs: 10, timeoutMs: 5000 };
const timings = { settleMs: boundMs, goneMs: boundMs, clockMs: 10_000, eventMs: 2000, exportMs: 2000 };
const never = new AbortController().signal;
const running: OwnEmulator[] = [];
let files = 0;

afterEach(async () => {
  await Promise.all(running.splice(0).map((own) => own.close()));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function start(...given: Parameters<typeof startOwnEmulator>): Promise<OwnEmulator> {
  const own = await startOwnEmulator(...given);
  running.push(own);
  return own;
}

function orderFor(own: OwnEmulator, rest: Partial<SuiteOrder> = {}): SuiteOrder {
  files += 1;
  const { url, key, secondKey } = own;
  const ledgerFile = path.join(folder, `${files}.jsonl`);
  const defaults = { manners, timings, isLong: false, only: null, ledgerFile, signal: never };
  return { url, key, secondKey, ...defaults, ...rest };
}

/** All tables but the two logs, which no call can take anything out of. */
async function thingsOf(own: OwnEmulator): Promise<object> {
  const { history: _history, events: _events, ...things } = await own.tables();
  return things;
}

function switchesOf(batch: readonly Turned[]): Partial<Switches> {
  return Object.assign({}, ...batch.map(({ switches }) => switches));
}

function refutedIn({ outcomes }: Report): readonly string[] {
  return outcomes.filter(({ state }) => state === "REFUTED").map(({ belief }) => belief);
}

/** As `--clean` does it. */
async function cleanLater(own: OwnEmulator, file: string): Promise<readonly string[]> {
  const line = new Line(manners, never, [own.key]);
  const caller = new Caller(line, own.url, `Token ${own.key}`);
  return cleanUp(line, caller, Ledger.open(file, own.url), timings);
}

describe("the contract, against the emulator", () => {
  it("accounts for every belief of docs/unproved.md, refutes nothing, and leaves nothing", async () => {
    const own = await start();
    const before = await thingsOf(own);
    const order = orderFor(own, { isLong: true });
    const { outcomes, left, stopped } = await runSuite(order);
    const of = (belief: string): Outcome | undefined => outcomes.find((outcome) => outcome.belief === belief);
    const numbers = readBeliefs().map(({ number }) => number);
    expect(numbers.length).toBeGreaterThanOrEqual(45);
    expect(numbers.filter((number) => of(number) === undefined || of(number)?.seen === "")).toEqual([]);
    expect(outcomes.filter(({ seen }) => seen.startsWith("there is no check"))).toEqual([]);
    expect(outcomes.filter(({ state }) => state === "REFUTED")).toEqual([]);
    // What the emulator cannot tell either: only Mem0 can, or it would cost a quota, or nobody throttled.
    const untold = new Set(["6", "15", "16", "30", "39", "42"]);
    const open = outcomes.filter(({ state, belief }) => state === "NOT CHECKED" && !untold.has(belief));
    // Shapes are compared with Mem0's own file, which is no part of the repository.
    expect(open.map(({ title }) => title)).toEqual(
      areShapesKnown ? [] : ["answers have the shapes of Mem0's OpenAPI file"],
    );
    expect({ left, stopped }).toEqual({ left: [], stopped: null });
    expect(await thingsOf(own)).toEqual(before);
    expect(existsSync(order.ledgerFile)).toBe(false);
  });

  it("looks at facts too, and at a few beliefs alone where told so", async () => {
    const own = await start();
    const { outcomes: all } = await runSuite(orderFor(own));
    expect(all.filter(({ belief }) => belief === "fact").length).toBeGreaterThan(40);
    const { outcomes } = await runSuite(orderFor(own, { only: ["13", "35"] }));
    expect(outcomes.map(({ belief, state }) => `${belief} ${state}`)).toEqual([
      "13 CONFIRMED",
      "35 CONFIRMED",
    ]);
  });

  it("says what needs a second account where there is none", async () => {
    const own = await start();
    const { outcomes } = await runSuite(orderFor(own, { secondKey: null }));
    const unchecked = outcomes
      .filter(({ seen }) => seen.includes("--second-key"))
      .map(({ belief }) => belief);
    expect(unchecked).toEqual(["3", "19", "20", "21", "22", "31", "fact"]);
  });

  it("tells no key and no e-mail address", async () => {
    const own = await start({ unknownOrganizationMember: "invite" });
    const report = JSON.stringify(await runSuite(orderFor(own)));
    expect(report).not.toContain(own.key);
    expect(report).not.toContain(own.secondKey);
    expect(report).not.toMatch(/platform@loci|second@contract/);
  });
});

describe("a switch that is turned", () => {
  const named = (batch: readonly Turned[]): string => JSON.stringify(switchesOf(batch));

  it.each(batchesOf(turned).map((batch) => [named(batch), batch] as const))(
    "refutes its beliefs and no other: %s",
    async (_name, batch) => {
      const own = await start(switchesOf(batch));
      const isLong = batch.some((row) => row.isLong === true);
      const only = isLong ? ["5", "6", "7", "17", "43"] : readBeliefs().map(({ number }) => number);
      const refuted = refutedIn(await runSuite(orderFor(own, { isLong, only })));
      expect(refuted.toSorted()).toEqual(batch.flatMap(({ refutes }) => refutes).toSorted());
    },
  );

  it("is tried here, whichever an entry of docs/unproved.md names", () => {
    const tried = new Set(turned.flatMap(({ switches }) => Object.keys(switches)));
    // Throttling is not against the belief; it makes it visible. Below it is tried both ways.
    tried.add("throttlePerMinute");
    // Some entries name a fault beside the switches.
    const named = readBeliefs().flatMap(({ switches }) => switches.filter((name) => name in defaultSwitches));
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !tried.has(name))).toEqual([]);
  });
});

describe("a server that wants less", () => {
  it("is waited for as long as Retry-After says, which confirms 42", async () => {
    const own = await start();
    const startedMs = Date.now();
    await own.control("POST", "fail-next", { fault: { kind: "throttle", retryAfterSeconds: 1 }, skip: 3 });
    const again = await runSuite(orderFor(own, { only: ["42", "13"] }));
    expect(again.outcomes.map(({ belief, state }) => `${belief} ${state}`)).toEqual([
      "13 CONFIRMED",
      "42 CONFIRMED",
    ]);
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1000);
  });

  it("is found to throttle without Retry-After, which refutes 42", async () => {
    const own = await start();
    await own.control("POST", "fail-next", {
      fault: { kind: "refuse", status: 429, body: { detail: "x" } },
      skip: 3,
    });
    expect(refutedIn(await runSuite(orderFor(own, { only: ["42", "13"] })))).toEqual(["42"]);
  });

  it("is found to do what it refuses, which refutes 15", async () => {
    const own = await start();
    const before = await thingsOf(own);
    const match = { method: "POST", path: "/api/v1/orgs/organizations/" };
    const fault = { kind: "refuse", status: 400, body: { errors: {} }, done: true };
    await own.control("POST", "fail-next", { match, fault, skip: 2 });
    const report = await runSuite(orderFor(own, { only: ["10", "12", "15"] }));
    expect(refutedIn(report)).toContain("15");
    expect(report.left).toEqual([]);
    expect(await thingsOf(own)).toEqual(before);
  });

  it("is left alone when a quota is spent, which is said, and nothing is left", async () => {
    const own = await start({ quotaAddMax: 1 });
    const before = await thingsOf(own);
    const report = await runSuite(orderFor(own));
    expect(report.stopped).toMatch(/^the quota ADD is spent until /);
    const onMemories = report.outcomes.filter(({ belief }) => ["40", "44", "45"].includes(belief));
    expect(onMemories.map(({ state }) => state)).toContain("NOT CHECKED");
    expect(await thingsOf(own)).toEqual(before);
  });

  it("is asked no more than the bound says, and nothing is left", async () => {
    const own = await start();
    const before = await thingsOf(own);
    const report = await runSuite(orderFor(own, { manners: { ...manners, callsMax: 60 } }));
    expect(report.stopped).toBe("60 calls were made, which is the bound");
    expect(await thingsOf(own)).toEqual(before);
  });

  it.each([
    ["forbids (403)", { creatorIs: "READER" }],
    ["does not show (404)", { keyReach: "organization" }],
  ] as const)(
    "is told nothing more where it %s the deletion of the first organization",
    async (_how, switches) => {
      const own = await start(switches);
      const order = orderFor(own, { only: ["1", "10", "13"] });
      const { left, outcomes } = await runSuite(order);
      expect(outcomes.map(({ state }) => state)).toEqual(["REFUTED", "NOT CHECKED", "NOT CHECKED"]);
      expect(left).toHaveLength(1);
      expect(left[0]).toContain("organization loci-contract-");
      expect(existsSync(order.ledgerFile)).toBe(true);
    },
  );
});

describe("a run that is broken off", () => {
  it.each([1, 9, 60, 130, 200])("after %i requests leaves nothing", async (requests) => {
    const interruption = new AbortController();
    let ended = 0;
    const own = await start({}, () => {
      ended += 1;
      if (ended === requests) interruption.abort();
    });
    const before = await thingsOf(own);
    const report = await runSuite(orderFor(own, { signal: interruption.signal })).catch(String);
    if (typeof report !== "string") expect(report).toMatchObject({ stopped: "interrupted", left: [] });
    expect(await thingsOf(own)).toEqual(before);
  });

  it.each([12, 70, 130, 190])(
    "by a server that does request %i without an answer, and then nothing more, is cleaned later",
    async (skip) => {
      const own = await start();
      const before = await thingsOf(own);
      await own.control("POST", "fail-next", { fault: { kind: "do-then-drop" }, skip });
      await own.control("POST", "fail-next", { fault: { kind: "drop" }, count: 1000, skip });
      const order = orderFor(own);
      const report = await runSuite(order);
      expect(report.stopped).toMatch(/^no answer to /);
      expect(report.left.length).toBeGreaterThan(0);
      expect(readFileSync(order.ledgerFile, "utf8")).not.toContain(own.key);
      await own.control("DELETE", "faults");
      expect(await cleanLater(own, order.ledgerFile)).toEqual([]);
      expect(await thingsOf(own)).toEqual(before);
      expect(existsSync(order.ledgerFile)).toBe(false);
    },
  );

  it.each([
    ["/api/v1/orgs/organizations/", 1],
    ["/api/v1/orgs/organizations/*/projects/", 0],
    ["/api/v1/webhooks/projects/*/", 0],
    ["/v3/memories/add/", 2],
  ])("by a lost answer to a create (%s) leaves nothing", async (create, skip) => {
    const own = await start();
    const before = await thingsOf(own);
    const match = { method: "POST", path: create };
    await own.control("POST", "fail-next", { match, fault: { kind: "do-then-drop" }, skip });
    const report = await runSuite(orderFor(own));
    expect(report.stopped).toContain(`no answer to POST ${create.split("*")[0] ?? ""}`);
    expect(report.left).toEqual([]);
    expect(await thingsOf(own)).toEqual(before);
  });

  it("is not cleaned at another server", async () => {
    const own = await start();
    const file = path.join(folder, "other.jsonl");
    Ledger.begin(file, "0123456789ab", "https://elsewhere.test");
    expect(() => Ledger.open(file, own.url)).toThrow("tells of https://elsewhere.test");
  });
});
