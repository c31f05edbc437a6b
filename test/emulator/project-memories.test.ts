import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MemoryRow, memories, type Scope, scopeFields } from "../../src/emulator/memory-rows.ts";
import { newestOf, requiredIds } from "../../src/emulator/memory-selection.ts";
import { projects } from "../../src/emulator/rows.ts";
import { State } from "../../src/emulator/state.ts";
import { put } from "../../src/emulator/table.ts";

interface Change {
  readonly memory: number;
  readonly user: number;
  readonly created: number;
  readonly fate: "lives" | "is deleted" | "will be deleted" | "comes later";
}

const hour = 3_600_000;
const projectId = "proj_one";

function rowOf({ memory, user, created, fate }: Change): MemoryRow {
  const nowMs = Date.now();
  return {
    memory_id: `memory-${String(memory).padStart(2, "0")}`,
    project_id: projectId,
    event_id: "event",
    user_id: `user ${user}`,
    agent_id: user === 0 ? "agent" : null,
    app_id: null,
    run_id: null,
    memory: `says ${created}`,
    metadata: null,
    categories: [],
    categorized_ms: 0,
    expiration_date: null,
    immutable: false,
    replaced_by: null,
    replaced_ms: 0,
    linked_memory_ids: [],
    input: [],
    visible_ms: fate === "comes later" ? nowMs + hour : 0,
    created_ms: created,
    updated_ms: created,
    inserted_ms: 0,
    deleted_ms: fate === "is deleted" ? nowMs - 1 : fate === "will be deleted" ? nowMs + hour : null,
  };
}

const changes = fc.array(
  fc.record({
    memory: fc.nat(15),
    user: fc.nat(2),
    created: fc.nat(6),
    fate: fc.constantFrom<Change["fate"]>("lives", "is deleted", "will be deleted", "comes later"),
  }),
  { maxLength: 60 },
);

type Ids = Partial<Scope>;

function hasAll(row: MemoryRow, ids: Ids): boolean {
  return scopeFields.every((field) => ids[field] === undefined || row[field] === ids[field]);
}

function idsOf(state: State, filters: Ids, stretch = { from: 0, to: 1000 }): readonly string[] {
  const selection = {
    passes: (memory: MemoryRow) => hasAll(memory, filters),
    required: requiredIds(filters),
  };
  return newestOf({ state }, projectId, selection, stretch).memories.map(({ memory_id: id }) => id);
}

/** What a list has to be, worked out from the last row of each memory. */
function expectedOf(rows: Iterable<MemoryRow>, filters: Ids): readonly string[] {
  return [...rows]
    .filter((row) => row.visible_ms <= Date.now() && (row.deleted_ms === null || row.deleted_ms > Date.now()))
    .filter((row) => hasAll(row, filters))
    .toSorted(
      (left, right) => right.created_ms - left.created_ms || (left.memory_id < right.memory_id ? -1 : 1),
    )
    .map(({ memory_id: id }) => id);
}

describe("a list of a project's memories", () => {
  const selections: readonly Ids[] = [
    {},
    { user_id: "user 0" },
    { user_id: "user 1" },
    { user_id: "user 0", agent_id: "agent" },
  ];

  it("has what is there, newest first and by id, whatever changed in whatever order, before it was first read or after", () => {
    fc.assert(
      fc.property(changes, changes, (before, after) => {
        const state = new State([projects, memories]);
        const last = new Map<string, MemoryRow>();
        const apply = (all: readonly Change[]): void => {
          for (const change of all) {
            const row = rowOf(change);
            last.set(row.memory_id, row);
            state.commit([put(memories, row)]);
          }
        };
        apply(before);
        for (const filters of selections)
          expect(idsOf(state, filters)).toEqual(expectedOf(last.values(), filters));
        apply(after);
        for (const filters of selections)
          expect(idsOf(state, filters)).toEqual(expectedOf(last.values(), filters));
      }),
    );
  });

  it("is laid out anew when most of it has gone, and stays the same", () => {
    const state = new State([projects, memories]);
    const change = (memory: number, fate: Change["fate"]): Change => ({
      memory,
      user: 1,
      created: memory,
      fate,
    });
    idsOf(state, {});
    for (let memory = 0; memory < 40; memory += 1)
      state.commit([put(memories, rowOf(change(memory, "lives")))]);
    expect(idsOf(state, {})).toHaveLength(40);
    // Every turn changes the text and the date, so each takes a new place.
    for (let turn = 0; turn < 3000; turn += 1) {
      state.commit([put(memories, rowOf({ ...change(turn % 40, "lives"), created: turn }))]);
    }
    expect(idsOf(state, {}, { from: 0, to: 3 })).toEqual(["memory-39", "memory-38", "memory-37"]);
    expect(idsOf(state, { user_id: "user 1" })).toHaveLength(40);
    expect(idsOf(state, { user_id: "user 2" })).toEqual([]);
  });
});

describe("the ids that filters cannot do without", () => {
  it.each([
    [{ user_id: "u" }, [{ field: "user_id", id: "u" }]],
    [{ user_id: { eq: 7 } }, [{ field: "user_id", id: "7" }]],
    [
      { AND: [{ user_id: "u" }, { AND: [{ app_id: "a" }] }] },
      [
        { field: "user_id", id: "u" },
        { field: "app_id", id: "a" },
      ],
    ],
    [{ user_id: "*" }, []],
    [{ user_id: { ne: "u" } }, []],
    [{ user_id: { in: ["u"] } }, []],
    [{ OR: [{ user_id: "u" }, { agent_id: "a" }] }, []],
    [{ NOT: [{ user_id: "u" }] }, []],
    [null, []],
  ])("of %j are %j", (filters, ids) => {
    expect(requiredIds(filters)).toEqual(ids);
  });
});
