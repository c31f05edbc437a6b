import type { MemoryRow } from "./memory-rows.ts";
import { memories } from "./memory-rows.ts";
import { ProjectMemories } from "./project-memories.ts";
import type { Upstream } from "./resource.ts";
import type { SearchIndex } from "./search-index.ts";
import type { Table, TableIndex } from "./table.ts";

/** Of projects that were searched, the words of so many memories are kept in all; those searched least lately go first. */
const searchableMax = 300_000;

/** The memories of a project, laid out for lists and searches. Made when a project is first read. */
export function memoriesOf({ state }: Upstream, projectId: string): ProjectMemories {
  return state.table(memories).index(makeMemoryIndex).of(projectId);
}

/** The words of a project's memories. Made when it is first searched, and anew when it had to make room for others. */
export function searchIndexOf({ state }: Upstream, projectId: string): SearchIndex {
  return state.table(memories).index(makeMemoryIndex).searchOf(projectId);
}

/** One function, since its identity is the index's name. */
function makeMemoryIndex(table: Table<MemoryRow>): MemoryIndex {
  return new MemoryIndex(table);
}

class MemoryIndex implements TableIndex<MemoryRow> {
  readonly #table: Table<MemoryRow>;
  readonly #projects = new Map<string, ProjectMemories>();
  /** The ids of the projects that have been searched, the least lately first. */
  readonly #searched = new Set<string>();

  constructor(table: Table<MemoryRow>) {
    this.#table = table;
  }

  put(row: MemoryRow): void {
    const project = this.#projects.get(row.project_id);
    project?.put(row);
    // A project that was emptied, or deleted, leaves nothing behind.
    if (project?.size === 0) {
      this.#projects.delete(row.project_id);
      this.#searched.delete(row.project_id);
    }
  }

  of(projectId: string): ProjectMemories {
    const known = this.#projects.get(projectId);
    if (known !== undefined) return known;
    const made = new ProjectMemories(this.#table.childrenOf(projectId));
    // Nothing is kept for what has nothing: anybody may ask for any project.
    if (made.size > 0) this.#projects.set(projectId, made);
    return made;
  }

  searchOf(projectId: string): SearchIndex {
    const project = this.of(projectId);
    const index = project.search();
    if (project.size === 0) return index;
    this.#searched.delete(projectId);
    this.#searched.add(projectId);
    this.#makeRoom(projectId);
    return index;
  }

  #makeRoom(keptId: string): void {
    let count = 0;
    for (const id of this.#searched) count += this.#projects.get(id)?.size ?? 0;
    for (const id of [...this.#searched]) {
      if (count <= searchableMax || id === keptId) return;
      const project = this.#projects.get(id);
      count -= project?.size ?? 0;
      project?.dropSearch();
      this.#searched.delete(id);
    }
  }
}
