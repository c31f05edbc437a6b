import { essenceOf, type Fact, questionOf } from "./memory-facts.ts";
import { type MemoryRow, memories, type Scope } from "./memory-rows.ts";
import { isSameScope } from "./memory-scope.ts";
import type { Upstream } from "./resource.ts";
import type { Table, TableIndex } from "./table.ts";

/**
 * What a project holds already, for one add: an import (`infer` false) compares texts; extraction takes the same words for the
 * same fact (inferred: a model decides there). What an add takes does not depend on how much there is.
 */
export function knownMemories({ state }: Upstream, projectId: string, infer: boolean): KnownMemories {
  return new KnownMemories(state.table(memories).index(makeKnownIndex).of(projectId), infer);
}

/** What the scopes of some facts hold already, with what the add itself has noted, and how a new fact stands to it. */
export class KnownMemories {
  readonly #infer: boolean;
  readonly #living: KnownTexts;
  /** What the add has noted and what it has taken out, neither of which is written yet. */
  readonly #noted = new KnownTexts();
  readonly #taken = new Set<string>();

  constructor(living: KnownTexts, infer: boolean) {
    this.#living = living;
    this.#infer = infer;
  }

  has(fact: Fact): boolean {
    return [this.#living, this.#noted].some((texts) =>
      texts.alike(fact).some((memory) => this.#infer || memory.memory === fact.text),
    );
  }

  /** Notes a memory that stands. */
  add(memory: MemoryRow): void {
    this.#noted.add(memory);
  }

  /** Takes out, and gives, what this fact contradicts. */
  takeContradicted(fact: Fact): readonly MemoryRow[] {
    if (!this.#infer) return [];
    const older = [...this.#living.contradicted(fact), ...this.#noted.contradicted(fact)].filter(
      ({ memory_id: id }) => !this.#taken.has(id),
    );
    for (const { memory_id: id } of older) this.#taken.add(id);
    return older;
  }
}

/** Memories by what they say and by what they answer. */
class KnownTexts {
  readonly #byEssence = new Map<string, MemoryRow[]>();
  readonly #byQuestion = new Map<string, MemoryRow[]>();

  /** Those of the fact's scope that say the same, letters and digits in any case. */
  alike({ text, scope }: Fact): readonly MemoryRow[] {
    return within(scope, this.#byEssence.get(keyOf(scope, essenceOf(text))));
  }

  /** Those of the fact's scope that answer what it answers, and were not replaced yet. */
  contradicted({ text, scope }: Fact): readonly MemoryRow[] {
    const question = questionOf(text);
    return question === null ? [] : within(scope, this.#byQuestion.get(keyOf(scope, question)));
  }

  add(memory: MemoryRow): void {
    insert(this.#byEssence, keyOf(memory, essenceOf(memory.memory)), memory);
    const question = memory.replaced_by === null ? questionOf(memory.memory) : null;
    if (question !== null) insert(this.#byQuestion, keyOf(memory, question), memory);
  }

  remove(memory: MemoryRow): void {
    take(this.#byEssence, keyOf(memory, essenceOf(memory.memory)), memory);
    const question = questionOf(memory.memory);
    if (question !== null) take(this.#byQuestion, keyOf(memory, question), memory);
  }
}

/** One function, since its identity is the index's name. */
function makeKnownIndex(table: Table<MemoryRow>): KnownIndex {
  return new KnownIndex(table);
}

/** What lives of every project that was added to: what is being deleted is not known any more. */
class KnownIndex implements TableIndex<MemoryRow> {
  readonly #table: Table<MemoryRow>;
  readonly #projects = new Map<string, KnownTexts>();

  constructor(table: Table<MemoryRow>) {
    this.#table = table;
  }

  put(row: MemoryRow, before: MemoryRow | undefined): void {
    const texts = this.#projects.get(row.project_id);
    if (before?.deleted_ms === null) texts?.remove(before);
    if (row.deleted_ms === null) texts?.add(row);
  }

  of(projectId: string): KnownTexts {
    const known = this.#projects.get(projectId);
    if (known !== undefined) return known;
    const made = new KnownTexts();
    for (const row of this.#table.childrenOf(projectId)) if (row.deleted_ms === null) made.add(row);
    this.#projects.set(projectId, made);
    return made;
  }
}

function insert(map: Map<string, MemoryRow[]>, key: string, memory: MemoryRow): void {
  const others = map.get(key);
  if (others === undefined) map.set(key, [memory]);
  else others.push(memory);
}

function take(map: Map<string, MemoryRow[]>, key: string, { memory_id: id }: MemoryRow): void {
  const left = map.get(key)?.filter((other) => other.memory_id !== id) ?? [];
  if (left.length === 0) map.delete(key);
  else map.set(key, left);
}

/** Ids are callers' own and may have any characters in them: two scopes can have one key, but never one memory. */
function within(scope: Scope, found: readonly MemoryRow[] = []): readonly MemoryRow[] {
  return found.filter((memory) => isSameScope(scope, memory));
}

function keyOf({ user_id, agent_id, app_id, run_id }: Scope, text: string): string {
  return `${user_id} ${agent_id} ${app_id} ${run_id} ${text}`;
}
