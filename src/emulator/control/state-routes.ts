import { formatDate } from "../clock.ts";
import { memoryExports } from "../exports.ts";
import { feedback } from "../feedback.ts";
import { embeddedMembers } from "../members.ts";
import { entities, events, history, memories } from "../memory-rows.ts";
import { settingsOf } from "../project-settings.ts";
import { keys, organizations, projects, users, webhooks } from "../rows.ts";
import type { State } from "../state.ts";
import { readSwitches } from "../switches.ts";
import type { Row, TableDefinition } from "../table.ts";
import { ControlInput, ControlRefused } from "./control-input.ts";
import type { ControlRoute } from "./control-route.ts";
import { entityEntry, eventEntry, historyEntry, memoryEntry } from "./memory-tables.ts";

/** Health, reset, the tables as they are, and the switches. */
export const stateRoutes: readonly ControlRoute[] = [
  { method: "GET", path: "/_emulator/health", handle: () => ({ status: "ok" }) },
  {
    method: "POST",
    path: "/_emulator/reset",
    handle: (control) => {
      control.reset();
      return { status: "ok", api_key: control.seed.apiKey };
    },
  },
  {
    method: "GET",
    path: "/_emulator/tables",
    handle: ({ state }, { query }) => {
      const input = new ControlInput(query, ["deleted"]);
      if (input.has("deleted") && !["true", "false"].includes(input.text("deleted"))) {
        throw new ControlRefused("deleted", '"deleted" must be true or false.');
      }
      return tablesOf(state, input.raw("deleted") === "true");
    },
  },
  { method: "GET", path: "/_emulator/switches", handle: ({ state }) => state.switches },
  {
    method: "PATCH",
    path: "/_emulator/switches",
    handle: ({ state }, { body }) => {
      const input = new ControlInput(body, Object.keys(state.switches));
      state.setSwitches(readSwitches(Object.fromEntries(Object.keys(state.switches).flatMap(given(input)))));
      return state.switches;
    },
  },
];

function given(input: ControlInput): (name: string) => readonly (readonly [string, unknown])[] {
  return (name) => (input.has(name) ? [[name, input.raw(name)]] : []);
}

/** Every table with the API's words, oldest first; the deleted rows too if asked for, then with `deleted_at`. */
function tablesOf(state: State, withDeleted: boolean): object {
  const rowsOf = <R extends Row>(definition: TableDefinition<R>, show: (row: R) => object): object[] =>
    state
      .table(definition)
      .all()
      .filter((row) => withDeleted || row.deleted_ms === null)
      .map((row) => ({ ...show(row), ...datesOf(row) }));
  const datesOf = (row: Row): object => {
    const date = (epochMs: number): string => formatDate(epochMs, state.switches.dates);
    const dates = { created_at: date(row.created_ms), updated_at: date(row.updated_ms) };
    if (!withDeleted) return dates;
    return { ...dates, deleted_at: row.deleted_ms === null ? null : date(row.deleted_ms) };
  };
  return {
    organizations: rowsOf(organizations, ({ org_id, name, members, invitations }) => ({
      org_id,
      name,
      members: embeddedMembers({ state }, members),
      invitations,
    })),
    projects: rowsOf(projects, (row) => ({
      project_id: row.project_id,
      org_id: row.org_id,
      name: row.name,
      is_default: row.is_default,
      members: embeddedMembers({ state }, row.members),
      ...settingsOf(row),
    })),
    webhooks: rowsOf(webhooks, ({ webhook_id, project_id, name, url, owner, event_types, is_active }) => ({
      webhook_id,
      project_id,
      name,
      url,
      owner,
      event_types,
      is_active,
    })),
    users: rowsOf(users, ({ user_id, email, username }) => ({ user_id, email, username })),
    keys: rowsOf(keys, ({ api_key, email, org_id, project_id }) => ({ api_key, email, org_id, project_id })),
    memories: rowsOf(memories, memoryEntry),
    history: rowsOf(history, historyEntry),
    events: rowsOf(events, eventEntry),
    entities: rowsOf(entities, entityEntry),
    feedback: rowsOf(
      feedback,
      ({ feedback_id, memory_id, project_id, feedback: verdict, feedback_reason }) => ({
        feedback_id,
        memory_id,
        project_id,
        feedback: verdict,
        feedback_reason,
      }),
    ),
    exports: rowsOf(
      memoryExports,
      ({ export_id, project_id, schema, filters, export_instructions, result }) => ({
        export_id,
        project_id,
        schema,
        filters,
        export_instructions,
        result,
      }),
    ),
  };
}
