import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";

const header = z.strictObject({ run: z.string().regex(/^[0-9a-f]{12}$/), url: z.string(), at: z.string() });

/**
 * `sent`: nobody knows whether it was made; `refused`: the answer said no; `deleting`: a DELETE is on its way, so that a 404 means
 * that it is gone, which it does not mean otherwise.
 */
const state = z.enum(["sent", "refused", "made", "deleting"]);
const created = { tag: z.string(), id: z.string().nullable(), state };

const thing = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("organization"), ...created }),
  z.strictObject({ kind: z.literal("project"), organization: z.string(), ...created }),
  z.strictObject({ kind: z.literal("webhook"), project: z.string(), ...created }),
  z.strictObject({ kind: z.literal("entity"), tag: z.string(), type: z.string(), id: z.string() }),
  z.strictObject({ kind: z.literal("event"), tag: z.string(), id: z.string() }),
]);

const line = z.union([z.strictObject({ made: thing }), z.strictObject({ gone: z.string() })]);

/** Something that a run made or was about to make. */
export type Thing = z.infer<typeof thing>;

/** What has a create and a deletion of its own. */
export type Created = Extract<Thing, { kind: "organization" | "project" | "webhook" }>;

/** A file that is no ledger, or of another server. */
export class LedgerUnreadable extends Error {
  override readonly name = "LedgerUnreadable";
}

/**
 * What a run made, in a file that is written before the request goes out, so that whatever happens to the run its things can be
 * found. It holds no key. `tag` is in the name of the thing, and no other thing anywhere has it, but for a twin.
 */
export class Ledger {
  readonly file: string;
  readonly run: string;
  readonly #things: Map<string, Thing>;
  readonly #removed = new Set<string>();
  #count = 0;

  private constructor(file: string, run: string, lines: readonly z.infer<typeof line>[] = []) {
    this.file = file;
    this.run = run;
    this.#things = new Map();
    for (const each of lines) this.#apply(each);
  }

  /** Begins a new file. @throws when there is one of this name. */
  static begin(file: string, run: string, url: string): Ledger {
    const first = JSON.stringify({ run, url, at: new Date().toISOString() });
    writeFileSync(file, `${first}\n`, { flag: "wx", mode: 0o600 });
    return new Ledger(file, run);
  }

  /** What an earlier run left. @throws {LedgerUnreadable} when it is no ledger, or of another server. */
  static open(file: string, url: string): Ledger {
    if (!existsSync(file)) throw new LedgerUnreadable(`There is no file ${file}.`);
    const [first = "", ...rest] = readFileSync(file, "utf8").split("\n");
    const begun = header.safeParse(json(first));
    if (!begun.success) throw new LedgerUnreadable(`${file} was not written by a contract run.`);
    if (begun.data.url !== url)
      throw new LedgerUnreadable(`${file} tells of ${begun.data.url}, not of ${url}.`);
    // A crash may cut the last line off; what it was about to tell had not been sent then.
    const lines = rest.flatMap((written) => line.safeParse(json(written)).data ?? []);
    return new Ledger(file, begun.data.run, lines);
  }

  /** A new name that no other thing has: small letters, digits and hyphens, so that no change of case loses it. */
  tag(): string {
    this.#count += 1;
    return `loci-contract-${this.run}-${String(this.#count).padStart(4, "0")}`;
  }

  /** For a second thing of the same name: it is looked for by what stands before the sign. */
  static twin(tag: string): string {
    return `${tag}#2`;
  }

  /** Before a request, and after it again, with what it said. */
  note(made: Thing): void {
    this.#write({ made });
  }

  /** It is not there any more, or never was. */
  forget(tag: string): void {
    this.#write({ gone: tag });
  }

  /** The entry of a thing that was made and is not forgotten. */
  find(id: string): Created | undefined {
    return this.left.find((each): each is Created => "state" in each && each.id === id);
  }

  /** Was it made by this run, and removed? */
  isRemoved(id: string): boolean {
    return this.#removed.has(id);
  }

  /** What may still be there. */
  get left(): readonly Thing[] {
    return [...this.#things.values()];
  }

  /** Nothing is left: the file goes. */
  end(): void {
    rmSync(this.file, { force: true });
  }

  #write(written: z.infer<typeof line>): void {
    appendFileSync(this.file, `${JSON.stringify(written)}\n`);
    this.#apply(written);
  }

  #apply(written: z.infer<typeof line>): void {
    if ("made" in written) {
      this.#things.set(written.made.tag, written.made);
      return;
    }
    const id = this.#things.get(written.gone)?.id;
    if (typeof id === "string") this.#removed.add(id);
    this.#things.delete(written.gone);
  }
}

function json(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}
