import { randomUUID } from "node:crypto";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { entitiesOf } from "./entity-rows.ts";
import { newEvent } from "./events.ts";
import { exportResult } from "./export-result.ts";
import { type AddInput, readAdd } from "./memory-add-input.ts";
import { categoriesOf } from "./memory-categories.ts";
import { historyEntry, ownCategories } from "./memory-changes.ts";
import { extractFacts, type Fact, verbatimFacts } from "./memory-facts.ts";
import { isKeptBy } from "./memory-hints.ts";
import { knownMemories } from "./memory-known.ts";
import { type EventRow, events, history, type MemoryRow, memories } from "./memory-rows.ts";
import { projectOfEvent, projectToWrite } from "./memory-scope.ts";
import { dayIn, eventDay } from "./memory-temporal.ts";
import { generatedByItself } from "./profiles.ts";
import type { Resource, Upstream } from "./resource.ts";
import { put } from "./table.ts";

/** `POST /v3/memories/add/`: extraction later, behind an event (the default), or verbatim import at once. */
export const memoryAddResource: Resource = {
  routes: [{ method: "POST", path: "/v3/memories/add/", handle: addMemories }],
  tables: [],
};

function addMemories(upstream: Upstream, call: Call): Answer {
  const { infer, eventId, results } = performAdd(upstream, call, call.body());
  const told = upstream.state.switches.addAnswerHasMessage ? { message: queuedMessage } : {};
  if (infer) return json(200, { ...told, event_id: eventId, status: "PENDING" });
  const message = "Memories stored successfully";
  return json(200, { message, status: "SUCCEEDED", event_id: eventId, results });
}

/** What version 1 says of an add that extracts (Mem0 OpenAPI); old texts have it of version 3 too. */
export const queuedMessage = "Memory processing has been queued for background execution";

/** An add that was taken. */
export interface Added {
  readonly infer: boolean;
  readonly eventId: string;
  /** What an import stored; an extraction says so in its event. */
  readonly results: readonly object[];
}

/**
 * Does what an add of any version asks. Nothing makes a repeat safe but that equal texts of one scope are stored once.
 * @throws {Refusal} as `readAdd` and `projectToWrite`.
 */
export function performAdd(upstream: Upstream, call: Call, body: Readonly<Record<string, unknown>>): Added {
  const { switches } = upstream.state;
  const projectId = projectToWrite(upstream, call, body);
  const input = readAdd(body, switches);
  const { timestamp: _, ...payload } = body;
  const isFailed = input.infer && switches.addOutcome === "fail";
  const event = newEvent({
    projectId: projectOfEvent(upstream, call, projectId),
    type: "ADD",
    payload,
    takesMs: input.infer ? switches.addDelayMs : 0,
    error: isFailed ? "Memory extraction failed." : null,
  });
  if (isFailed) upstream.state.commit([put(events, event)]);
  const results = isFailed ? [] : remember(upstream, call, { projectId, input, event });
  return { infer: input.infer, eventId: event.event_id, results };
}

interface Adding {
  readonly projectId: string;
  readonly input: AddInput;
  readonly event: EventRow;
}

/** Writes what is new of the facts, with the event that says so. What the answer of an import lists. */
function remember(upstream: Upstream, call: Call, { projectId, input, event }: Adding): readonly object[] {
  const facts = input.infer
    ? extractFacts(input.messages, input.scope, (sentence) => isKeptBy(input.hints, sentence))
    : verbatimFacts(input.messages, input.scope);
  const known = knownMemories(upstream, projectId, input.infer);
  const own = input.categories ?? ownCategories(upstream, projectId);
  const added = new Map<string, MemoryRow>();
  const replaced = new Map<string, MemoryRow>();
  for (const fact of facts) {
    if (known.has(fact)) continue;
    // Immutable ones are kept out of consolidation (Mem0 OpenAPI).
    const older = known.takeContradicted(fact).filter(({ immutable }) => !immutable);
    const index = added.size;
    const memory = newMemory(
      upstream,
      { projectId, input, event },
      { fact, place: { index, count: facts.length }, own, older },
    );
    for (const old of older) {
      const superseded = { ...old, replaced_by: memory.memory_id, replaced_ms: memory.visible_ms };
      (added.has(old.memory_id) ? added : replaced).set(old.memory_id, superseded);
    }
    added.set(memory.memory_id, memory);
    known.add(memory);
  }
  const rows = [...added.values()];
  const done: EventRow = { ...event, results: rows.map((memory) => eventResult(memory)) };
  upstream.state.commit([
    put(events, done),
    ...[...replaced.values(), ...rows].map((memory) => put(memories, memory)),
    ...rows.map((memory) =>
      put(history, historyEntry(memory, "ADD", { old: null, new: memory.memory }, memory.visible_ms)),
    ),
    ...entitiesOf(upstream, rows, call.caller.user.username),
    ...generatedByItself(upstream, projectId, rows),
  ]);
  return rows.map(({ memory_id, memory }) => ({ id: memory_id, data: { memory }, event: "ADD" }));
}

function newMemory(
  { state }: Upstream,
  { projectId, input, event }: Adding,
  {
    fact,
    place,
    own,
    older,
  }: {
    readonly fact: Fact;
    readonly place: { readonly index: number; readonly count: number };
    readonly own: readonly unknown[] | null;
    readonly older: readonly MemoryRow[];
  },
): MemoryRow {
  const visibleMs = event.completed_ms;
  // A microsecond apart, so that newest first keeps the order of what was said together; never after `updated_at`.
  const { index, count } = place;
  const createdMs =
    input.createdMs === null ? visibleMs + (index - count) / 1000 : input.createdMs + index / 1000;
  return {
    memory_id: randomUUID(),
    project_id: projectId,
    event_id: event.event_id,
    ...fact.scope,
    memory: fact.text,
    metadata: input.metadata,
    categories: categoriesOf(fact.text, own),
    categorized_ms: visibleMs + state.switches.categoriesDelayMs,
    expiration_date: input.expirationDate,
    immutable: input.immutable,
    replaced_by: null,
    replaced_ms: 0,
    linked_memory_ids: older.map((memory) => memory.memory_id),
    // The message alone, not the whole conversation: a long import would else be kept once for each of its memories.
    input: [fact.message],
    ...attributesOf(input, fact.text, createdMs),
    visible_ms: visibleMs,
    created_ms: createdMs,
    updated_ms: visibleMs,
    inserted_ms: event.created_ms,
    deleted_ms: null,
  };
}

/** What an extraction reads out of a text besides: the schema's properties, and the day it speaks of (both rules ours). */
function attributesOf(input: AddInput, text: string, createdMs: number): Pick<MemoryRow, "attributes"> {
  if (!input.infer || (input.structure === null && !input.isTemporal)) return {};
  const saidOn = input.observedOn ?? dayIn("UTC", createdMs);
  const day = input.isTemporal ? { event_date: eventDay(text, saidOn) } : {};
  return { attributes: { ...exportResult(input.structure ?? {}, [text]), ...day } };
}

function eventResult(memory: MemoryRow): object {
  return {
    id: memory.memory_id,
    event: "ADD",
    user_id: memory.user_id,
    data: { memory: memory.memory },
    linked_memory_ids: memory.linked_memory_ids,
  };
}
