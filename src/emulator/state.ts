import type { Journal, JournalEntry } from "./journal.ts";
import { defaultSwitches, type Switches } from "./switches.ts";
import { type Put, type Row, Table, type TableDefinition } from "./table.ts";

/** Who adds to every change, in the same journal entry, and is told when it has come true. */
export interface ChangeWatch {
  alsoPut(puts: readonly Put[]): readonly Put[];
  committed(): void;
}

/** Everything upstream knows: tables and switches. Every change goes through it, and through the journal first. */
export class State {
  readonly #tables: ReadonlyMap<string, Table<Row>>;
  #journal: Journal | null = null;
  #watch: ChangeWatch | null = null;
  #switches: Switches = defaultSwitches;
  #epoch = 0;

  constructor(definitions: readonly TableDefinition<Row>[]) {
    this.#tables = new Map(definitions.map((definition) => [definition.name, new Table(definition)]));
  }

  /** Takes the state from a journal and writes every change to it from now on. */
  attach(journal: Journal, entries: readonly JournalEntry[]): void {
    for (const entry of entries) this.#apply(entry);
    journal.compactTo({ [Symbol.iterator]: () => this.#snapshot() });
    this.#journal = journal;
  }

  /** From now on this one adds to every change. */
  watchedBy(watch: ChangeWatch): void {
    this.#watch = watch;
  }

  get switches(): Switches {
    return this.#switches;
  }

  /** Rises with every reset: a deed that was asked for in an earlier epoch must not be done in this one. */
  get epoch(): number {
    return this.#epoch;
  }

  get definitions(): readonly TableDefinition<Row>[] {
    return [...this.#tables.values()].map((table) => table.definition);
  }

  /** The table of this definition. @throws when its resource was never registered. */
  table<R extends Row>(definition: TableDefinition<R>): Table<R> {
    const table = this.#tables.get(definition.name);
    if (table === undefined)
      throw new Error(`The table ${definition.name} belongs to no registered resource`);
    // A definition's name is unique, so the table that was made from it holds its rows.
    return table as Table<R>;
  }

  /** Makes all these rows true at once. @throws when the journal cannot be written; then nothing has changed. */
  commit(puts: readonly Put[]): void {
    if (puts.length === 0) return;
    const added = this.#watch?.alsoPut(puts) ?? [];
    this.#record({ puts: added.length === 0 ? puts : [...puts, ...added] });
    this.#watch?.committed();
  }

  /** Sets some switches; the others stay. */
  setSwitches(some: Partial<Switches>): void {
    if (Object.keys(some).length > 0) this.#record({ switches: { ...this.#switches, ...some } });
  }

  /** Forgets everything but these rows and switches. */
  reset(puts: readonly Put[], switches: Switches): void {
    this.#record({ reset: true, switches, puts });
  }

  #record(entry: JournalEntry): void {
    this.#journal?.append(entry);
    this.#apply(entry);
  }

  #apply(entry: JournalEntry): void {
    if (entry.reset === true) {
      for (const table of this.#tables.values()) table.clear();
      this.#epoch += 1;
    }
    // A journal of an older build may lack a switch that was added since.
    if (entry.switches !== undefined) this.#switches = { ...defaultSwitches, ...entry.switches };
    for (const { table, row } of entry.puts ?? []) this.#tables.get(table)?.put(row);
  }

  *#snapshot(): Generator<JournalEntry> {
    yield { switches: this.#switches };
    for (const [name, table] of this.#tables) {
      for (const row of table.all()) yield { puts: [{ table: name, row }] };
    }
  }
}
