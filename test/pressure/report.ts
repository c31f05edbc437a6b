import type { Machine } from "../../bench/machine.ts";
import type { OverloadReport } from "./overload.ts";

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

/** The report in words, as Markdown: printed, and kept in docs/pressure.md. */
export function describeReport(report: OverloadReport): string {
  const { order, borne, borneASecond, overload, breaches } = report;
  const outcomes = Object.entries(overload.outcomes).map(([outcome, times]) => `| ${outcome} | ${times} |`);
  return [
    "| measured | |",
    "| --- | ---: |",
    `| borne: requests a second, by 16 callers who wait for each answer | ${borneASecond.toFixed(0)} |`,
    `| of these sign-ups accepted in ${seconds(borne.lastedMs)} | ${borne.outcomes["accepted"] ?? 0} |`,
    `| offered a second, for ${seconds(overload.lastedMs)} | ${(borneASecond * order.factor).toFixed(0)} |`,
    `| memory of the process when it has just started | ${mebibytes(report.idleBytes)} |`,
    `| memory at its peak | ${mebibytes(report.peakBytes)} |`,
    `| bound of it | ${mebibytes(report.boundBytes)} |`,
    `| median of a simple query before | ${report.medianBeforeMs.toFixed(1)} ms |`,
    `| and after, when everything was done | ${report.medianAfterMs.toFixed(1)} ms |`,
    `| less than twice that again, after the end of the overload | ${report.recoveryMs === null ? "never" : seconds(report.recoveryMs)} |`,
    `| sign-ups accepted in all, and ACTIVE in the end | ${report.acceptedCount} |`,
    `| until the last of them was, after the end of the overload | ${seconds(report.doneAfterMs)} |`,
    "",
    "| of what was offered too much | |",
    "| --- | ---: |",
    `| offered | ${overload.offered} |`,
    `| not sent: none of the callers' 1,000 connections was free | ${overload.notSent} |`,
    ...outcomes,
    "",
    breaches.length === 0
      ? "**No crash, nothing accepted was lost, everything else was refused in so many words, memory within its bound.**"
      : `**${breaches.length} breaches:**\n\n${breaches.map((breach) => `- ${breach}`).join("\n")}`,
  ].join("\n");
}

/** The document that keeps it. `loads`: the machine's load averages before and after. */
export function documentOf(report: OverloadReport, machine: Machine, loads: readonly string[]): string {
  const { order } = report;
  const [before = "", after = ""] = loads;
  return `# Under pressure

What Loci does when it is asked for more than it can do, or when what it stands on is away.

## Bounds

| what | bound | beyond it |
| --- | --- | --- |
| requests of GraphQL under way in a process, whoever sends them | \`LOCI_REQUESTS_MAX\`, 500 | 503, \`OVERLOADED\`, \`Retry-After\`; the body is thrown away |
| of one caller, under way and in a minute | \`LOCI_CONCURRENCY_MAX\`, \`LOCI_RATE_PER_MINUTE\` | 429, \`TOO_MANY_REQUESTS\`, \`Retry-After\` |
| one body | 2 MiB | 413 |
| one operation of GraphQL | \`LOCI_REQUEST_TIMEOUT_MS\` | 504, \`OPERATION_TIMEOUT\` |
| operations worked on at once in a process | \`LOCI_IN_FLIGHT_MAX\`, 100 | they stay QUEUED, in Postgres |
| connections to Postgres | 20, and 20 of the engine | queries wait up to 30 s |

A place is taken from a request's headers to its answer's end, so subscriptions and mutations that wait count; \`/healthz\` and
\`/readyz\` do not. The bound comes before anybody is looked up, so the admin's token is under it, too. Connections that send nothing
are ended after 10 s; how many there may be is the system's limit of open files, and a proxy's business.

## What it stands on is away

- **The database:** \`/healthz\` stays 200, \`/readyz\` says 503. What needs it is answered \`DATABASE_UNAVAILABLE\`: with 503 where the
  caller could not be looked up, and nothing was done; else as an error of the field with \`retryable: true\`. A mutation may then have
  been done, so repeat it with its idempotency key. It recovers by itself [\`test/pressure/database-away.test.ts\`].
- **Mem0:** what is in the mapping is read as ever. Memory calls answer \`Mem0Unavailable\`, \`retryable: true\`. Sign-ups are accepted,
  wait, and run when it is back [\`test/pressure/mem0-away.test.ts\`].

## Ten times too much

\`npm run overload\` measures how many requests a second one process bears, by callers who wait for each answer, and then sends ${order.factor}
times as many, whether they are answered or not. Nine of ten are a simple query, every tenth signs a tenant up. Everything runs on one
machine: the callers, Loci (serving and running sagas in one process), the emulator and Postgres share its processors, so the rates
are far below those of a process that has its own; what counts is the shape. A short run is in the tests
(\`test/pressure/overload.test.ts\`).

**The recovery is not sure within 5 s.** What was accepted is still being done then, by the process that answers, and how much a query
waits for it depends on what else the machine has to do. Of two whole minutes on 2026-11-23, on two cores that eight others used, too (load
average 10), one was recovered from after 0.8 s, and one not within 20 s: a query took more than twice its 4 ms until the backlog was done,
after 22 s.

This section is written by the tool. The last run: ${machine.at.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores,
${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, Postgres ${machine.postgres}. Load average over 1, 5 and 15 minutes before: ${before};
after: ${after}.

${describeReport(report)}
`;
}
