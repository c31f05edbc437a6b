import { afterAll, beforeAll, expect, it } from "vitest";
import { EmulatorControl } from "../emulator-control.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { agreedRecords } from "./engine-record.ts";
import {
  keysOf,
  killUnanswered,
  offboardAll,
  prepareEmulator,
  signUpAll,
  untilRequestsSeen,
} from "./fleet.ts";
import { LociHome } from "./loci-home.ts";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

it("20 off-boardings in flight all end in OFFBOARDED, with nothing left upstream, when the process is killed", {
  timeout: 240_000,
}, async () => {
  const home = await LociHome.forTest(program);
  const before = await home.start();
  await prepareEmulator(before, 20);
  const keys = keysOf("leaving", 20);
  await signUpAll(before, keys, 60_000);
  await settledAccounts(home, before);
  await new EmulatorControl(before.mem0Url).clearRequests();
  await offboardAll(before, keys);
  // About a third of the requests that they make in all.
  await untilRequestsSeen(before.mem0Url, 50);
  await killUnanswered(before, "DELETE", 5);
  const lost = await home.query("SELECT id FROM attempt WHERE action = 'DELETE' AND outcome IS NULL");
  expect(lost.length).toBeGreaterThanOrEqual(5);

  const after = await home.start();
  expect(await settledAccounts(home, after)).toEqual({
    tenants: { OFFBOARDED: 20 },
    operations: { "SIGN_UP SUCCEEDED": 20, "OFFBOARD SUCCEEDED": 20 },
    needAttention: [],
    twins: [],
    missing: [],
    unaccounted: [],
    drift: [],
  });
  const { organizations, projects, webhooks } = await new EmulatorControl(after.mem0Url).tables();
  expect(organizations.map(({ name }) => name)).toEqual(["default-org"]);
  expect(projects.map(({ name }) => name)).toEqual(["default-project"]);
  expect(webhooks).toEqual([]);
  expect(await home.query("SELECT id FROM resource WHERE state <> 'GONE'")).toEqual([]);
  expect(await agreedRecords(home)).toEqual({ operations: { SUCCEEDED: 40 }, disagreements: [] });
});
