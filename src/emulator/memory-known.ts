import { essenceOf, type Fact, questionOf } from "./memory-facts.ts";
import type { MemoryRow, Scope } from "./memory-rows.ts";
import { isSameScope } from "./memory-scope.ts";

/** Rows are values, so what is worked out of one stays true: an add compares with all that its scope holds. */
const essences = new WeakMap<MemoryRow, string>();

/** What the scopes of some facts hold already, and how a new fact stands to it. */
export class KnownMemories {
  readonly #infer: boolean;
  readonly #texts = new Set<string>();
  readonly #byQuestion = new Map<string, MemoryRow[]>();

  /** An import compares texts; extraction takes the same words for the same fact (inferred: a model decides there). */
  constructor(living: readonly MemoryRow[], facts: readonly Fact[], infer: boolean) {
    this.#infer = infer;
    const scopes: Scope[] = [];
    for (const { scope } of facts) {
      if (!scopes.some((other) => isSameScope(other, scope))) scopes.push(scope);
    }
    for (const memory of living) {
      if (scopes.some((scope) => isSameScope(scope, memory))) this.add(memory);
    }
  }

  has({ text, scope }: Fact): boolean {
    return this.#texts.has(keyOf(scope, this.#infer ? essenceOf(text) : text));
  }

  /** Notes a memory that stands. */
  add(memory: MemoryRow): void {
    const text = this.#infer ? essenceOfMemory(memory) : memory.memory;
    this.#texts.add(keyOf(memory, text));
    const question = this.#infer && memory.replaced_by === null ? questionOf(memory.memory) : null;
    if (question === null) return;
    const key = keyOf(memory, question);
    this.#byQuestion.set(key, [...(this.#byQuestion.get(key) ?? []), memory]);
  }

  /** Takes out, and gives, what this fact contradicts. */
  takeContradicted({ text, scope }: Fact): readonly MemoryRow[] {
    const question = this.#infer ? questionOf(text) : null;
    if (question === null) return [];
    const key = keyOf(scope, question);
    const older = this.#byQuestion.get(key) ?? [];
    this.#byQuestion.delete(key);
    return older;
  }
}

function essenceOfMemory(memory: MemoryRow): string {
  const known = essences.get(memory);
  if (known !== undefined) return known;
  const essence = essenceOf(memory.memory);
  essences.set(memory, essence);
  return essence;
}

function keyOf({ user_id, agent_id, app_id, run_id }: Scope, text: string): string {
  return JSON.stringify([user_id, agent_id, app_id, run_id, text]);
}
