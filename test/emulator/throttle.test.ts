import { describe, expect, it } from "vitest";
import { Throttle } from "../../src/emulator/throttle.ts";
import { startRig } from "./rig.ts";

const fromMs = Date.UTC(2026, 10, 1);

describe("the throttle", () => {
  it("admits so many requests of a key in any minute, and says when there is room again", () => {
    const throttle = new Throttle();
    expect(throttle.secondsToWait("a", 2, fromMs)).toBeNull();
    expect(throttle.secondsToWait("a", 2, fromMs + 30_000)).toBeNull();
    expect(throttle.secondsToWait("a", 2, fromMs + 40_500)).toBe(20);
    expect(throttle.secondsToWait("a", 2, fromMs + 59_999)).toBe(1);
    expect(throttle.secondsToWait("a", 2, fromMs + 60_000)).toBeNull();
    expect(throttle.secondsToWait("a", 2, fromMs + 60_000)).toBe(30);
  });

  it("counts every key for itself, and refused requests not at all", () => {
    const throttle = new Throttle();
    throttle.secondsToWait("a", 1, fromMs);
    for (let asked = 0; asked < 5; asked += 1) throttle.secondsToWait("a", 1, fromMs + 50_000);
    expect(throttle.secondsToWait("b", 1, fromMs)).toBeNull();
    expect(throttle.secondsToWait("a", 1, fromMs + 60_000)).toBeNull();
  });

  it("waits for as many as a lowered bound is exceeded by", () => {
    const throttle = new Throttle();
    for (const afterMs of [0, 10_000, 20_000]) throttle.secondsToWait("a", 3, fromMs + afterMs);
    expect(throttle.secondsToWait("a", 1, fromMs + 20_000)).toBe(60);
  });
});

describe("the switch throttlePerMinute", () => {
  it("refuses with 429, Retry-After and the framework's words what comes too often, whatever it is", async () => {
    const rig = await startRig({ switches: { throttlePerMinute: 2 } });
    expect(await rig.call("GET", "/v1/ping/")).toMatchObject({ status: 200 });
    expect(await rig.call("PATCH", "/v1/ping/")).toMatchObject({ status: 405 });
    const reply = await rig.call("GET", "/v1/stats/");
    expect(reply.status).toBe(429);
    const seconds = Number(reply.headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    const unit = seconds === 1 ? "second" : "seconds";
    expect(reply.body).toEqual({
      detail: `Request was throttled. Expected available in ${seconds} ${unit}.`,
    });
  });

  it("does not touch other keys, nor what has no key, nor anything when it is 0 or after a reset", async () => {
    const rig = await startRig({ switches: { throttlePerMinute: 1 } });
    const other = await rig.somebodyElse("other@acme.test");
    await rig.ping();
    expect(await rig.call("GET", "/v1/ping/")).toMatchObject({ status: 429 });
    expect(await other.call("GET", "/v1/ping/")).toMatchObject({ status: 200 });
    expect(await rig.as("m0-wrong").call("GET", "/v1/ping/")).toMatchObject({ status: 401 });
    await rig.switches({ throttlePerMinute: 0 });
    expect(await rig.call("GET", "/v1/ping/")).toMatchObject({ status: 200 });
    await rig.switches({ throttlePerMinute: 1 });
    await rig.ping();
    await rig.control("POST", "reset");
    expect(await rig.call("GET", "/v1/ping/")).toMatchObject({ status: 200 });
  });
});
