import type { Report } from "./suite.ts";

/** One line for each belief and fact, and what it came to. */
export function describeReport({ outcomes, calls, stopped, left }: Report, ledger: string): string {
  const lines = outcomes.map(({ belief, title, state, seen }) => {
    const name = belief === "fact" ? `fact: ${title}` : `${belief}. ${title}`;
    return `${state.padEnd(12)} ${name} [${seen}]`;
  });
  const count = (wanted: string): number => outcomes.filter(({ state }) => state === wanted).length;
  const sum = `${count("CONFIRMED")} confirmed, ${count("REFUTED")} refuted, ${count("NOT CHECKED")} not checked; ${calls} calls`;
  const stop = stopped === null ? [] : [`STOPPED      ${stopped}`];
  const rest = left.map((each) => `LEFT         ${each}`);
  const again = left.length === 0 ? [] : [`What is left can be removed later: --clean ${ledger}`];
  return `${[...lines, ...stop, ...rest, ...again, sum].join("\n")}\n`;
}

/** 1 when something is refuted; 2 when the run did not come to its end or left something; else 0. */
export function exitCodeOf({ outcomes, stopped, left }: Report): number {
  if (outcomes.some(({ state }) => state === "REFUTED")) return 1;
  return stopped === null && left.length === 0 ? 0 : 2;
}
