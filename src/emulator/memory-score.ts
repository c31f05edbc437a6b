import { wordsOf } from "./memory-facts.ts";
import type { Score } from "./memory-object.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { namedIds } from "./memory-scope.ts";

const stopWords = new Set(
  wordsOf(
    "a an and are as at be been by did do does for from had has have how i in is it its me my of on or s she he the their them they this that to was we were what when where which who why will with you your user",
  ),
);

/** How much each signal can give; together 1. */
const weights = { semantic: 0.8, bm25: 0.12, entity: 0.08 };

/** Okapi BM25's usual constants: how soon repetition saturates, and how much length counts. */
const saturation = 1.2;
const lengthShare = 0.75;

interface Document {
  readonly memory: MemoryRow;
  readonly words: readonly string[];
}

/** A memory with its score. */
export interface Scored extends Score {
  readonly memory: MemoryRow;
}

/**
 * How well each memory fits the query, by words alone and always the same: which share of the query's words it has, rare
 * words counting more (`semantic`), their BM25 (`bm25`), and whether the query names its user, agent, app or run
 * (`entity`). Best first; of equals the newer. The real service asks a model.
 */
export function scored(query: string, memories: readonly MemoryRow[]): readonly Scored[] {
  const wanted = [...new Set(significantWords(query))];
  const documents = memories.map((memory): Document => ({ memory, words: significantWords(memory.memory) }));
  const weightOf = wordWeights(documents, wanted);
  const whole = wanted.reduce((sum, word) => sum + weightOf(word), 0);
  const averageLength =
    documents.reduce((sum, { words }) => sum + words.length, 0) / Math.max(1, documents.length);
  const result = documents.map(({ memory, words }): Scored => {
    let covered = 0;
    let ranked = 0;
    for (const word of wanted) {
      const count = words.filter((other) => other === word).length;
      if (count === 0) continue;
      const length = 1 - lengthShare + (lengthShare * words.length) / averageLength;
      covered += weightOf(word);
      ranked += (weightOf(word) * count) / (count + saturation * length);
    }
    const semantic = whole === 0 ? 0 : rounded((weights.semantic * covered) / whole);
    const bm25 = whole === 0 ? 0 : rounded((weights.bm25 * ranked) / whole);
    const entity = rounded(weights.entity * entityShare(memory, query));
    return { memory, score: rounded(semantic + bm25 + entity), score_breakdown: { semantic, bm25, entity } };
  });
  return result.toSorted(
    (left, right) => right.score - left.score || right.memory.created_ms - left.memory.created_ms,
  );
}

function wordWeights(documents: readonly Document[], wanted: readonly string[]): (word: string) => number {
  const counts = new Map<string, number>(wanted.map((word) => [word, 0]));
  for (const { words } of documents) {
    for (const word of new Set(words)) {
      const count = counts.get(word);
      if (count !== undefined) counts.set(word, count + 1);
    }
  }
  return (word) => {
    const count = counts.get(word) ?? 0;
    // A word that no memory has tells them not apart, and must not push them all below the threshold.
    if (count === 0) return 0.5;
    return 1 + Math.log(1 + (documents.length - count + 0.5) / (count + 0.5));
  };
}

/** 1 when the query contains the name of an entity of the memory, in any case; else 0. */
function entityShare(memory: MemoryRow, query: string): number {
  const asked = ` ${wordsOf(query).join(" ")} `;
  const isNamed = namedIds(memory).some(([, name]) => {
    const words = wordsOf(name).join(" ");
    return words !== "" && asked.includes(` ${words} `);
  });
  return isNamed ? 1 : 0;
}

/** Words without their commonest endings; a text of stop words alone keeps them. */
function significantWords(text: string): readonly string[] {
  const words = wordsOf(text);
  const kept = words.filter((word) => !stopWords.has(word));
  return (kept.length === 0 ? words : kept).map(stemOf);
}

function stemOf(word: string): string {
  const stem = word.replace(/(?:ing|ed|es|s)$/, "");
  return stem.length >= 3 ? stem.replace(/e$/, "") : word;
}

function rounded(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}
