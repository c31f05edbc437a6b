import { nowMs } from "./clock.ts";
import { wordsOf } from "./memory-facts.ts";
import { MemoryOrder } from "./memory-order.ts";
import type { MemoryRow, ScopeField } from "./memory-rows.ts";
import { isSameScope, namedIds } from "./memory-scope.ts";
import { SearchIndex } from "./search-index.ts";

/** One of the four ids with its value: what a filter cannot do without. */
export interface RequiredId {
  readonly field: ScopeField;
  readonly id: string;
}

/** So many removed rows more than living ones are carried along before everything is laid out anew. */
const deadSlack = 1024;

/** An id that the words of a text can name has no more words than this. */
const nameWordsMax = 12;

/**
 * The memories of one project that are not deleted for good, in the order of lists and by whom they belong to. Each has a
 * slot, a small number, so that a search can count in flat arrays; with another text, date or owner it gets another one.
 */
export class ProjectMemories {
  #rows: (MemoryRow | undefined)[] = [];
  readonly #created: number[] = [];
  readonly #ids: string[] = [];
  readonly #slotOf = new Map<string, number>();
  /** What a delayed deletion will take. */
  readonly #doomed = new Set<number>();
  #all = new MemoryOrder({ created: this.#created, ids: this.#ids });
  readonly #byId = new Map<string, MemoryOrder>();
  readonly #keysByName = new Map<string, string[]>();
  #search: SearchIndex | null = null;

  constructor(rows: readonly MemoryRow[]) {
    this.#fill(rows);
  }

  /** How many are here; a delayed deletion's too. */
  get size(): number {
    return this.#slotOf.size;
  }

  /** Every slot is below this. */
  get slotsEnd(): number {
    return this.#rows.length;
  }

  get hasSearch(): boolean {
    return this.#search !== null;
  }

  /** Takes a row in, or another one in its place; what is deleted by now goes out. */
  put(row: MemoryRow): void {
    const isGone = row.deleted_ms !== null && row.deleted_ms <= nowMs();
    const slot = this.#slotOf.get(row.memory_id);
    const old = slot === undefined ? undefined : this.#rows[slot];
    if (slot !== undefined && old !== undefined) {
      if (!isGone && isFoundAlike(old, row)) {
        this.#rows[slot] = row;
        this.#note(slot, row);
        return;
      }
      this.#remove(slot, old);
    }
    if (!isGone) this.#insert(row);
  }

  /** The row in this slot; none once it has been removed. */
  at(slot: number): MemoryRow | undefined {
    return this.#rows[slot];
  }

  /** The slots of all that could have all these ids, oldest first, with some that are empty by now. */
  slotsWith(required: readonly RequiredId[]): readonly number[] {
    this.#bury();
    let fewest = this.#all.slots;
    for (const { field, id } of required) {
      const slots = this.#byId.get(keyOf(field, id))?.slots ?? [];
      if (slots.length < fewest.length) fewest = slots;
    }
    return fewest;
  }

  /** The slots of what belongs to somebody whom these words name. */
  slotsNamedIn(words: readonly string[]): readonly number[] {
    const slots: number[] = [];
    for (let from = 0; from < words.length; from += 1) {
      let name = "";
      for (const word of words.slice(from, from + nameWordsMax)) {
        name = name === "" ? word : `${name} ${word}`;
        for (const key of this.#keysByName.get(name) ?? []) {
          // One by one: as arguments, so many would not fit on the stack.
          for (const slot of this.#byId.get(key)?.slots ?? []) slots.push(slot);
        }
      }
    }
    return slots;
  }

  /** The index of words, made when it is first asked for. */
  search(): SearchIndex {
    if (this.#search === null) {
      const index = new SearchIndex();
      for (const [slot, row] of this.#rows.entries()) if (row !== undefined) index.add(slot, row.memory);
      this.#search = index;
    }
    return this.#search;
  }

  dropSearch(): void {
    this.#search = null;
  }

  #insert(row: MemoryRow): void {
    const slot = this.#rows.length;
    this.#rows.push(row);
    this.#created.push(row.created_ms);
    this.#ids.push(row.memory_id);
    this.#slotOf.set(row.memory_id, slot);
    this.#all.insert(slot);
    for (const [field, id] of namedIds(row)) this.#ordered(field, id).insert(slot);
    this.#search?.add(slot, row.memory);
    this.#note(slot, row);
  }

  #ordered(field: ScopeField, id: string): MemoryOrder {
    const key = keyOf(field, id);
    const known = this.#byId.get(key);
    if (known !== undefined) return known;
    const made = new MemoryOrder({ created: this.#created, ids: this.#ids });
    this.#byId.set(key, made);
    const name = wordsOf(id).join(" ");
    if (name !== "") this.#keysByName.set(name, [...(this.#keysByName.get(name) ?? []), key]);
    return made;
  }

  #note(slot: number, row: MemoryRow): void {
    if (row.deleted_ms === null) this.#doomed.delete(slot);
    else this.#doomed.add(slot);
  }

  #remove(slot: number, row: MemoryRow): void {
    this.#rows[slot] = undefined;
    this.#slotOf.delete(row.memory_id);
    this.#doomed.delete(slot);
    this.#search?.remove(slot, row.memory);
    if (this.#rows.length > 2 * this.#slotOf.size + deadSlack) this.#layOutAnew();
  }

  #bury(): void {
    if (this.#doomed.size === 0) return;
    const atMs = nowMs();
    for (const slot of [...this.#doomed]) {
      const row = this.#rows[slot];
      if (row !== undefined && row.deleted_ms !== null && row.deleted_ms <= atMs) this.#remove(slot, row);
    }
  }

  #layOutAnew(): void {
    const rows = this.#rows.filter((row) => row !== undefined);
    this.#rows = [];
    this.#created.length = 0;
    this.#ids.length = 0;
    this.#slotOf.clear();
    this.#doomed.clear();
    this.#all = new MemoryOrder({ created: this.#created, ids: this.#ids });
    this.#byId.clear();
    this.#keysByName.clear();
    this.#search = null;
    this.#fill(rows);
  }

  /** In the order of their dates, so that each one goes to the end. */
  #fill(rows: readonly MemoryRow[]): void {
    const atMs = nowMs();
    const living = rows.filter((row) => row.deleted_ms === null || row.deleted_ms > atMs);
    for (const row of living.toSorted((left, right) => left.created_ms - right.created_ms)) this.#insert(row);
  }
}

/** Is the new row found by the same words, at the same place and by the same ids as the old one? */
function isFoundAlike(old: MemoryRow, row: MemoryRow): boolean {
  return old.memory === row.memory && old.created_ms === row.created_ms && isSameScope(old, row);
}

function keyOf(field: ScopeField, id: string): string {
  return `${field} ${id}`;
}
