import { nowMs } from "./clock.ts";
import type { MemoryTest } from "./filters.ts";
import { wordsOf } from "./memory-facts.ts";
import { memoriesOf, searchIndexOf } from "./memory-index.ts";
import type { Score } from "./memory-object.ts";
import { isReadable } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
import type { Selection } from "./memory-selection.ts";
import { decayOf } from "./memory-use.ts";
import { stemOf, tellingWords } from "./memory-words.ts";
import type { ProjectMemories } from "./project-memories.ts";
import type { Upstream } from "./resource.ts";
import type { SearchIndex } from "./search-index.ts";

/** How much each signal can give; together 1. */
const weights = { semantic: 0.8, bm25: 0.12, entity: 0.08 };

/** A query counts by its first words, so many different ones. */
const queryWordsMax = 64;

/** So many times what is asked for, but so many at least, is ranked by BM25 and decay. */
const poolFactor = 3;
const poolMin = 1000;

/** A memory with its score. */
export interface Scored extends Score {
  readonly memory: MemoryRow;
}

/** What a search of any version asks for. */
export interface Search extends Selection {
  readonly query: string;
  readonly topK: number;
  /** Least semantic score. */
  readonly threshold: number;
  /** The moment at which decay looks at memories; null for none. */
  readonly decayAtMs: number | null;
}

/**
 * What fits the query best of what passes and is above the threshold: best first, of equals the newer. By words alone, and
 * always the same while the project's memories are the same (and, with decay, their use): which share of the query's
 * words a memory has, rare words of the project counting more (`semantic`), their BM25 (`bm25`), and whether the query
 * names its user, agent, app or run (`entity`). The real service asks a model.
 *
 * Words and names are compared with every memory; of those with the most of them, a pool is ranked by BM25 and decay.
 */
export function bestOf(upstream: Upstream, projectId: string, asked: Search): readonly Scored[] {
  // What has gone by now is taken out here, before anything is counted.
  const project = memoriesOf(upstream, projectId);
  const slots = project.slotsWith(asked.required);
  const index = searchIndexOf(upstream, projectId);
  const words = [...new Set(tellingWords(asked.query).map(stemOf))].slice(0, queryWordsMax);
  const coverage = coverageOf(project, index, words);
  const named = namedBy(project, asked.query);
  const poolMax = Math.max(poolMin, poolFactor * asked.topK);
  const pool = poolOf({ project, slots, coverage, named }, asked, poolMax);
  const pooled = new Uint8Array(project.slotsEnd);
  for (const slot of pool) pooled[slot] = 1;
  const ranks = index.bm25Of(words, (slot) => pooled[slot] === 1);
  const scored = pool.flatMap((slot): readonly Scored[] => {
    const memory = project.at(slot);
    if (memory === undefined) return [];
    const semantic = coverage[slot] ?? 0;
    const bm25 = rounded(weights.bm25 * (ranks.get(slot) ?? 0));
    const entity = named[slot] === 1 ? weights.entity : 0;
    const decay = asked.decayAtMs === null ? 1 : decayOf(upstream, memory, asked.decayAtMs);
    const score = rounded(Math.min(1, (semantic + bm25 + entity) * decay));
    return [{ memory, score, score_breakdown: { semantic, bm25, entity } }];
  });
  return scored.toSorted(bestFirst).slice(0, asked.topK);
}

/** By slot: which share of the words its memory has. */
function coverageOf(project: ProjectMemories, index: SearchIndex, words: readonly string[]): Float64Array {
  const coverage = new Float64Array(project.slotsEnd);
  let whole = 0;
  for (const word of words) {
    const { slots, count } = index.occurrencesOf(word);
    const weight = weightOf(count, index.size);
    whole += weight;
    for (const slot of slots) coverage[slot] = (coverage[slot] ?? 0) + weight;
  }
  if (whole === 0) return coverage;
  for (let slot = 0; slot < coverage.length; slot += 1) {
    const covered = coverage[slot] ?? 0;
    if (covered > 0) coverage[slot] = rounded((weights.semantic * covered) / whole);
  }
  return coverage;
}

/** What a word counts that so many memories have, of so many. */
function weightOf(count: number, size: number): number {
  // A word that no memory has tells them not apart, and must not push them all below the threshold.
  if (count === 0) return 0.5;
  return 1 + Math.log(1 + (size - count + 0.5) / (count + 0.5));
}

/** By slot: 1 where the query has, in any case, the whole name of an entity of the memory. */
function namedBy(project: ProjectMemories, query: string): Uint8Array {
  const named = new Uint8Array(project.slotsEnd);
  for (const slot of project.slotsNamedIn(wordsOf(query).slice(0, 4 * queryWordsMax))) named[slot] = 1;
  return named;
}

interface Field {
  readonly project: ProjectMemories;
  /** Oldest first. */
  readonly slots: readonly number[];
  readonly coverage: Float64Array;
  readonly named: Uint8Array;
}

/** The slots of at most so many that pass and are above the threshold: those with most words and a name, then the newest. */
function poolOf(
  field: Field,
  { threshold, passes }: { readonly threshold: number; readonly passes: MemoryTest },
  poolMax: number,
): readonly number[] {
  const { project } = field;
  const atMs = nowMs();
  const pool: number[] = [];
  for (const slot of fittingFirst(field, threshold)) {
    if (pool.length >= poolMax) break;
    const memory = project.at(slot);
    if (memory !== undefined && isReadable(memory, atMs) && passes(memory)) pool.push(slot);
  }
  return pool;
}

/** In steps of a thousandth, and the newest first within a step. Sorted by counting: it may be all of a large project. */
function fittingFirst({ slots, coverage, named }: Field, threshold: number): Int32Array {
  const steps = 1001;
  const stepOf = (slot: number): number => {
    const semantic = coverage[slot] ?? 0;
    if (semantic < threshold) return -1;
    return steps - 1 - Math.round((semantic + (named[slot] === 1 ? weights.entity : 0)) * (steps - 1));
  };
  const ends = new Int32Array(steps + 1);
  for (const slot of slots) {
    const step = stepOf(slot);
    if (step >= 0) ends[step + 1] = (ends[step + 1] ?? 0) + 1;
  }
  for (let step = 1; step <= steps; step += 1) ends[step] = (ends[step] ?? 0) + (ends[step - 1] ?? 0);
  const sorted = new Int32Array(ends[steps] ?? 0);
  for (let index = slots.length - 1; index >= 0; index -= 1) {
    const slot = slots[index] ?? 0;
    const step = stepOf(slot);
    if (step < 0) continue;
    const place = ends[step] ?? 0;
    sorted[place] = slot;
    ends[step] = place + 1;
  }
  return sorted;
}

function bestFirst(left: Scored, right: Scored): number {
  const byScore = right.score - left.score || right.memory.created_ms - left.memory.created_ms;
  return byScore || (left.memory.memory_id < right.memory.memory_id ? -1 : 1);
}

function rounded(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}
