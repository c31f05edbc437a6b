import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Switches } from "./switches.ts";
import type { Put } from "./table.ts";

/** One change of state: all of it happened, or none of it. */
export interface JournalEntry {
  /** Everything before this entry is forgotten. */
  readonly reset?: true;
  readonly switches?: Switches;
  readonly puts?: readonly Put[];
}

/** The file cannot be read as a journal; the message says which file and where. */
export class JournalUnreadable extends Error {
  override readonly name = "JournalUnreadable";
}

const header = JSON.stringify({ journal: "mem0-emulator", version: 1 });

/** A compacted journal is written in pieces of about so many characters: the whole may be longer than a text can be. */
const pieceCharacters = 1 << 20;

/** An append-only file of changes. What `append` returned from survives a kill -9 of the process. */
export class Journal {
  readonly #path: string;
  #file: number | null;
  #bytes: number;

  private constructor(path: string, file: number, bytes: number) {
    this.#path = path;
    this.#file = file;
    this.#bytes = bytes;
  }

  /**
   * Opens the file, or makes it (and its folder) with mode 0600 since it holds keys, and reads what is in it.
   * A last line that was torn by a kill in the midst of writing is cut off: its request was never answered.
   * @throws {JournalUnreadable} when the file is not a journal, or is damaged anywhere but at its end.
   */
  static open(path: string): { readonly journal: Journal; readonly entries: readonly JournalEntry[] } {
    mkdirSync(dirname(path), { recursive: true });
    const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const wholeBytes = content.lastIndexOf(0x0a) + 1;
    const entries = readEntries(path, content.subarray(0, wholeBytes));
    const file = openSync(path, "a", 0o600);
    fchmodSync(file, 0o600);
    ftruncateSync(file, wholeBytes);
    const journal = new Journal(path, file, wholeBytes);
    if (wholeBytes === 0) journal.#write(`${header}\n`);
    return { journal, entries };
  }

  /** Writes the change through to the operating system before it returns. @throws when the disk refuses. */
  append(entry: JournalEntry): void {
    this.#write(`${JSON.stringify(entry)}\n`);
  }

  /** Replaces the file by this state when it is more than twice as large as that needs, atomically. */
  compactTo(entries: Iterable<JournalEntry>): void {
    let neededBytes = 0;
    for (const line of linesOf(entries)) neededBytes += Buffer.byteLength(line);
    if (this.#bytes <= 2 * neededBytes) return;
    const path = `${this.#path}.compacting`;
    const file = openSync(path, "w", 0o600);
    fchmodSync(file, 0o600);
    const compacted = new Journal(path, file, 0);
    let piece = "";
    for (const line of linesOf(entries)) {
      piece += line;
      if (piece.length < pieceCharacters) continue;
      compacted.#write(piece);
      piece = "";
    }
    compacted.#write(piece);
    compacted.close();
    // Opened again to append: a descriptor of mode "w" would keep its own position after a truncation.
    renameSync(path, this.#path);
    this.close();
    const renamed = openSync(this.#path, "a", 0o600);
    this.#file = renamed;
    this.#bytes = fstatSync(renamed).size;
  }

  /** Flushes to the disk and closes. Appending is an error from now on. */
  close(): void {
    if (this.#file === null) return;
    fsyncSync(this.#file);
    closeSync(this.#file);
    // The system gives the number of a closed file to the next one that is opened: it must not be written to.
    this.#file = null;
  }

  #write(text: string): void {
    const file = this.#file;
    if (file === null) throw new Error(`The journal ${this.#path} is closed`);
    const bytes = Buffer.from(text);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(file, bytes, written);
    } catch (cause) {
      // A full disk may have taken half the line; the next line must not grow onto it.
      ftruncateSync(file, this.#bytes);
      throw new Error(`Writing to the journal ${this.#path} failed`, { cause });
    }
    this.#bytes += bytes.length;
  }
}

function* linesOf(entries: Iterable<JournalEntry>): Iterable<string> {
  yield `${header}\n`;
  for (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}

/** Line by line: the whole may be longer than a text can be. */
function readEntries(path: string, content: Buffer): readonly JournalEntry[] {
  const entries: JournalEntry[] = [];
  let line = 0;
  for (let from = 0; from < content.length; ) {
    const end = content.indexOf(0x0a, from);
    const text = content.toString("utf8", from, end);
    from = end + 1;
    line += 1;
    if (line === 1) {
      if (text === header) continue;
      throw new JournalUnreadable(`The file ${path} is not a journal of this emulator.`);
    }
    try {
      // The emulator wrote the line itself, under the header that has just been compared.
      entries.push(JSON.parse(text) as JournalEntry);
    } catch (cause) {
      throw new JournalUnreadable(`The journal ${path} is damaged in line ${line}.`, { cause });
    }
  }
  return entries;
}
