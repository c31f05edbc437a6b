import { describe, expect, it } from "vitest";
import { everyStep } from "../../src/provisioning/saga.ts";

const step = (name: string, table: string) => ({ name, table });

describe("the steps that an operation of a saga may have", () => {
  it("are those of the table, stage after stage", () => {
    const stages = [[step("make", "now")], [step("set", "now"), step("tell", "now")]];
    expect(everyStep({ stages }).map(({ name }) => name)).toEqual(["make", "set", "tell"]);
  });

  it("are today's where a change kept one, and behind them what only an earlier table had", () => {
    const stages = [[step("make", "now")], [step("tell", "now")], [step("set", "now")]];
    const changes = [
      { were: [[step("set", "second"), step("greet", "second")], [step("tell", "second")]] },
      { were: [[step("greet", "first"), step("make", "first")]] },
    ];
    expect(everyStep({ stages, changes })).toEqual([
      step("make", "now"),
      step("tell", "now"),
      step("set", "now"),
      step("greet", "second"),
    ]);
  });
});
