import { randomBytes } from "node:crypto";
import { type Belief, readBeliefs } from "./beliefs.ts";
import { memberBeliefs } from "./beliefs-members.ts";
import { memoryBeliefs, throttlingBelief } from "./beliefs-memories.ts";
import { placeBeliefs } from "./beliefs-places.ts";
import { webhookBeliefs } from "./beliefs-webhooks.ts";
import type { Check } from "./check.ts";
import { cleanUp } from "./clean-up.ts";
import { Barred, Caller, field, Line, type Manners, type Reply, RunStopped } from "./client.ts";
import { memoryFacts } from "./facts-memories.ts";
import { placeFacts, shapeFact } from "./facts-places.ts";
import { Ledger } from "./ledger.ts";
import { areShapesKnown, watchShapes } from "./shapes.ts";
import { confirmed, refuted, unchecked, type Verdict } from "./verdict.ts";
import { identify, type Timings, World } from "./world.ts";

/** What to run against which server. */
export interface SuiteOrder {
  readonly url: string;
  readonly key: string;
  /** A key of another person; null where there is none. */
  readonly secondKey: string | null;
  readonly manners: Manners;
  readonly timings: Timings;
  /** Also what takes hundreds of calls. */
  readonly isLong: boolean;
  /** Numbers of beliefs; null for all, and all facts. */
  readonly only: readonly string[] | null;
  /** Where what is made is written down. There must be no such file; it is gone when nothing is left. */
  readonly ledgerFile: string;
  readonly signal: AbortSignal;
}

/** One line of the result. */
export interface Outcome extends Verdict {
  /** The number of a belief, or `fact`. */
  readonly belief: string;
  readonly title: string;
}

/** What a run has seen. */
export interface Report {
  readonly outcomes: readonly Outcome[];
  readonly calls: number;
  /** Why the run ended before its end; null when it did not. */
  readonly stopped: string | null;
  /** What could not be removed. */
  readonly left: readonly string[];
}

/** The server could not be asked at all: the key is refused, or nobody answers. Nothing was made. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}

/**
 * Checks beliefs and documented facts against a server, and removes all that it made, also when it is interrupted or breaks.
 * @throws {CannotRun}
 */
export async function runSuite(order: SuiteOrder): Promise<Report> {
  const line = new Line(order.manners, order.signal, [order.key, order.secondKey ?? ""]);
  const throttled: Reply[] = [];
  line.watch((reply) => {
    if (reply.status === 429 && field(reply.body, "quota_reset") === undefined) throttled.push(reply);
  });
  const misfits = watchShapes(line);
  const { caller, authorization } = await firstCaller(line, order);
  const second = await secondCaller(line, order, caller);
  const ledger = Ledger.begin(order.ledgerFile, randomBytes(6).toString("hex"), order.url);
  const world = new World({
    first: caller,
    second,
    line,
    ledger,
    timings: order.timings,
    isLong: order.isLong,
  });
  const beliefs = readBeliefs();
  const stranger = new Caller(line, order.url, `Token m0-${"0".repeat(40)}`);
  const last = [throttlingBelief(throttled), shapeFact(misfits, areShapesKnown)];
  const wanted = [...checksOf(stranger), ...last]
    .filter(({ name }) => order.only === null || order.only.includes(name))
    .toSorted((one, other) => Number(one.isLast ?? false) - Number(other.isLast ?? false));
  const found = new Map<Check, Verdict>();
  let stopped: string | null = null;
  let left: readonly string[] = [];
  try {
    for (const check of wanted) {
      const verdict: Verdict | string = stopped ?? (await looked(check, world));
      if (typeof verdict === "string") stopped = verdict;
      found.set(check, typeof verdict === "string" ? unchecked(verdict) : verdict);
    }
  } finally {
    const { eventMs, settleMs } = order.timings;
    left = await cleanUp(line, caller, ledger, { eventMs, settleMs });
  }
  return { outcomes: outcomesOf(beliefs, found, order, authorization), calls: line.calls, stopped, left };
}

/** What is metered stands last, so that a spent quota stops as little as can be. */
function checksOf(stranger: Caller): readonly Check[] {
  const places = [...placeBeliefs, ...memberBeliefs, ...webhookBeliefs, ...placeFacts(stranger)];
  return [...places, ...memoryBeliefs, ...memoryFacts];
}

/** @returns a text when the run is to stop. */
async function looked(check: Check, world: World): Promise<Verdict | string> {
  try {
    return await check.look(world);
  } catch (error) {
    if (error instanceof RunStopped) return error.message;
    if (error instanceof Barred) return unchecked(`in the way: ${error.message}`);
    throw error;
  }
}

/** With `Token`, and if that is refused with `Bearer`: so belief 32 is looked at, and the rest need not wait for it. */
async function firstCaller(
  line: Line,
  { url, key }: SuiteOrder,
): Promise<{ readonly caller: Caller; readonly authorization: Verdict }> {
  const seen: string[] = [];
  for (const scheme of ["Token", "Bearer"]) {
    const caller = new Caller(line, url, `${scheme} ${key}`);
    const reply = await caller.call("GET", "/v1/ping/").catch((error: unknown) => {
      if (error instanceof RunStopped) throw new CannotRun(error.message);
      throw error;
    });
    if (reply.status === 200) {
      const said = [...seen, `${scheme}: 200`].join("; ");
      return { caller, authorization: scheme === "Token" ? confirmed(said) : refuted(said) };
    }
    seen.push(`${scheme}: ${reply.status}`);
    if (reply.status !== 401 && reply.status !== 403) throw new CannotRun(caller.excerpt(reply));
  }
  throw new CannotRun(`the key is refused (${seen.join("; ")})`);
}

/** @throws {CannotRun} when the second key is refused, or the same person's. */
async function secondCaller(
  line: Line,
  { url, secondKey }: SuiteOrder,
  first: Caller,
): Promise<Caller | null> {
  if (secondKey === null) return null;
  const second = new Caller(line, url, `Token ${secondKey}`);
  try {
    const emails = [await identify(first), await identify(second)].map(({ user_email: email }) =>
      email.toLowerCase(),
    );
    if (emails[0] !== emails[1]) return second;
  } catch (error) {
    if (error instanceof Barred || error instanceof RunStopped)
      throw new CannotRun(`the second key: ${error.message}`);
    throw error;
  }
  throw new CannotRun("the second key is the same person's: it must be another's");
}

function outcomesOf(
  beliefs: readonly Belief[],
  found: ReadonlyMap<Check, Verdict>,
  { only }: SuiteOrder,
  authorization: Verdict,
): readonly Outcome[] {
  const verdicts = new Map([...found].map(([{ name }, verdict]) => [name, verdict] as const));
  verdicts.set("32", authorization);
  const ofBeliefs = beliefs
    .filter(({ number }) => only === null || only.includes(number))
    .map(({ number, title }): Outcome => {
      const verdict = verdicts.get(number) ?? unchecked("there is no check of it here");
      return { belief: number, title, ...verdict };
    });
  const ofFacts = [...found]
    .filter(([{ name }]) => !/^\d+$/.test(name))
    .map(([{ name }, verdict]): Outcome => ({ belief: "fact", title: name, ...verdict }));
  return [...ofBeliefs, ...ofFacts];
}
