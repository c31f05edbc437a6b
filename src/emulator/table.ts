/** What every row carries. Rows are values: a change puts a new row in the place of the old one. */
export interface Row {
  /** Shown as `created_at`; epoch milliseconds with a fraction. A test may set it in the past. */
  readonly created_ms: number;
  readonly updated_ms: number;
  /** When the row truly came into being: what `listLagMs` counts from. */
  readonly inserted_ms: number;
  /** Soft delete, as in the real service (Mem0 maintainers' notes): the row stays and no read shows it. */
  readonly deleted_ms: number | null;
}

/** A kind of row: its name in the journal, its id, and the row whose deletion takes it along. */
export interface TableDefinition<R extends Row> {
  readonly name: string;
  idOf(row: R): string;
  readonly parent?: { readonly table: string; idOf(row: R): string };
}

/** A row on its way into a table: what a change consists of. */
export interface Put {
  readonly table: string;
  readonly row: Row;
}

/** Names the table and checks that the row is one of its rows. */
export function put<R extends Row>(definition: TableDefinition<R>, row: R): Put {
  return { table: definition.name, row };
}

/** What is worked out of a table's rows and kept in step with them: told of every row that comes after it was made. */
export interface TableIndex<R extends Row> {
  /** `before` is the row that this one takes the place of. */
  put(row: R, before: R | undefined): void;
}

/** Makes an index of all that the table holds. The function itself is the name under which the table keeps it. */
export type MakeIndex<R extends Row, I extends TableIndex<R>> = (table: Table<R>) => I;

/** Rows by id in order of insertion, with an index by parent. Holds deleted rows too. */
export class Table<R extends Row> {
  readonly definition: TableDefinition<R>;
  readonly #rows = new Map<string, R>();
  readonly #idsByParent = new Map<string, Set<string>>();
  readonly #indexes = new Map<unknown, TableIndex<R>>();

  constructor(definition: TableDefinition<R>) {
    this.definition = definition;
  }

  /** Inserts the row, or replaces the one of the same id. A row never changes its parent. */
  put(row: R): void {
    const id = this.definition.idOf(row);
    const before = this.#rows.get(id);
    this.#rows.set(id, row);
    const parentId = this.definition.parent?.idOf(row);
    if (parentId !== undefined && before === undefined) this.#addChild(parentId, id);
    for (const index of this.#indexes.values()) index.put(row, before);
  }

  #addChild(parentId: string, id: string): void {
    const siblings = this.#idsByParent.get(parentId);
    if (siblings === undefined) this.#idsByParent.set(parentId, new Set([id]));
    else siblings.add(id);
  }

  /** The index of this kind: made when it is first asked for, kept in step from then on, and forgotten by a reset. */
  index<I extends TableIndex<R>>(make: MakeIndex<R, I>): I {
    const known = this.#indexes.get(make);
    // What is kept under a function is what it made.
    if (known !== undefined) return known as I;
    const made = make(this);
    this.#indexes.set(make, made);
    return made;
  }

  /** The row that lives under this id. */
  get(id: string): R | undefined {
    const row = this.#rows.get(id);
    return row?.deleted_ms === null ? row : undefined;
  }

  /** The row of this id whether it lives or not: the caller decides what a deleted one means. */
  getEvenDeleted(id: string): R | undefined {
    return this.#rows.get(id);
  }

  /** Every row, deleted ones too, oldest insertion first. */
  all(): readonly R[] {
    return [...this.#rows.values()];
  }

  /** Every row below this parent, deleted ones too. */
  childrenOf(parentId: string): readonly R[] {
    const children: R[] = [];
    for (const id of this.#idsByParent.get(parentId) ?? []) {
      const row = this.#rows.get(id);
      if (row !== undefined) children.push(row);
    }
    return children;
  }

  clear(): void {
    this.#rows.clear();
    this.#idsByParent.clear();
    this.#indexes.clear();
  }
}
