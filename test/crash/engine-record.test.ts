import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { EmulatorControl } from "../emulator-control.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { agreedRecords, compareRecords } from "./engine-record.ts";
import { signUpAll } from "./fleet.ts";
import { LociHome } from "./loci-home.ts";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

const createOrganization = { method: "POST", path: "/api/v1/orgs/organizations/" };
const createProject = { method: "POST", path: "/api/v1/orgs/organizations/*/projects/" };
const deleteOrganization = { method: "DELETE", path: "/api/v1/orgs/organizations/*/" };

it("the engine's record and our rows agree on what is under way, before and after a crash, in every status", {
  timeout: 240_000,
}, async () => {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const control = new EmulatorControl(emulator.url);
  // Longer than a run waits: what is in doubt is PARKED. And no answer is given up while the test looks.
  const env = {
    MEM0_API_KEY: emulator.apiKey,
    MEM0_BASE_URL: emulator.url,
    MEM0_TIMEOUT_MS: "200000",
    LOCI_SETTLE_MS: "600000",
  };
  const home = await LociHome.forTest(program);
  const before = await home.start(env);
  const isStatus = async (key: string, status: string) => {
    const found = await home.query(
      "SELECT o.id FROM operation o JOIN tenant t ON t.id = o.tenant_id WHERE t.key = $1 AND o.status::text = $2",
      [key, status],
    );
    return found.length > 0;
  };
  const untilStatus = (key: string, status: string) =>
    vi.waitUntil(() => isStatus(key, status), { timeout: 60_000, interval: 50 });
  const untilHanging = (count: number) =>
    vi.waitUntil(
      async () =>
        (await control.requests()).requests.filter(({ answeredAtMs }) => answeredAtMs === null).length >=
        count,
      { timeout: 60_000, interval: 20 },
    );
  const refusal = { kind: "refuse", status: 400 } as const;
  const forbidden = { kind: "refuse", status: 403 } as const;

  await signUpAll(before, ["succeeded"], 30_000);
  await untilStatus("succeeded", "SUCCEEDED");
  await control.failNext({ match: { ...createProject, body: "unwound" }, fault: refusal });
  await signUpAll(before, ["unwound"], 30_000);
  await untilStatus("unwound", "UNWOUND");
  await control.failNext({ match: { ...createProject, body: "stuck" }, fault: refusal });
  await control.failNext({ match: deleteOrganization, fault: forbidden });
  await signUpAll(before, ["stuck"], 30_000);
  await untilStatus("stuck", "NEEDS_ATTENTION");
  // These three stay where they are until the process dies, and, but for the lost one, come there again after it.
  await control.failNext({ match: { ...createProject, body: "turned" }, fault: refusal });
  await control.failNext({ match: deleteOrganization, fault: { kind: "hang", done: false }, count: 2 });
  await control.failNext({
    match: { ...createOrganization, body: "lost" },
    fault: { kind: "hang", done: false },
  });
  await control.failNext({
    match: { ...createOrganization, body: "found" },
    fault: { kind: "hang", done: true },
  });
  await control.failNext({ match: { ...createProject, body: "found" }, fault: { kind: "hang", done: true } });
  await signUpAll(before, ["turned", "lost", "found"]);
  await untilHanging(3);
  const ended = { SUCCEEDED: 1, UNWOUND: 1, NEEDS_ATTENTION: 1 };
  expect(await compareRecords(home)).toEqual({
    operations: { ...ended, RUNNING: 2, UNWINDING: 1 },
    disagreements: [],
  });
  await before.kill9();
  expect((await compareRecords(home)).disagreements).toEqual([]);
  await control.clearRequests();

  await home.start(env);
  await untilStatus("lost", "PARKED");
  await untilHanging(2);
  expect(await agreedRecords(home)).toEqual({
    operations: { ...ended, RUNNING: 1, UNWINDING: 1, PARKED: 1 },
    disagreements: [],
  });
});
