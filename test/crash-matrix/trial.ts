import type { Fault } from "../../src/emulator/faults.ts";
import { Mem0Unanswered } from "../../src/mem0/errors.ts";
import type { Mem0Request } from "../../src/mem0/request.ts";
import { NotYet, StepRefused } from "../../src/provisioning/failures.ts";
import type { Deed } from "../../src/provisioning/provisioning.ts";
import type { PlacedCell } from "./cell.ts";
import { failsOnce, faultOf } from "./faults.ts";

/** A request as the client is asked to send it. */
export type AnyRequest = Pick<Mem0Request<unknown>, "method" | "path" | "body">;

/** What a trial does outside of itself. */
export interface TrialTools {
  /** Arms a fault for exactly this request. `isUnderTest`: it is the cell's own, not one that lets an attempt fail once. */
  arm(cell: PlacedCell, request: AnyRequest, fault: Fault, isUnderTest: boolean): Promise<void>;
  /** Says that the crash point is reached. From then on nothing moves any more. */
  reached(cell: PlacedCell, isRecorded: boolean): void;
  /** Whether what fails for good may succeed again. */
  isCleared(): boolean;
  /** Waits until the process has leave to work: without it a failure is not told, and no call leaves. */
  whenAllowed(): Promise<void>;
}

const matrixRefuses = "The crash matrix lets this step fail for good.";

/** Nothing ever moves here again: what the process was about to do is never done. */
const forEver = () => new Promise<never>(() => {});

/** What a deed came to, to be told later. */
type Settled = { readonly answer: unknown } | { readonly error: unknown };

async function settle(run: () => Promise<unknown>): Promise<Settled> {
  try {
    return { answer: await run() };
  } catch (error) {
    return { error };
  }
}

function told(settled: Settled): unknown {
  if ("error" in settled) throw settled.error;
  return settled.answer;
}

/** A cell in a worker: in the first life it reaches its crash point, in the second it goes on as the cell says. */
export class Trial {
  readonly #cell: PlacedCell;
  readonly #isFirstLife: boolean;
  readonly #tools: TrialTools;
  /** Whether the call under test was made, with its fault. */
  #isFired: boolean;
  #isArmed = false;
  #hasFailedOnce = false;
  /** Whether the deed under test was done. */
  #isDone = false;

  constructor(cell: PlacedCell, life: 1 | 2, tools: TrialTools) {
    this.#cell = cell;
    this.#isFirstLife = life === 1;
    this.#tools = tools;
    this.#isFired = life === 2 && (cell.crash !== "before-the-call" || cell.call === null);
  }

  /** Whether this is the operation under test. */
  isOf({ kind }: Deed): boolean {
    return kind === this.#cell.kind;
  }

  isUnderTest({ step, direction }: Deed): boolean {
    return step === this.#cell.step && direction === this.#cell.direction;
  }

  /** Stands around an attempt. `perform` makes its calls come by `callOf`. */
  async attempt(deed: Deed, perform: (trying: Trying) => Promise<unknown>): Promise<unknown> {
    const { failsAt, step, isRecorded } = this.#cell;
    const isUnderTest = this.isUnderTest(deed);
    const plain = () => perform({ isUnderTest, isToFailOnce: false, calls: 0 });
    if (this.#isFirstLife && isUnderTest) return this.#crash(plain);
    if (this.#isPastRecord() && !isRecorded && this.#isDone) return this.#reach(true);
    // Where the step under test is that step itself, it is refused after its crash.
    if (deed.direction === "invoke" && deed.step === failsAt && step !== failsAt) throw refusal();
    return this.#isFirstLife ? plain() : this.#goOn(deed, isUnderTest, perform);
  }

  async #crash(perform: () => Promise<unknown>): Promise<unknown> {
    const { crash, call } = this.#cell;
    if (call === null && crash === "before-the-call") return this.#reach(false);
    // An attempt that failed was recorded, and the next one begins.
    if (crash === "after-the-record" && this.#isFired) return this.#reach(false);
    const settled = await settle(perform);
    if (call === null) this.#isFired = true;
    if (crash === "after-the-answer" && this.#isFired) return this.#reach(false);
    this.#isDone = "answer" in settled;
    return told(settled);
  }

  async #goOn(
    deed: Deed,
    isUnderTest: boolean,
    perform: (trying: Trying) => Promise<unknown>,
  ): Promise<unknown> {
    const { continuation, direction, isTolerated, undoing } = this.#cell;
    const plain = () => perform({ isUnderTest, isToFailOnce: false, calls: 0 });
    const isUndoing = deed.direction === "compensate" && deed.step === undoing;
    const isDeed = isUnderTest && direction === "invoke";
    await this.#tools.whenAllowed();
    if (isDeed && undoing !== null) return this.#refuseDeed(plain);
    switch (continuation) {
      case "undoing-repeated":
        // Where the undoing was under way when the process died, this is its repeat already.
        if (isUndoing && direction === "invoke") await plain();
        return plain();
      case "undoing-fails-once":
        return isUndoing ? this.#failOnce(isUnderTest, perform) : plain();
      case "fails-once":
        if (!isDeed) return plain();
        return isTolerated ? this.#failOnce(true, perform) : this.#refuseOnce(plain);
      case "undoing-fails-for-good":
      case "fails-for-good":
        if ((isUndoing || (isDeed && undoing === null)) && !this.#tools.isCleared()) throw refusal();
        return plain();
      case "repeated":
        return plain();
    }
  }

  /** The deed fails for good, though what it began may be done: only its undoing finds out. Its fault fires before. */
  async #refuseDeed(perform: () => Promise<unknown>): Promise<unknown> {
    if (this.#isFired) throw refusal();
    const settled = await settle(perform);
    if (this.#isFired) throw refusal();
    return told(settled);
  }

  async #refuseOnce(perform: () => Promise<unknown>): Promise<unknown> {
    if (this.#hasFailedOnce) return perform();
    this.#hasFailedOnce = true;
    throw refusal();
  }

  /** Its first call is answered by a 500; where it makes none, it is done and fails afterwards. */
  async #failOnce(isUnderTest: boolean, perform: (trying: Trying) => Promise<unknown>): Promise<unknown> {
    const trying = { isUnderTest, isToFailOnce: !this.#hasFailedOnce, calls: 0 };
    const isFirst = !this.#hasFailedOnce;
    this.#hasFailedOnce = true;
    const answer = await perform(trying);
    if (isFirst && trying.calls === 0) throw new NotYet("The crash matrix lets this attempt fail.");
    return answer;
  }

  /** Stands around a call of an attempt. */
  async callOf<Answer>(trying: Trying, request: AnyRequest, send: () => Promise<Answer>): Promise<Answer> {
    const { call, crash } = this.#cell;
    // The list of organizations is shared by all who ask, and so is its failure.
    const isShared = request.method === "GET" && request.path.template === "/api/v1/orgs/organizations/";
    if (trying.isToFailOnce && !isShared) {
      trying.calls += 1;
      if (trying.calls === 1) await this.#tools.arm(this.#cell, request, failsOnce, false);
      return send();
    }
    const isCall = request.method === call?.method && request.path.template === call.path;
    if (!trying.isUnderTest || !isCall || this.#isFired) return send();
    if (this.#isFirstLife && crash === "before-the-call") return this.#reach(false);
    return this.#callUnderTest(request, send);
  }

  async #callUnderTest<Answer>(request: AnyRequest, send: () => Promise<Answer>): Promise<Answer> {
    await this.#tools.whenAllowed();
    this.#isFired = true;
    const fault = faultOf(this.#cell.fault);
    if (!this.#isArmed) await this.#tools.arm(this.#cell, request, fault, true);
    this.#isArmed = true;
    try {
      const answer = await send();
      if (!this.#isToStopAfterCall()) return answer;
    } catch (error) {
      // It never left, for the process had lost its leave meanwhile: the fault still waits for the next one.
      if (error instanceof Mem0Unanswered && error.reason === "aborted") this.#isFired = false;
      if (!this.#isFired || !this.#isToStopAfterCall()) throw error;
    }
    return this.#reach(false);
  }

  #isToStopAfterCall(): boolean {
    return this.#isFirstLife && this.#cell.crash === "after-the-call";
  }

  /** Stands behind the engine's record of some steps: whether each was done, by its name there. */
  async recorded(steps: ReadonlyMap<string, boolean>): Promise<void> {
    const { direction, step } = this.#cell;
    const isDone = steps.get(direction === "invoke" ? step : `undo ${step}`);
    if (isDone !== undefined && this.#isPastRecord()) await this.#reach(isDone);
  }

  /** Stands behind a run of the operation, before the engine records that it ended. */
  async ended(): Promise<void> {
    if (this.#isPastRecord() && !this.#cell.isRecorded) await this.#reach(true);
  }

  #isPastRecord(): boolean {
    return this.#isFirstLife && this.#cell.crash === "after-the-record" && this.#isFired;
  }

  #reach(isRecorded: boolean): Promise<never> {
    this.#tools.reached(this.#cell, isRecorded);
    return forEver();
  }
}

/** An attempt under way. */
export interface Trying {
  readonly isUnderTest: boolean;
  readonly isToFailOnce: boolean;
  calls: number;
}

function refusal(): StepRefused {
  return new StepRefused(matrixRefuses);
}
