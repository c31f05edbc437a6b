import { randomFrom } from "../chaos/random.ts";
import { type Asker, askers, everythingOf, type FuzzGround, inFlightMax, type Side } from "./fuzz-ground.ts";
import { type Kind, kinds, type Pair } from "./fuzz-kinds.ts";
import { allPlaces, documentAt, type Fillings, type Place } from "./fuzz-places.ts";
import { mem0IdIn } from "./rig.ts";

/** Tries of one tenant's callers at what is another's, and what is held against them. */

/** One of them, by its number and the seed alone. */
export interface Try {
  readonly number: number;
  /** Whose callers try. */
  readonly from: 0 | 1;
  readonly asker: Asker;
  readonly place: Place;
  readonly kind: Kind;
  readonly bit: number;
}

/** What a try came to. */
export interface Finding {
  readonly number: number;
  readonly sort: "READ" | "WRITE" | "HINT" | "FAULT";
  readonly words: string;
}

/** What batches came to. */
export interface Tally {
  tries: number;
  /** Answers that were only alike when they were asked for again with nothing else under way. */
  repeated: number;
  readonly findings: Finding[];
  /** By what was answered, how often; for a look at whether the tries did anything. */
  readonly outcomes: Map<string, number>;
  /** Fields that did what they do for one of their callers at least once. */
  readonly served: Set<string>;
  /** Kept so that what is refused to a caller whatever it names is asked for once. Of one ground. */
  readonly refused: Map<string, string>;
}

/** Nothing as yet. */
export function newTally(): Tally {
  return { tries: 0, repeated: 0, findings: [], outcomes: new Map(), served: new Set(), refused: new Map() };
}

/**
 * Off-boarding by a key is what an off-boarder may do to any tenant, and signing up with a key that is free makes a tenant: both
 * say of a key, as they must, whether there is such a tenant. Those two places are not tried with it by those two callers.
 */
function isItsBusiness({ field, path }: Place, asker: Asker): boolean {
  const isKey = path.at(-1) === "key";
  return (
    isKey &&
    ((asker === "offboarder" && field === "offboardTenant") ||
      (asker === "provisioner" && field === "signUpTenant"))
  );
}

const places = allPlaces();
const maybe: Readonly<Record<Asker, readonly Kind[]>> = {
  rw: kindsFor("rw"),
  ro: kindsFor("ro"),
  entity: kindsFor("entity"),
  provisioner: kindsFor("provisioner"),
  offboarder: kindsFor("offboarder"),
};

function kindsFor(asker: Asker): readonly Kind[] {
  return kinds.filter(({ only }) => only === null || only === asker);
}

/** The try of this number. The callers of a tenant come more often: they alone get past the door of most fields. */
export function randomTry(seed: number, number: number): Try {
  const random = randomFrom(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35));
  const one = <T>(of: readonly T[]): T => {
    const found = of[Math.floor(random.between(0, of.length))];
    if (found === undefined) throw new Error("There is nothing to choose from.");
    return found;
  };
  for (;;) {
    const asker = one<Asker>(["rw", "rw", "entity", "entity", "ro", "provisioner", "offboarder"]);
    const [place, kind] = [one(places), one(maybe[asker])];
    const [from, bit] = [one([0, 1] as const), Math.floor(random.between(0, 4_096))];
    if (!isItsBusiness(place, asker)) return { number, from, asker, place, kind, bit };
  }
}

/** Every field with every kind of name once; the places of a field, and the callers, take turns. */
export function everyFieldAndKind(): Try[] {
  const fields = new Map<string, Place[]>();
  for (const place of places) {
    const name = `${place.root}.${place.field}`;
    fields.set(name, [...(fields.get(name) ?? []), place]);
  }
  const found: Try[] = [];
  for (const own of fields.values()) {
    kinds.forEach((kind, turn) => {
      const place = own[(turn + found.length) % own.length];
      const asker = kind.only ?? askerFor(own, found.length + turn);
      if (place === undefined) return;
      const but = isItsBusiness(place, asker) ? "rw" : asker;
      const from = turn % 2 === 0 ? 0 : 1;
      found.push({ number: found.length, from, asker: but, place, kind, bit: 7 * turn });
    });
  }
  return found;
}

function askerFor([place]: readonly Place[], turn: number): Asker {
  const ofMemories: readonly Asker[] = ["rw", "entity", "rw", "ro"];
  const of = place?.root === "Tenant" || /emor|Entity/.test(place?.field ?? "") ? ofMemories : askers;
  return of[turn % of.length] ?? "rw";
}

let sayings = 0;

/** Never the same twice, and always of one length. */
function saidBy(number: number, side: "a" | "b"): string {
  sayings = (sayings + 1) % 10_000_000;
  return `said-${String(number).padStart(8, "0")}-${String(sayings).padStart(7, "0")}-${side}`;
}

function fillingsOf(own: Side, { number, asker }: Try, side: "a" | "b"): Fillings {
  // Mem0 skips what it knows: nothing is said twice.
  const said = saidBy(number, side);
  const { memory, event, export: exported, user } = own.names;
  const userId = asker === "entity" ? {} : { userId: `user${number}` };
  const global = (type: keyof Side["ids"]) => Buffer.from(`${type}:${own.ids[type]}`).toString("base64");
  return {
    texts: {
      ...{ tenantKey: own.key, key: own.key, reason: "A test.", content: said, text: said, query: "likes" },
      ...{ id: global("Operation"), resourceId: global("Resource"), memoryId: memory, ids: memory },
      ...{
        "memory.id": memory,
        "updateMemory.id": memory,
        "updateMemories.id": memory,
        "deleteMemory.id": memory,
      },
      ...{
        "event.id": event,
        "memoryExport.id": exported,
        name: own.name,
        idempotencyKey: own.idempotencyKey,
      },
      ...{
        organizationId: own.orgId,
        projectId: own.projectId,
        email: "x@acme.test",
        url: "https://acme.test/x",
      },
      "deleteEntity.name": `nobody${number}`,
      // An off-boarder may take any tenant away, these two as well.
      "offboardTenant.key": `nobody-${number}`,
    },
    args: {
      addMemories: { input: { ...userId, infer: false } },
      // What an earlier try said of it is not to be told by its answer.
      updateMemory: { input: { text: said, metadata: { note: "said" } } },
      memories: { filter: { userId: { eq: user } }, first: 3 },
      searchMemories: { filter: { userId: { eq: user } }, threshold: 0 },
      createMemoryExport: { input: { filter: { userId: { eq: user } }, waitMs: 0 } },
      ...{ entities: { first: 3 }, events: { first: 3 }, projectHistory: { first: 3 } },
    },
  };
}

/** What differs from answer to answer whoever asks for what: times, what was just made, and the name that was asked for. */
function bare(answer: string, name: string): string {
  return (
    answer
      .replaceAll(name, "<asked>")
      .replaceAll(/"(waitedMs|age)":\d+/g, '"$1":0')
      // What a text is filed under follows from its words, which were asked for; and when it was said, from the clock.
      .replaceAll(/"categories":\[[^\]]*\]/g, '"categories":[]')
      .replaceAll(/"structuredAttributes":\{[^}]*\}/g, '"structuredAttributes":{}')
      .replaceAll(/said-\d+-\d+-[ab]/g, "<said>")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
      .replaceAll(/[\w-]{56,}=*/g, "<id>")
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, "<id>")
  );
}

/** What is of the other and of nobody else, wherever it stands. */
function marksOf({
  tag,
  name,
  key,
  tenantId,
  orgId,
  projectId,
  names,
  ids,
  tokens,
  idempotencyKey,
}: Side): string[] {
  const { memory, event, export: exported } = names;
  const upstream = [memory, event, exported].map(mem0IdIn);
  const said = [memory, event, exported, ...upstream, ...Object.values(ids), ...Object.values(tokens)];
  return [tag, name, `"${key}"`, tenantId, orgId, projectId, idempotencyKey, ...said];
}

/** By caller and place, what was told of what never was where the caller may not ask at all, so that nobody looked at the name. */
type Refused = Map<string, string>;

interface Asked {
  readonly theirs: string;
  readonly never: string;
  readonly pair: Pair;
}

async function ask(ground: FuzzGround, one: Try, refused: Refused): Promise<Asked> {
  const [own, other] = sidesOf(ground, one);
  const pair = one.kind.pair({ ground, own, other, bit: one.bit });
  const send = (side: "a" | "b", name: string) => {
    // A text twice would be no news to Mem0, and not be remembered: that is of its own project.
    const isText = /^(content|text)$/.test(one.place.path.at(-1) ?? "");
    const written = isText ? `${name} ${saidBy(one.number, side)}` : name;
    const document = documentAt(one.place, written, fillingsOf(own, one, side), own.key);
    return ground.ask(own.tokens[one.asker], document);
  };
  const theirs = await send("a", pair.theirs);
  const who = `${one.from} ${one.asker} ${one.place.root}.${one.place.field} ${one.place.path.join(".")}`;
  const known = refused.get(who);
  if (known !== undefined && known === bare(theirs, pair.theirs))
    return { theirs, never: theirs, pair: { ...pair, never: pair.theirs } };
  const never = await send("b", pair.never);
  if (never.includes('"code":"FORBIDDEN"')) refused.set(who, bare(never, pair.never));
  return { never, theirs, pair };
}

/** Who tries, and on whom. */
function sidesOf({ sides, scribes }: FuzzGround, { from, place }: Try): [Side, Side] {
  return [(place.root === "Mutation" ? scribes : sides)[from], sides[from === 0 ? 1 : 0]];
}

/** How a try reads, with the seed's number in front. */
function describeTry({ number, asker, place, kind }: Try): string {
  return `try ${number}: ${asker} at ${place.root}.${place.field} ${place.path.join(".")} with ${kind.title}`;
}

function judge(ground: FuzzGround, one: Try, { theirs, never, pair }: Asked): Finding | null {
  const [own, other] = sidesOf(ground, one);
  const [found, none] = [bare(theirs, pair.theirs), bare(never, pair.never)];
  const said = theirs.replaceAll(pair.theirs, "<asked>");
  const mark = marksOf(other).find((known) => said.includes(known));
  const where = describeTry(one);
  if (mark !== undefined)
    return { number: one.number, sort: "READ", words: `${where} is told ${mark}: ${found}` };
  if (one.kind.only === "entity" && said.includes(mem0IdIn(own.siblingMemory)))
    return { number: one.number, sort: "READ", words: `${where} is told of another entity: ${found}` };
  if (found !== none)
    return { number: one.number, sort: "HINT", words: `${where} is told ${found}\n  and of nothing ${none}` };
  if (theirs.includes("INTERNAL_SERVER_ERROR"))
    return { number: one.number, sort: "FAULT", words: `${where} breaks it: ${found}` };
  return null;
}

function count(tally: Tally, { place }: Try, answer: string): void {
  // What is no id of ours at all is refused without a code.
  const [, code = answer.includes('"errors":[') ? "NO_CODE" : "DONE"] = /"code":"(\w+)"/.exec(answer) ?? [];
  tally.outcomes.set(code, (tally.outcomes.get(code) ?? 0) + 1);
  if (code === "DONE") tally.served.add(`${place.root}.${place.field}`);
}

async function runOne(ground: FuzzGround, one: Try, tally: Tally, again: Try[]): Promise<void> {
  const asked = await ask(ground, one, tally.refused);
  tally.tries += 1;
  count(tally, one, asked.never);
  if (judge(ground, one, asked) !== null) again.push(one);
}

/** The requests that Mem0 got since the log was cleared which name the other's place where Mem0 goes by it. */
async function strayRequests({ world }: FuzzGround, { orgId, projectId }: Side): Promise<string[]> {
  const { requests } = await world.emulator.requests();
  return requests.flatMap(({ method, path, body }) => {
    const parsed: unknown = typeof body === "string" ? jsonOf(body) : body;
    const { org_id = null, project_id = null } = Object(parsed) as { org_id?: unknown; project_id?: unknown };
    const isLed = org_id === orgId || project_id === projectId;
    const isAt = path.includes(`/organizations/${orgId}`) || path.includes(`/projects/${projectId}`);
    return isLed || isAt ? [`${method} ${path}`] : [];
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Makes tries side by side and judges them. All of a batch come from one side, so that whatever changes at the other is a breach.
 * An answer that was unlike is asked for again, alone: what two tries do in their own project at once is seen by both.
 */
export async function runBatch(ground: FuzzGround, batch: readonly Try[], tally: Tally): Promise<void> {
  for (const from of [0, 1] as const) {
    const own = batch.filter((one) => one.from === from);
    const [first] = own;
    if (first !== undefined) await runOfOneSide(ground, own, tally, sidesOf(ground, first)[1]);
  }
}

async function runOfOneSide(
  ground: FuzzGround,
  batch: readonly Try[],
  tally: Tally,
  other: Side,
): Promise<void> {
  const before = await everythingOf(ground, other);
  await ground.world.emulator.clearRequests();
  const again: Try[] = [];
  const left = [...batch];
  const take = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift())
      await runOne(ground, one, tally, again);
  };
  await Promise.all(Array.from({ length: inFlightMax }, take));
  for (const one of again) {
    tally.repeated += 1;
    const finding = judge(ground, one, await ask(ground, one, new Map()));
    if (finding !== null) tally.findings.push(finding);
  }
  const range = `tries ${batch[0]?.number} to ${batch.at(-1)?.number}`;
  const number = batch[0]?.number ?? 0;
  for (const stray of await strayRequests(ground, other))
    tally.findings.push({ number, sort: "WRITE", words: `${range}: Mem0 was asked ${stray}` });
  const after = await everythingOf(ground, other);
  if (after !== before)
    tally.findings.push({ number, sort: "WRITE", words: `${range}: ${firstDifference(before, after)}` });
}

function firstDifference(before: string, after: string): string {
  let at = 0;
  while (before[at] === after[at]) at += 1;
  const part = (text: string) => text.slice(Math.max(0, at - 120), at + 120);
  return `what was …${part(before)}… is …${part(after)}…`;
}
