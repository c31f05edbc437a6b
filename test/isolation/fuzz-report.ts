import type { Tally } from "./fuzz-tries.ts";

/** What a run of the fuzz came to. */
export interface FuzzRun {
  readonly tally: Tally;
  readonly seed: number;
  readonly seconds: number;
  readonly machine: string;
  readonly at: string;
}

const [begins, ends] = ["<!-- isolation-fuzz begins -->", "<!-- isolation-fuzz ends -->"];

/** How often an answer was what, the most frequent first. */
function outcomes({ outcomes: of }: Tally): string {
  return [...of]
    .toSorted(([, one], [, other]) => other - one)
    .map(([code, times]) => `\`${code}\` ${times}`)
    .join(", ");
}

/** Of how many sorts of breaches there were how many. */
export function breachesOf({ findings }: Tally) {
  const countOf = (sort: string) => findings.filter((finding) => finding.sort === sort).length;
  return {
    reads: countOf("READ"),
    writes: countOf("WRITE"),
    hints: countOf("HINT"),
    faults: countOf("FAULT"),
  };
}

/** The document with this run in place of the one that it told of. @throws when it has no place for one */
export function withRun(document: string, { tally, seed, seconds, machine, at }: FuzzRun): string {
  const [from, to] = [document.indexOf(begins), document.indexOf(ends)];
  if (from < 0 || to < from) throw new Error("The document has no place for the result.");
  const { reads, writes, hints, faults } = breachesOf(tally);
  const table = [
    "| tries | reads across | writes across | hints | faults | asked twice | seed | duration | at (UTC) |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    `| ${tally.tries} | ${reads} | ${writes} | ${hints} | ${faults} | ${tally.repeated} | ${seed} | ${Math.round(seconds)} s | ${at} |`,
  ].join("\n");
  const words = `On ${machine}. What was answered to a name that never was: ${outcomes(tally)}.`;
  return `${document.slice(0, from)}${begins}\n\n${table}\n\n${words}\n\n${document.slice(to)}`;
}
