import { subscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import type { EmulatorOptions } from "../../src/emulator/emulator.ts";
import { type Rig, startRig, until } from "../emulator/rig.ts";

/** The home folder that the client sees: nothing of it may be written to. Its process is this test file's alone. */
export const home = mkdtempSync(path.join(tmpdir(), "mem0ai-home-"));

afterAll(() => rmSync(home, { recursive: true, force: true }));

// Read by the client when it is imported: so the import comes after, and nobody else imports it.
process.env["MEM0_TELEMETRY"] = "false";
process.env["HOME"] = home;
process.env["MEM0_DIR"] = path.join(home, ".mem0");
for (const name of ["MEM0_API_KEY", "MEM0_HOST", "MEM0_CLIENT_STACK", "MEM0_SOURCE", "MEM0_APPLICATION"]) {
  delete process.env[name];
}

/** Every origin that any HTTP request of this process went to, by `fetch` or by `node:http`. */
export const origins: string[] = [];
subscribe("undici:request:create", (message) => origins.push(textAt(message, "request", "origin")));
subscribe("http.client.request.start", (message) =>
  origins.push(`${textAt(message, "request", "protocol")}//${textAt(message, "request", "host")}`),
);

/** A request as the client handed it to `fetch`; header names in lower case. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the client sent, in order; the tests' own calls are not among it. Recorded, then really sent. */
export const sent: Sent[] = [];
const send = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const request = new Request(input, init);
  const headers = Object.fromEntries(request.headers);
  if ("mem0-user-id" in headers) sent.push({ method: request.method, url: request.url, headers });
  return send(input, init);
};

/** Mem0's own npm client. */
export const mem0ai = await import("mem0ai");

/** One of its clients. */
export type Client = InstanceType<typeof mem0ai.MemoryClient>;

/** An emulator that ends with the test, and a client of it that has pinged. */
export interface Started {
  readonly rig: Rig;
  readonly client: Client;
}

/** Starts both. */
export async function startClient(options: EmulatorOptions = {}): Promise<Started> {
  const rig = await startRig(options);
  return { rig, client: await clientOf(rig) };
}

/** A client of this emulator, with this key, that has pinged, whatever came of it. */
export async function clientOf(rig: Rig, apiKey = rig.apiKey, host = rig.url): Promise<Client> {
  const client = new mem0ai.MemoryClient({ apiKey, host });
  await initialized(client);
  return client;
}

/** Another key of the place that the first one is bound to. */
export async function anotherKey(rig: Rig): Promise<string> {
  const { org_id, project_id } = await rig.ping();
  return rig.makeKey({ org_id, project_id });
}

/** Waits for the ping that a client sends when it is made. */
async function initialized(client: Client): Promise<void> {
  // Private in the types only; the one way to know when the ping is over.
  await (Reflect.get(client, "initialized") as Promise<void>);
}

/** Calls a method by its name, with any arguments, as untyped callers can. */
export async function invoke(client: Client, method: string, args: readonly unknown[]): Promise<unknown> {
  const found: unknown = Reflect.get(client, method);
  if (typeof found !== "function") throw new Error(`The client has no method ${method}`);
  const result: unknown = Reflect.apply(found, client, args);
  return result;
}

/** What it rejects with. @throws when it does not, or not with an error. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => new Error("It did not reject"),
    (reason: unknown) => ({ reason }),
  );
  if (outcome instanceof Error) throw outcome;
  if (outcome.reason instanceof Error) return outcome.reason;
  throw new Error(`It rejected with ${String(outcome.reason)}`);
}

type Row = Readonly<Record<string, unknown>>;

/** The rows of one of the emulator's tables that live, oldest first. */
export async function rowsOf(rig: Rig, table: string): Promise<readonly Row[]> {
  return (await rig.control<Readonly<Record<string, readonly Row[]>>>("GET", "tables"))[table] ?? [];
}

/** The row that has this value. @throws when there is none. */
export async function rowOf(rig: Rig, table: string, name: string, value: unknown): Promise<Row> {
  const found = (await rowsOf(rig, table)).find((row) => row[name] === value);
  if (found === undefined) throw new Error(`${table} has no row whose ${name} is ${String(value)}`);
  return found;
}

/** A request as the emulator's log has it; the body parsed, null when there was none. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: unknown;
  readonly status: number | null;
}

/** Runs the deed, and gives what the emulator saw meanwhile; what the deed throws is the caller's to look at. */
export async function seenDuring(rig: Rig, deed: () => Promise<unknown>): Promise<readonly Seen[]> {
  const before = (await logged(rig, 0)).at(-1)?.id ?? 0;
  await deed();
  return (await logged(rig, before)).map(({ method, path: at, query, body, status }) => ({
    method,
    path: at,
    query,
    body: body === "" ? null : (JSON.parse(body) as unknown),
    status,
  }));
}

/** Stores this text verbatim, of Alice unless said otherwise, and answers its id. */
export async function remember(
  client: Client,
  content: string,
  options: Readonly<Record<string, unknown>> = { userId: "alice" },
): Promise<string> {
  const added = await client.add([{ role: "user", content }], { infer: false, ...options });
  const { results } = added as unknown as { results: readonly { id: string }[] };
  const [first] = results;
  if (first === undefined) throw new Error("Nothing was stored");
  return first.id;
}

/** The texts that a list of this user shows, newest first; `options` beside the filters. */
export async function listed(
  client: Client,
  userId = "alice",
  options: Readonly<Record<string, unknown>> = {},
): Promise<readonly (string | undefined)[]> {
  const { results } = await client.getAll({ filters: { user_id: userId }, ...options });
  return results.map(({ memory }) => memory);
}

/** Waits until the list of this user has so many: there is no method that asks for an event. */
export async function untilListed(client: Client, count: number, userId = "alice"): Promise<void> {
  await until(async () => (await listed(client, userId)).length >= count);
}

interface Logged {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly status: number | null;
}

async function logged(rig: Rig, since: number): Promise<readonly Logged[]> {
  const answer = await rig.control<{ requests: readonly Logged[] }>("GET", `requests?since=${since}`);
  return answer.requests;
}

function textAt(message: unknown, ...names: readonly string[]): string {
  let found: unknown = message;
  for (const name of names) {
    found = typeof found === "object" && found !== null ? Reflect.get(found, name) : undefined;
  }
  return String(found);
}
