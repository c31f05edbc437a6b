import { describe, expect, it } from "vitest";
import { UpstreamMeter } from "../../src/schema/upstream-meter.ts";

const call = { method: "GET", path: "/v1/ping/", status: 200, hasLeft: true };

describe("the meter of upstream calls", () => {
  it("has nothing to tell before the first call", () => {
    expect(new UpstreamMeter().cost()).toBeNull();
  });

  it("counts the time once in which calls were under way side by side", () => {
    const meter = new UpstreamMeter();
    // All end now: the longest covers the others.
    for (const durationMs of [20_000, 60_000, 40_000]) meter.count({ ...call, durationMs });
    expect(meter.cost()?.calls).toBe(3);
    expect((meter.cost()?.waitedMs ?? 0) - 60_000).toBeLessThan(1_000);
    expect(meter.cost()?.waitedMs).toBeGreaterThanOrEqual(60_000);
  });

  it("does not count what never left, but the waiting for it", () => {
    const meter = new UpstreamMeter();
    meter.count({ ...call, status: null, hasLeft: false, durationMs: 5_000 });
    expect(meter.cost()).toEqual({ calls: 0, waitedMs: 5_000 });
  });
});
