import { createRequire } from "node:module";
import type MiniSearch from "minisearch";
import { stemOf, tellingWords } from "./memory-words.ts";

// Handlers do not wait, so it cannot be imported when it is first needed; and whoever never searches need not load it.
const load = createRequire(import.meta.url);

interface Indexed {
  readonly id: number;
  readonly text: string;
}

/** The slots that have a word. */
export interface Occurrences {
  /** Some may have been removed since. */
  readonly slots: readonly number[];
  /** How many living memories have the word. */
  readonly count: number;
}

interface CommonWord {
  readonly slots: number[];
  count: number;
}

/** BM25+ as MiniSearch has it: how soon repetition saturates, how much length counts, and what any occurrence is worth. */
const bm25 = { k: 1.2, b: 0.7, d: 0.5 };

/** A word that so many memories have is remembered with its slots, of so many words. */
const commonMin = 1000;
const commonWordsMax = 64;

/** BM25 looks at the rarest words of a query, up to so many occurrences in all. */
const occurrencesMax = 50_000;

/**
 * The words of one project's memories, in a MiniSearch. Taking a memory out needs its text: MiniSearch's `discard` would
 * leave its words behind until they are come across, and the same search would score differently the second time.
 */
export class SearchIndex {
  readonly #index: MiniSearch<Indexed>;
  /** The least lately asked for first. */
  readonly #common = new Map<string, CommonWord>();

  constructor() {
    // The module that Node finds under this name has this type.
    const Index = load("minisearch") as typeof MiniSearch;
    this.#index = new Index<Indexed>({
      fields: ["text"],
      tokenize: tellingWords,
      processTerm: stemOf,
      autoVacuum: false,
      searchOptions: { bm25 },
    });
  }

  /** How many memories are in it. */
  get size(): number {
    return this.#index.documentCount;
  }

  add(slot: number, text: string): void {
    this.#index.add({ id: slot, text });
    for (const common of this.#commonOf(text)) {
      common.slots.push(slot);
      common.count += 1;
    }
  }

  /** The text must be the one that the slot was added with. */
  remove(slot: number, text: string): void {
    this.#index.remove({ id: slot, text });
    for (const common of this.#commonOf(text)) common.count -= 1;
  }

  /** Which memories have this word, a stem. */
  occurrencesOf(word: string): Occurrences {
    const known = this.#common.get(word);
    if (known !== undefined) {
      this.#common.delete(word);
      this.#common.set(word, known);
      return known;
    }
    const slots: number[] = [];
    this.#find([word], (slot) => {
      slots.push(slot);
      return false;
    });
    const found = { slots, count: slots.length };
    if (slots.length >= commonMin) this.#remember(word, found);
    return found;
  }

  /**
   * How well the wanted slots fit these words by BM25, from 0 to 1: a share of what the words could give at most. What is
   * absent has none. Words with too many occurrences have no say.
   */
  bm25Of(words: readonly string[], isWanted: (slot: number) => boolean): ReadonlyMap<number, number> {
    const counts = words.map((word) => ({ word, count: this.occurrencesOf(word).count }));
    let left = occurrencesMax;
    let most = 0;
    const heard: string[] = [];
    for (const { word, count } of counts.toSorted((one, other) => one.count - other.count)) {
      left -= count;
      if (count === 0 || left < 0) continue;
      heard.push(word);
      most += Math.log(1 + (this.size - count + 0.5) / (count + 0.5)) * (bm25.d + bm25.k + 1);
    }
    const shares = new Map<number, number>();
    for (const { id, score, queryTerms } of this.#find(heard, isWanted)) {
      // MiniSearch multiplies by the number of words that were found; here the words' own scores are wanted.
      shares.set(Number(id), Math.min(1, score / queryTerms.length / most));
    }
    return shares;
  }

  #find(words: readonly string[], isWanted: (slot: number) => boolean): ReturnType<MiniSearch["search"]> {
    return this.#index.search(words.join(" "), {
      tokenize: (text) => text.split(" "),
      processTerm: (word) => word,
      // Its ids are the slots. What is worth nothing is left out before anything is made of it.
      boostDocument: (slot: number) => (isWanted(slot) ? 1 : 0),
    });
  }

  #remember(word: string, found: CommonWord): void {
    this.#common.set(word, found);
    const [oldest] = this.#common.keys();
    if (this.#common.size > commonWordsMax && oldest !== undefined) this.#common.delete(oldest);
  }

  #commonOf(text: string): readonly CommonWord[] {
    if (this.#common.size === 0) return [];
    return [...new Set(tellingWords(text).map(stemOf))].flatMap((word) => this.#common.get(word) ?? []);
  }
}
