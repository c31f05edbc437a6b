import { setTimeout as pause } from "node:timers/promises";
import { lastLine, type Run, run } from "../run-loci.ts";

/** How a process of Loci ended that nobody killed. */
export interface Ending {
  readonly role: string;
  readonly code: number | null;
  /** What it logged as fatal, or last. */
  readonly lastWords: string;
}

/** What every process of Loci is started with. */
export interface ProcessOrder {
  readonly program: string;
  readonly role: "api" | "worker";
  readonly env: () => Readonly<Record<string, string>>;
}

const restartPauseMs = 200;
const lastWordsMax = 500;

/** A process of Loci that is started again whenever it ends, as a service manager does it. */
export class KeptProcess {
  readonly role: "api" | "worker";
  readonly endings: Ending[] = [];
  #starts = 0;
  #run: Run;
  #killed = new WeakSet<Run>();
  #isOver = false;
  #isFrozen = false;
  readonly #order: ProcessOrder;
  readonly #errors = new Map<string, number>();
  readonly #kept: Promise<void>;

  constructor(order: ProcessOrder) {
    this.#order = order;
    this.role = order.role;
    this.#run = this.#start();
    this.#kept = this.#keep();
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  get pid(): number {
    return this.#run.pid;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Whether the process of now has said that it is up. */
  isUp(): boolean {
    return this.#run.stdout().includes(lastLine);
  }

  /** Where it serves GraphQL. Null: it is not up, or serves none. */
  get url(): string | null {
    if (!this.isUp()) return null;
    return /GraphQL +(http:\S+\/graphql)/.exec(this.#run.stdout())?.[1] ?? null;
  }

  /** What was logged as an error or worse, by its words, and how often, over all its lives. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /** Everything that the process of now has logged. */
  stderr(): string {
    return this.#run.stderr();
  }

  /** Kills it with -9. */
  kill9(): void {
    this.#killed.add(this.#run);
    this.#run.kill("SIGKILL");
  }

  /** Stops it in the middle of whatever it does, for so long; should it be killed meanwhile, only its successor goes on. */
  async freeze(ms: number): Promise<void> {
    const frozen = this.#run;
    this.#isFrozen = true;
    frozen.kill("SIGSTOP");
    await pause(ms);
    frozen.kill("SIGCONT");
    this.#isFrozen = false;
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.kill9();
    await this.#kept;
  }

  #start(): Run {
    this.#starts += 1;
    const { program, role, env } = this.#order;
    return run(program, [], { LOCI_ROLE: role, ...env() });
  }

  async #keep(): Promise<void> {
    for (;;) {
      const ended = this.#run;
      const code = await ended.ended;
      this.#noteErrors(ended);
      if (!this.#killed.has(ended)) this.#noteEnding(ended, code);
      if (this.#isOver) return;
      await pause(restartPauseMs);
      if (this.#isOver) return;
      this.#run = this.#start();
    }
  }

  #noteEnding({ stderr }: Run, code: number | null): void {
    const lines = stderr().trim().split("\n");
    const fatal = lines.flatMap((line) => errorWords(line, fatalLevel) ?? []);
    const lastWords = (fatal.length > 0 ? fatal : lines.slice(-3)).join(" | ").slice(0, lastWordsMax);
    this.endings.push({ role: this.role, code, lastWords });
  }

  #noteErrors({ stderr }: Run): void {
    for (const line of stderr().split("\n")) {
      const words = errorWords(line, errorLevel);
      if (words !== null) this.#errors.set(words, (this.#errors.get(words) ?? 0) + 1);
    }
  }
}

/** pino's numbers. */
const errorLevel = 50;
const fatalLevel = 60;

/** What a line of the log says, without what differs from time to time. Null: less than that, or no line of the log. */
function errorWords(line: string, least: number): string | null {
  const logged = parse(line);
  if (logged === null || !(Number(logged["level"]) >= least)) return null;
  const error = parse(JSON.stringify(logged["err"] ?? null));
  const cause = error === null ? "" : `: ${String(error["message"]).split("\n").at(-1)}`;
  return `${String(logged["msg"])}${cause}`
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]+|op_\w+|\b\d+\b/g, "…")
    .slice(0, 160);
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
