import { setTimeout as sleep } from "node:timers/promises";
import { runProgram, say } from "./run-program.ts";

/** A program that ends in the way that its one argument names. It keeps one thing, and says when that is stopped. */
const ends = {
  well: async () => true,
  badly: async () => false,
  broken: async () => {
    throw new Error("It broke.");
  },
  "broken-behind": async () => {
    setTimeout(() => {
      throw new Error("It broke behind its back.");
    });
    return forever();
  },
  never: async () => {
    say("it goes on");
    return forever();
  },
} satisfies Record<string, () => Promise<boolean>>;

type End = keyof typeof ends;

const isEnd = (name: string): name is End => Object.hasOwn(ends, name);

/** Longer than any test waits. */
async function forever(): Promise<boolean> {
  await sleep(600_000);
  return true;
}

await runProgram<End>({
  usage: "How to use it.",
  readOrder: ([name = ""]) => {
    if (name === "--help") return null;
    if (isEnd(name)) return name;
    throw new Error(`There is no end ${name}.`);
  },
  run: async (end, lifetime) => {
    await lifetime.keep({
      name: "it",
      make: async () => say("it is made"),
      stop: async () => say("it is stopped"),
    });
    return ends[end]();
  },
});
