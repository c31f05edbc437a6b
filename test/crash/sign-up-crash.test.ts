import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmulatorControl } from "../emulator-control.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { agreedRecords } from "./engine-record.ts";
import {
  keysOf,
  killUnanswered,
  prepareEmulator,
  signUpAll,
  untilRequestsSeen,
  untilUnanswered,
} from "./fleet.ts";
import { killPostgres } from "./kill-postgres.ts";
import { LociHome } from "./loci-home.ts";

const env = { LOCI_SETTLE_MS: "1500" };
const allWell = { needAttention: [], twins: [], missing: [], unaccounted: [], drift: [] };
const crashTimeoutMs = 240_000;

const organizationsPath = "/api/v1/orgs/organizations/";
const projectsPath = "/api/v1/orgs/organizations/*/projects/";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

/** For how many resources a create was under way when a process died, as the next process noted. */
async function countLostCreates(home: LociHome): Promise<number> {
  const [row] = await home.query<{ count: number }>(`
    SELECT count(DISTINCT resource_id)::int FROM attempt
    WHERE action = 'CREATE' AND error = 'The process ended before the answer was recorded.'`);
  return row?.count ?? 0;
}

/** Leaves creates without an answer: `count` of them, after `skip`, done or not. */
async function hang(
  emulator: EmulatorControl,
  { path, isDone, skip, count }: { path: string; isDone: boolean; skip: number; count: number },
): Promise<void> {
  await emulator.failNext({
    match: { method: "POST", path },
    fault: { kind: "hang", done: isDone },
    skip,
    count,
  });
}

describe("50 sign-ups in flight, after one was completed", () => {
  it.each([
    ["the process is killed", false],
    ["the process and Postgres are killed", true],
  ])("all become ACTIVE, each once, when %s", { timeout: crashTimeoutMs }, async (_, isPostgresKilled) => {
    const home = await LociHome.forTest(program);
    const before = await home.start(env);
    await prepareEmulator(before, 40);
    await signUpAll(before, ["first"], 30_000);
    await new EmulatorControl(before.mem0Url).clearRequests();
    // In two waves, so that the kill finds some at the beginning and some near the end.
    await signUpAll(before, keysOf("early", 25));
    await untilRequestsSeen(before.mem0Url, 60);
    await signUpAll(before, keysOf("late", 25));
    // A little more than a third of the requests that they make in all.
    await untilRequestsSeen(before.mem0Url, 100);
    await killUnanswered(before, "POST", 10);
    if (isPostgresKilled) await killPostgres(home.dataDir);

    const after = await home.start(env);
    expect(await settledAccounts(home, after)).toEqual({
      ...allWell,
      tenants: { ACTIVE: 51 },
      operations: { "SIGN_UP SUCCEEDED": 51 },
    });
    expect(await countLostCreates(home)).toBeGreaterThanOrEqual(10);
    expect(await agreedRecords(home)).toEqual({ operations: { SUCCEEDED: 51 }, disagreements: [] });
  });
});

describe("sign-ups in flight on a fresh account", () => {
  it("all become ACTIVE, each once, when the process is killed: what Mem0 lists of them proves its lists", {
    timeout: crashTimeoutMs,
  }, async () => {
    const { home, after } = await crashFresh({ fifth: 10, listScopedToKey: false });
    expect(await settledAccounts(home, after)).toEqual({
      ...allWell,
      tenants: { ACTIVE: 50 },
      operations: { "SIGN_UP SUCCEEDED": 50 },
    });
    expect(await countLostCreates(home)).toBe(50);
    expect(await agreedRecords(home)).toEqual({ operations: { SUCCEEDED: 50 }, disagreements: [] });
  });

  it("make no twin when the process is killed and Mem0 lists nothing of them: where it is in doubt, a person must look", {
    timeout: crashTimeoutMs,
  }, async () => {
    const { home, after } = await crashFresh({ fifth: 4, listScopedToKey: true });
    const { needAttention, ...accounts } = await settledAccounts(home, after);
    expect(accounts).toEqual({
      tenants: { ACTIVE: 8, PROVISIONING: 12 },
      operations: { "SIGN_UP SUCCEEDED": 8, "SIGN_UP NEEDS_ATTENTION": 12 },
      twins: [],
      missing: [],
      unaccounted: [],
      drift: [],
    });
    expect(needAttention).toHaveLength(12);
    expect(await countLostCreates(home)).toBe(20);
    expect(await agreedRecords(home)).toEqual({
      operations: { SUCCEEDED: 8, NEEDS_ATTENTION: 12 },
      disagreements: [],
    });
  });
});

/**
 * Kills Loci while five fifths of sign-ups wait for an answer, with which no sign-up was ever completed: two fifths to
 * creating their project, three to creating their organization. Of either, some are done and some never will be.
 */
async function crashFresh({ fifth, listScopedToKey }: { fifth: number; listScopedToKey: boolean }) {
  const home = await LociHome.forTest(program);
  const before = await home.start(env);
  await prepareEmulator(before, 0);
  const emulator = new EmulatorControl(before.mem0Url);
  await emulator.setSwitches({ listScopedToKey });
  await hang(emulator, { path: organizationsPath, isDone: false, skip: 2 * fifth, count: fifth });
  await hang(emulator, { path: organizationsPath, isDone: true, skip: 2 * fifth, count: 2 * fifth });
  await hang(emulator, { path: projectsPath, isDone: false, skip: 0, count: fifth / 2 });
  await hang(emulator, { path: projectsPath, isDone: true, skip: 0, count: 1.5 * fifth });
  await signUpAll(before, keysOf("fresh", 5 * fifth));
  await untilUnanswered(before.mem0Url, "POST", 5 * fifth);
  await before.kill9();
  return { home, after: await home.start(env) };
}
