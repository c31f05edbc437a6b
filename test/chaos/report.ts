import type { ChaosReport } from "./chaos.ts";

const seconds = (ms: number) => `${(ms / 1_000).toFixed(0)} s`;

/** The report in words, as Markdown: printed, and kept in docs/chaos.md. */
export function describeReport(report: ChaosReport): string {
  const { order, storm, callers, facts, operations, breaches } = report;
  const rows = (entries: Iterable<readonly [string, number]>) =>
    [...entries].map(([what, count]) => `| ${what} | ${count} |`);
  const asked = {
    "connections dropped": storm.connectionsDropped,
    "starts of processes": report.starts,
    "questions asked again by callers": callers.retries,
    "repeats of what was accepted": callers.repeats,
    "sign-ups called off": callers.aborts,
  };
  return [
    `Seed ${order.seed}, ${order.operations} operations, ${order.workers} workers: storm ${seconds(report.stormMs)}, then ` +
      `${seconds(report.settleMs)} until all had settled, ${seconds(report.wholeMs)} as a whole.`,
    "",
    "| blow | dealt |",
    "| --- | ---: |",
    ...rows(Object.entries(storm.dealt)),
    "",
    "| count | |",
    "| --- | ---: |",
    ...rows(Object.entries(asked)),
    ...rows(Object.entries(facts)),
    "",
    "| operations | |",
    "| --- | ---: |",
    ...rows(Object.entries(operations)),
    "",
    breaches.length === 0
      ? "**0 twins, 0 lost, every operation terminal, nothing unaccounted, engine and rows agree.**"
      : `**${breaches.length} breaches:**\n\n${breaches.map((breach) => `- ${breach}`).join("\n")}`,
  ].join("\n");
}

/** What the processes logged as errors: expected in a storm, and worth a look. */
export function describeErrors({ errors }: ChaosReport): string {
  const often = [...errors].toSorted(([, one], [, other]) => other - one);
  return often.map(([words, count]) => `${String(count).padStart(6)}  ${words}`).join("\n");
}

/** The file that keeps the result of the last full run. */
export function documentOf(report: ChaosReport, when: Date): string {
  return `# Chaos

\`npm run chaos\` starts a Postgres, an emulator of Mem0, an api and workers, each in a process of its own, with nets between
them that can be cut. While tenants are signed up and off-boarded it kills processes with -9, freezes workers for longer than
their peers wait, restarts and crashes Postgres, kills Mem0, drops all connections and lets nets stand still. Callers ask again
until they are answered, with the same idempotency key, and some ask twice.

When the storm is over everything has to settle. Then it compares: what callers were told with the operations there are;
the mapping with the emulator's tables, both ways; what was asked for with what is there; the engine's record with our rows. No
operation may need attention: the account's lists were proved before the storm, Mem0 refuses nothing that it is asked for,
and nobody else is in the account, so there is no reason why one should. Any breach makes the exit code 1.

The seed decides the blows, their moments and victims, and what callers ask for; not how the processes race. This file is
written by the tool; this is the last run, of ${when.toISOString().slice(0, 10)}.

${describeReport(report)}
`;
}
