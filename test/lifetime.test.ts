import pino from "pino";
import { describe, expect, it } from "vitest";
import { Lifetime, StoppedWhileStarting } from "../src/lifetime.ts";

/** A lifetime whose things write down what becomes of them. */
function rig() {
  const lifetime = new Lifetime({ makingMs: 100, stopMs: 100 });
  const events: string[] = [];
  const logged: { msg: string; name: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const keep = (
    name: string,
    making: Promise<unknown> = Promise.resolve(),
    stopping = () => Promise.resolve(),
  ) =>
    lifetime.keep({
      name,
      make: async () => {
        events.push(`make ${name}`);
        await making;
        return name;
      },
      stop: async (made) => {
        await stopping();
        events.push(`stop ${made}`);
      },
    });
  return { lifetime, events, logged, log, keep };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("a lifetime", () => {
  it("stops what was made in the reverse order, each once", async () => {
    const { lifetime, events, log, keep } = rig();
    await keep("a");
    await keep("b");
    expect(lifetime.ending.aborted).toBe(false);
    await lifetime.end(log);
    await lifetime.end(log);
    expect(events).toEqual(["make a", "make b", "stop b", "stop a"]);
    expect(lifetime.ending.reason).toBeInstanceOf(StoppedWhileStarting);
  });

  it("makes nothing any more once the end has begun", async () => {
    const { lifetime, events, log, keep } = rig();
    await lifetime.end(log);
    await expect(keep("a")).rejects.toBeInstanceOf(StoppedWhileStarting);
    expect(events).toEqual([]);
  });

  it("stops what was still being made when the end began, as soon as it is made", async () => {
    const { lifetime, events, log, keep } = rig();
    const { open, opened } = gate();
    await keep("a");
    const keeping = keep("b", opened);
    const ended = lifetime.end(log);
    open();
    await expect(keeping).rejects.toBeInstanceOf(StoppedWhileStarting);
    await ended;
    expect(events).toEqual(["make a", "make b", "stop b", "stop a"]);
  });

  it("does not stop what could not be made, and tells why", async () => {
    const { lifetime, events, log, keep } = rig();
    await keep("a");
    await expect(keep("b", Promise.reject(new Error("no room")))).rejects.toThrow("no room");
    await lifetime.end(log);
    expect(events).toEqual(["make a", "make b", "stop a"]);
  });

  it("stops the rest when one cannot be stopped, and logs which", async () => {
    const { lifetime, events, logged, log, keep } = rig();
    await keep("a");
    await keep("b", undefined, () => Promise.reject(new Error("stuck")));
    await lifetime.end(log);
    expect(events).toEqual(["make a", "make b", "stop a"]);
    expect(logged).toMatchObject([{ name: "b", msg: "could not be stopped cleanly" }]);
  });

  it("waits for a while only, for making and for stopping, and goes on", async () => {
    const { lifetime, events, logged, log, keep } = rig();
    const never = new Promise<void>(() => {});
    await keep("a");
    await keep("b", undefined, () => never);
    keep("c", never).catch(() => {});
    await lifetime.end(log);
    expect(events).toEqual(["make a", "make b", "make c", "stop a"]);
    expect(logged).toMatchObject([{ name: "b", msg: "did not stop in time" }]);
  });

  it("waits however long it takes for what would outlive the process", async () => {
    const { lifetime, events, log, keep } = rig();
    const { open, opened } = gate();
    const made = lifetime.keep({
      name: "postgres",
      make: () => opened,
      stop: async () => events.push("stop postgres"),
      outlivesUs: true,
    });
    made.catch(() => {});
    await keep("a");
    let hasEnded = false;
    const ended = lifetime.end(log).then(() => {
      hasEnded = true;
    });
    // Longer than the patience with other things.
    setTimeout(() => {
      events.push(hasEnded ? "too early" : "made postgres");
      open();
    }, 500);
    await ended;
    expect(events).toEqual(["make a", "made postgres", "stop postgres", "stop a"]);
  });
});
