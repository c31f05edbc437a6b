import type { Cell } from "./cell.ts";

/** The dimensions whose values are paired. A step and its direction are one: what can follow depends on both. */
function valuesOf({ kind, step, direction, crash, fault, continuation, world }: Cell): string[] {
  return [`${kind} ${step} ${direction}`, crash, fault ?? "no-fault", continuation, world];
}

function pairsOf(cell: Cell): string[] {
  const values = valuesOf(cell);
  return values.flatMap((one, index) => values.slice(index + 1).map((other) => `${one} × ${other}`));
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Cells that no choice is without: only where the first call after the restart is the one that lands late is there
 * nothing but the settle delay between it and a twin; and that is three dimensions, not two.
 */
function isIndispensable({ world, direction, call, crash, fault, continuation }: Cell): boolean {
  const isCreate = direction === "invoke" && call?.method === "POST";
  const isLate = crash === "before-the-call" && fault === "late-commit";
  return world === "plain" && isCreate && isLate && continuation === "repeated";
}

/**
 * A choice of cells in which every pair of values of two dimensions that any cell has occurs at least once, and whatever
 * is indispensable. Greedy, so not the smallest; which of many equally good cells is taken the seed decides.
 */
export function allPairs(cells: readonly Cell[], seed: number): Cell[] {
  const random = randomBy(seed);
  const candidates = cells
    .map((cell) => ({ cell, pairs: pairsOf(cell), at: random() }))
    .toSorted((a, b) => a.at - b.at);
  const uncovered = new Set(candidates.flatMap(({ pairs }) => pairs));
  const chosen = cells.filter(isIndispensable);
  for (const pair of chosen.flatMap(pairsOf)) uncovered.delete(pair);
  // By how many uncovered pairs each had when it was last looked at: it never has more again, so who still has as many
  // as the best of all is one of the best.
  const most = Math.max(0, ...candidates.map(({ pairs }) => pairs.length));
  const ranks = Array.from({ length: most + 1 }, (): typeof candidates => []);
  ranks[most]?.push(...candidates);
  for (let rank = most; rank > 0; rank--) {
    for (const candidate of ranks[rank] ?? []) {
      const count = candidate.pairs.filter((pair) => uncovered.has(pair)).length;
      if (count < rank) {
        ranks[count]?.push(candidate);
        continue;
      }
      chosen.push(candidate.cell);
      for (const pair of candidate.pairs) uncovered.delete(pair);
    }
  }
  return chosen;
}
