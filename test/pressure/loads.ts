import { setTimeout as pause } from "node:timers/promises";
import { count, type Outcomes, type Requests } from "./requests.ts";

/** What came of a load. */
export interface Load {
  readonly outcomes: Outcomes;
  /** Requests that were due. */
  readonly offered: number;
  /** Of these, what was not sent for want of a connection of ours. */
  readonly notSent: number;
  /** From the first to the last that was due, or answered where each waits for the one before; in milliseconds. */
  readonly lastedMs: number;
}

const tickMs = 10;

/** Keeps so many callers busy, each asking again when it was answered: so many requests as are borne. */
export async function closedLoop(requests: Requests, callers: number, forMs: number): Promise<Load> {
  const outcomes: Outcomes = {};
  const begun = performance.now();
  let offered = 0;
  const call = async () => {
    while (performance.now() - begun < forMs) {
      offered += 1;
      count(outcomes, await requests.next());
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return { outcomes, offered, notSent: 0, lastedMs: performance.now() - begun };
}

/** Sends so many a second, whether they are answered or not, and waits for the last answer. */
export async function openLoop(
  requests: Requests,
  { perSecond, forMs, onEnd }: { perSecond: number; forMs: number; onEnd: () => void },
): Promise<Load> {
  const outcomes: Outcomes = {};
  const answers = new Set<Promise<void>>();
  const begun = performance.now();
  let offered = 0;
  let notSent = 0;
  for (let at = 0; at < forMs; ) {
    await pause(tickMs);
    at = Math.min(performance.now() - begun, forMs);
    for (const due = Math.floor((at * perSecond) / 1_000); offered < due; offered += 1) {
      if (!requests.hasRoom()) {
        notSent += 1;
        continue;
      }
      const answer = requests.next().then((outcome) => {
        count(outcomes, outcome);
        answers.delete(answer);
      });
      answers.add(answer);
    }
  }
  const lastedMs = performance.now() - begun;
  onEnd();
  await Promise.all(answers);
  return { outcomes, offered, notSent, lastedMs };
}

/** The median time of the simple query, one after the other; in milliseconds. @throws {Error} when one is not served */
export async function medianOf(requests: Requests, queries: number): Promise<number> {
  const times = [];
  for (let index = 0; index < queries; index += 1) {
    const begun = performance.now();
    const outcome = await requests.read();
    if (outcome !== "served") throw new Error(`A query was not served: ${outcome}`);
    times.push(performance.now() - begun);
  }
  return median(times);
}

/** The middle one. NaN of none. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** A query that was asked after the overload. */
export interface Probe {
  /** Since its end, in milliseconds. */
  readonly atMs: number;
  /** Null: it was not served. */
  readonly tookMs: number | null;
}

const windowLength = 20;

/** Asks the simple query again and again from now on, until it is as quick as that, or the time is over. */
export async function probeUntil(
  requests: Requests,
  { belowMs, forMs }: { readonly belowMs: number; readonly forMs: number },
): Promise<readonly Probe[]> {
  const begun = performance.now();
  const probes: Probe[] = [];
  while (performance.now() - begun < forMs && recoveryOf(probes.slice(-windowLength), belowMs) === null) {
    const atMs = performance.now() - begun;
    const isServed = (await requests.read()) === "served";
    probes.push({ atMs, tookMs: isServed ? performance.now() - begun - atMs : null });
    if (!isServed) await pause(tickMs);
  }
  return probes;
}

/** When the first was asked of as many as `windowLength` in a row that were served, with a median below `belowMs`. Null: never. */
export function recoveryOf(probes: readonly Probe[], belowMs: number): number | null {
  for (let end = windowLength; end <= probes.length; end += 1) {
    const window = probes.slice(end - windowLength, end);
    const times = window.flatMap(({ tookMs }) => tookMs ?? []);
    if (times.length === windowLength && median(times) < belowMs) return window[0]?.atMs ?? null;
  }
  return null;
}
