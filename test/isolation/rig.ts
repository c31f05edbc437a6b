import { randomUUID } from "node:crypto";
import { Writable } from "node:stream";
import pino, { type Logger } from "pino";
import { openNotifications } from "../../src/database/listen.ts";
import { loadGraphiql } from "../../src/graphiql/page.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import {
  type AccessConnection,
  accessChannels,
  createMemoryDoor,
} from "../../src/memory-access/open-door.ts";
import type { ProjectKeys } from "../../src/memory-access/project-keys.ts";
import { type ProjectThing, projectThingId } from "../../src/schema/memory-ids.ts";
import { listen } from "../../src/server.ts";
import { attachNew, type Placed, place } from "../memory-access/key-rig.ts";
import type { World } from "../world.ts";
import { documentOf } from "./data-plane.ts";
import type { MemoryCall, Names } from "./memory-calls.ts";

/** Tenants of the same shape whose texts tell whose they are, and processes that serve them. */

/** A tenant with a key of its own project and things in it. */
export interface Inhabited extends Placed {
  /** In every text that was ever said for it, and in no other tenant's. */
  readonly tag: string;
  readonly apiKey: string;
  readonly keyId: string;
  readonly names: Names;
}

/** The end user that every tenant has. */
export const user = "alice";

/** Where calls go. */
export interface Process {
  readonly url: string;
}

/** An answer of the API. */
export interface Told {
  /** As it came, but for how long it took. */
  readonly body: string;
  /** The type of what the field answered; null where there is none because the whole request was refused. */
  readonly typename: string | null;
  readonly answer: Readonly<Record<string, unknown>> | null;
  /** The code of a refusal, or of the error of a whole request. Null: neither. */
  readonly code: string | null;
}

interface Envelope {
  readonly data?: {
    readonly answer?: Readonly<Record<string, unknown>>;
    readonly tenant?: { readonly answer?: Readonly<Record<string, unknown>> } | null;
  } | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
  readonly extensions?: { readonly upstream?: { readonly waitedMs?: number } };
}

/** Sends a document, and answers all of the answer but its times. */
async function tell(
  { url }: Process,
  world: Pick<World, "token">,
  document: { readonly query: string; readonly variables: object },
): Promise<Told> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.token}`, "content-type": "application/json" },
    body: JSON.stringify(document),
  });
  const text = (await response.text()).replace(/"waitedMs":\d+/, '"waitedMs":0');
  const { data, errors } = JSON.parse(text) as Envelope;
  const answer = data?.answer ?? data?.tenant?.answer ?? null;
  const typename = typeof answer?.["__typename"] === "string" ? answer["__typename"] : null;
  const refused = typename === null ? undefined : answer?.[`${typename}_code`];
  const code = errors?.[0]?.extensions?.code ?? (typeof refused === "string" ? refused : null);
  return { body: `${response.status} ${text}`, typename, answer, code };
}

/** Makes a call for a tenant, naming what it is told to name instead of the tenant's own. */
export function call(
  process: Process,
  world: Pick<World, "token">,
  { key, names }: Pick<Inhabited, "key" | "names">,
  { root, field, args }: MemoryCall,
  others: Partial<Names> = {},
): Promise<Told> {
  return tell(process, world, documentOf(root, field, key, args({ ...names, ...others })));
}

let rounds = 0;

/** Mem0 skips what it knows, so that nothing is ever said twice. */
function textsOf(tag: string): string[] {
  rounds += 1;
  return [`${tag} likes tea ${rounds}.`, `${tag} likes coffee ${rounds}.`, `${tag} likes trains ${rounds}.`];
}

/** Has a tenant's project remember the same things that every other one does, but for the tag. */
export async function inhabit(
  process: Process,
  world: Pick<World, "token">,
  { key, tag }: Pick<Inhabited, "key" | "tag">,
): Promise<Names> {
  const ask = async (field: string, args: object) => {
    const { answer, body } = await tell(process, world, documentOf("Mutation", field, key, { ...args }));
    if (answer === null || !String(answer["__typename"]).endsWith("Payload")) throw new Error(body);
    return answer;
  };
  const added = await ask("addMemories", {
    messages: textsOf(tag).map((content) => ({ role: "USER", content })),
    ...{ userId: user, infer: false, metadata: { note: tag } },
  });
  const [stored] = added["AddMemoriesPayload_results"] as { readonly id: string }[];
  const exported = await ask("createMemoryExport", {
    schema: { type: "object", properties: { likes: { type: "array", items: { type: "string" } } } },
    ...{ filter: { userId: { eq: user } }, waitMs: 5_000 },
  });
  const memory = stored?.id ?? "";
  await ask("giveMemoryFeedback", { memoryId: memory, feedback: "POSITIVE", reason: `${tag} said yes.` });
  return {
    ...{ memory, event: String(added["AddMemoriesPayload_eventId"]), cursor: null },
    ...{ export: String(exported["CreateMemoryExportPayload_exportId"]), user, text: tag },
  };
}

let tags = 0;

/** A tenant that has what every other one has. */
export async function inhabited(world: World): Promise<Inhabited> {
  const placed = await place(world);
  const { apiKey, key } = await attachNew(world, placed);
  tags += 1;
  const tag = `Zq${tags}x${randomUUID().slice(0, 8)}`;
  const names = await inhabit(world, world, { key: placed.key, tag });
  return { ...placed, tag, apiKey, keyId: key.id, names };
}

/** Everything in the emulator that lies in a tenant's project, as one text. */
export async function rowsOf(world: World, { projectId, orgId }: Placed): Promise<string> {
  const tables = await world.emulator.tables();
  const inProject = (rows: readonly { readonly project_id: string }[]) =>
    rows.filter(({ project_id }) => project_id === projectId);
  return JSON.stringify({
    organization: tables.organizations.filter(({ org_id }) => org_id === orgId),
    ...{ projects: inProject(tables.projects), webhooks: inProject(tables.webhooks) },
    ...{ memories: inProject(tables.memories), history: inProject(tables.history) },
    ...{ events: inProject(tables.events), entities: inProject(tables.entities) },
    ...{ feedback: inProject(tables.feedback), exports: inProject(tables.exports) },
  });
}

/** Mem0's own id in an id of ours. */
export function mem0IdIn(id: string): string {
  return Buffer.from(id, "base64url").toString().slice(-36);
}

/**
 * Ids of what a tenant has not, in two kinds: those that mean nothing under it, and those that only we could make, with our
 * seal, for which Mem0 has to be asked.
 */
export function strangeIds(
  world: World,
  thing: ProjectThing,
  asker: Inhabited,
  other: Inhabited,
): { readonly meaningless: readonly string[]; readonly unknown: readonly string[] } {
  const text = (plain: string) => Buffer.from(plain).toString("base64url");
  const slot = ({ Memory: "memory", MemoryEvent: "event", MemoryExport: "export" } as const)[thing];
  const [own, ofOther] = [asker.names[slot], other.names[slot]];
  const plain = (id: string) => Buffer.from(id, "base64url").toString();
  const [raw, ownRaw] = [mem0IdIn(ofOther), mem0IdIn(own)];
  const another = thing === "Memory" ? "MemoryEvent" : "Memory";
  return {
    meaningless: [
      // That never was, and would be the other's.
      projectThingId(world, thing, other.tenantId, randomUUID()),
      ofOther,
      ofOther.toUpperCase(),
      `${ofOther}=`,
      raw,
      raw.replaceAll("-", ""),
      projectThingId(world, another, asker.tenantId, raw),
      // Another's seal around one's own tenant, one's own around another's thing, a thing of one's own with a broken one.
      text(plain(ofOther).replace(other.tenantId, asker.tenantId)),
      text(plain(own).replace(ownRaw, raw)),
      text(plain(own).replace(/:.{16}:/, ":AAAAAAAAAAAAAAAA:")),
      text(plain(own).replace(/:.{16}:/, "::")),
      text(plain(own).replace(/:.{16}:/, ":")),
      text(plain(own).toUpperCase()),
      ...[`${own}=`, ` ${own}`, own.slice(1), own.slice(0, -1), ownRaw],
      text(`${thing}:${asker.tenantId}:${raw}`),
      text(`${thing}:${asker.tenantId}:${ownRaw}`),
      text(`${thing}:${asker.tenantId}:${thing}:${other.tenantId}:${raw}`),
      text(`${thing}:${other.tenantId}:${asker.tenantId}:${raw}`),
      text(`${thing}::${raw}`),
      text(`${thing}:${asker.tenantId}:${raw}\n`),
      text(`${thing}:${asker.tenantId}:../${raw}`),
      text(`${thing}:${asker.tenantId}:${raw}/../${raw}`),
      text(`Tenant:${other.tenantId}`),
      ...["", " ", "*", "null", "0", "\u0000", "\ud83d\ude00", "a".repeat(5_000), "' OR 1=1 --", "../../"],
    ],
    unknown: [
      // That never was, and would be the asker's own.
      projectThingId(world, thing, asker.tenantId, randomUUID()),
      projectThingId(world, thing, asker.tenantId, raw),
      projectThingId(world, thing, asker.tenantId, raw.toUpperCase()),
      projectThingId(world, thing, asker.tenantId, "00000000-0000-0000-0000-000000000000"),
    ],
  };
}

/** What the emulator was asked since the log was cleared; `id` is told as such, whatever it is. */
export async function askedFor(world: World, id: string | null): Promise<string> {
  const { requests } = await world.emulator.requests();
  const asked = requests.map(({ method, path, query, body, status }) =>
    JSON.stringify({ method, path, query, body, status }),
  );
  return id === null ? asked.join("\n") : asked.join("\n").replaceAll(new RegExp(mem0IdIn(id), "gi"), "<id>");
}

/** What may be other than in the world's own process. */
export interface ProcessOptions {
  readonly log?: Logger;
  readonly platform?: { readonly orgId: string; readonly projectId: string; readonly mem0: Mem0 };
  readonly timeoutMs?: number;
}

/** A process that serves the same database, with a door of its own. */
export interface OtherProcess extends Process {
  isListening(): boolean;
  close(): Promise<void>;
}

/** Serves the API once more, as another process would. */
export async function startProcess(world: World, options: ProcessOptions = {}): Promise<OtherProcess> {
  const { prisma, engine, watch, connectionString, apiTokens, authenticate } = world;
  const log = options.log ?? pino({ level: "silent" });
  const target = { ...world.projectKeys.target, ...(options.timeoutMs === undefined ? {} : options) };
  const platform = options.platform ?? { ...world.projectKeys.platform, mem0: world.provisioning.mem0 };
  const keys = { ...world.projectKeys, log, target, platform };
  let connection: AccessConnection | null = null;
  const door = createMemoryDoor({
    ...keys,
    listen: (receiver) => {
      connection = openNotifications(connectionString, { channels: accessChannels, receiver });
      return connection;
    },
  });
  const projectKeys: ProjectKeys = { ...keys, door };
  const provisioning = { ...world.provisioning, log };
  const server = await listen("127.0.0.1", 0, log);
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(
        { prisma, provisioning, engine, watch, door, projectKeys, apiTokens },
        log,
      ),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: [] }),
      authenticate,
    },
    whyNotReady: async () => null,
  });
  return {
    url: server.url,
    isListening: () => connection?.isListening() === true,
    close: async () => {
      await server.close(100);
      await door.close();
    },
  };
}

/** A log that is kept, whole, at its most talkative. */
export function keptLog(): { readonly log: Logger; text(): string } {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  return { log: pino({ level: "trace" }, sink), text: () => lines.join("") };
}
