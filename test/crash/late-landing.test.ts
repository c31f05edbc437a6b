import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { EmulatorControl } from "../emulator-control.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { keysOf, signUpAll } from "./fleet.ts";
import { startHoldingProxy } from "./holding-proxy.ts";
import { LociHome } from "./loci-home.ts";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

it("a create that reaches Mem0 only after its process died and the next one has looked makes no twin", {
  timeout: 240_000,
}, async () => {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const proxy = await startHoldingProxy(emulator.url, (method, path, body) => {
    const isOrganization = path.endsWith("/organizations/") && body.includes("slow-organization");
    return (
      method === "POST" && (isOrganization || (path.endsWith("/projects/") && body.includes("slow-project")))
    );
  });
  const env = { MEM0_API_KEY: emulator.apiKey, MEM0_BASE_URL: proxy.url, LOCI_SETTLE_MS: "4000" };
  const home = await LociHome.forTest(program);
  const before = await home.start(env);
  // Proves the lists, whose silence is to count for something.
  await signUpAll(before, ["first"], 30_000);
  await signUpAll(before, [...keysOf("slow-organization", 5), ...keysOf("slow-project", 5)]);
  await vi.waitUntil(() => proxy.held() === 10, { timeout: 60_000 });
  await before.kill9();
  proxy.stopHolding();
  const control = new EmulatorControl(emulator.url);
  await control.clearRequests();

  const after = await home.start(env);
  const haveLooked = "SELECT FROM operation_step WHERE error_code = 'Unsettled' AND attempts > 1";
  const haveAllLooked = async () => (await home.query(haveLooked)).length === 10;
  await vi.waitUntil(haveAllLooked, { timeout: 60_000, interval: 20 });
  const { organizations } = await control.tables();
  expect(organizations.filter(({ name }) => name.startsWith("slow-organization"))).toEqual([]);
  await proxy.release();

  expect(await settledAccounts(home, after)).toEqual({
    tenants: { ACTIVE: 11 },
    operations: { "SIGN_UP SUCCEEDED": 11 },
    needAttention: [],
    twins: [],
    missing: [],
    unaccounted: [],
    drift: [],
  });
});
