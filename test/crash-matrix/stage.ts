import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import pino from "pino";
import { z } from "zod";
import { openDatabase } from "../../src/database/connect.ts";
import { type Emulator, startEmulator } from "../../src/emulator/emulator.ts";
import { ping } from "../../src/mem0/ping.ts";
import { openMem0 } from "../../src/mem0/request.ts";
import type { RunStarter } from "../../src/provisioning/engine.ts";
import type { Provisioning } from "../../src/provisioning/provisioning.ts";
import { signUpTenant } from "../../src/provisioning/sign-up-tenant.ts";
import { openMarkerSecret, recognizeAccount } from "../../src/tenants/installation.ts";
import { withMarker } from "../../src/tenants/marker.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { EmulatorControl } from "../emulator-control.ts";
import { matrixTimings } from "./faults.ts";
import type { MatrixDatabase } from "./ground.ts";
import { linkAccount, signUpLinked } from "./linked-account.ts";

/** What a batch plays on: a database, an emulator, and what callers and operators do. No saga runs in this process. */
export interface Stage {
  readonly provisioning: Provisioning;
  /** Starts nothing: the worker's sweep finds what is queued. */
  readonly starter: RunStarter;
  readonly emulator: EmulatorControl;
  readonly emulatorUrl: string;
  readonly apiKey: string;
  readonly databaseUrl: string;
  /** Registers the person whose e-mail the sign-up of this key names. */
  register(key: string): Promise<void>;
  /** Signs up a place with one of everything; `other`: where it is another place. */
  signUp(key: string, other?: Partial<z.input<typeof placeSchema>>): Promise<void>;
  /** Links an account of the customer of this key: an organization of his own, with its one project. */
  linkAccount(key: string): Promise<void>;
  /** Signs up onto that account. */
  signUpLinked(key: string): Promise<void>;
  tenantId(key: string): Promise<string>;
  operationId(key: string, kind: "SIGN_UP"): Promise<string>;
  /**
   * Makes twins of the tenant's organization and project, as a request does that lands late; and a look-alike of the
   * organization, as a stranger does who copied its marker and made our account an OWNER, too.
   */
  plantTwins(key: string): Promise<void>;
  /** Upstream ids of the twins and look-alikes that were planted. */
  readonly planted: ReadonlySet<string>;
  /** Those of the look-alikes, which are a stranger's. */
  readonly lookAlikes: ReadonlySet<string>;
  query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]>;
  close(): Promise<void>;
}

const emailOf = (key: string) => `ada@${key}.test`;

/**
 * Opens one. The tenant's key stands in all its names, so that each request tells whose it is. `isListScoped`: no list
 * shows an organization, so no twin of one is planted.
 */
export async function openStage(database: MatrixDatabase, isListScoped: boolean): Promise<Stage> {
  const emulator = await startEmulator();
  const { prisma, pool, close } = await openDatabase(database.url, { connectionsMax: 6 });
  const mem0 = openMem0({ baseUrl: emulator.url, apiKey: emulator.apiKey });
  const identity = await ping(mem0);
  const account = await recognizeAccount(prisma, { upstream: "emulator", ...identity });
  const provisioning: Provisioning = {
    ...{ prisma, mem0, timings: matrixTimings },
    // No saga runs here.
    openAccount: () => Promise.reject(new Error("The stage opens no account.")),
    account: { id: account.id, userEmail: identity.userEmail },
    markerSecret: await openMarkerSecret(prisma),
    around: (_deed, proceed) => proceed(),
    announce: () => {},
    leave: { isHeld: () => true, whenHeld: () => Promise.resolve() },
    log: pino({ level: "silent" }),
  };
  const starter: RunStarter = { start: () => {} };
  const control = new EmulatorControl(emulator.url);
  const planted = new Set<string>();
  const lookAlikes = new Set<string>();
  return {
    ...{ provisioning, starter, planted, lookAlikes, emulator: control, emulatorUrl: emulator.url },
    apiKey: emulator.apiKey,
    databaseUrl: database.url,
    register: async (key) => {
      await control.registerUser(emailOf(key));
    },
    signUp: async (key, other = {}) => {
      const place = placeSchema.parse({
        name: key,
        members: [{ email: emailOf(key) }],
        webhooks: [{ url: `https://${key}.test/hook`, eventTypes: ["MEMORY_ADD"] }],
        settings: { customInstructions: `Of ${key}.`, decay: true },
        ...other,
      });
      await signUpTenant(provisioning, starter, { actor: "matrix", key, idempotencyKey: key, place });
    },
    linkAccount: (key) => linkAccount(provisioning, control, key),
    signUpLinked: (key) => signUpLinked(provisioning, starter, key),
    tenantId: async (key) => (await prisma.tenant.findFirstOrThrow({ where: { key } })).id,
    operationId: async (key, kind) =>
      (await prisma.operation.findFirstOrThrow({ where: { kind, tenant: { key } } })).id,
    plantTwins: async (key) => {
      const { twins, lookAlike } = await plant({
        ...{ prisma, emulator, key, isListScoped },
        ownEmail: identity.userEmail,
      });
      for (const id of [...twins, lookAlike]) planted.add(id);
      lookAlikes.add(lookAlike);
    },
    query: async <Row extends pg.QueryResultRow>(sql: string) => (await pool.query<Row>(sql)).rows,
    close: async () => {
      await close();
      await mem0.close();
      await emulator.close();
      await database.drop();
    },
  };
}

/** What the planting works with. */
interface Planting {
  readonly prisma: Provisioning["prisma"];
  readonly emulator: Emulator;
  readonly key: string;
  readonly ownEmail: string;
  readonly isListScoped: boolean;
}

/** Upstream ids of what was planted. */
interface Planted {
  readonly twins: readonly string[];
  readonly lookAlike: string;
}

/**
 * By Mem0's own API, in other words but with the markers: so it works where equal names are refused, too. Answers when
 * the lists show it all, which lag in one of the worlds.
 */
async function plant({ prisma, emulator, key, ownEmail, isListScoped }: Planting): Promise<Planted> {
  const resources = await prisma.resource.findMany({ where: { tenant: { key }, marker: { not: null } } });
  const [organization, project] = (["ORGANIZATION", "PROJECT"] as const).map((kind) =>
    resources.find((resource) => resource.kind === kind),
  );
  const ask = (path: string, body?: object) => askMem0(emulator, path, body);
  const untilListed = async (path: string, id: unknown) => {
    while (!JSON.stringify(await ask(path)).includes(String(id))) await sleep(50);
    return String(id);
  };
  const make = async (path: string, body: object) =>
    z.record(z.string(), z.unknown()).parse(await ask(path, body));
  const name = withMarker(`Twin of ${key}`, organization?.marker ?? "");
  const home = `${organization?.upstreamId}/projects/`;
  const description = withMarker(`Twin of ${key}`, project?.marker ?? "");
  const twin = await make(home, { name: `Twin of ${key}`, description });
  const twinProject = await untilListed(home, twin["project_id"]);
  const lookAlike = await new EmulatorControl(emulator.url).putOrganization({
    name: withMarker(`Copied from ${key}`, organization?.marker ?? ""),
    owner_email: "mallory@elsewhere.test",
    members: [{ email: ownEmail, role: "OWNER" }],
  });
  if (isListScoped) return { twins: [twinProject], lookAlike: lookAlike.org_id };
  await untilListed("", lookAlike.org_id);
  return {
    twins: [twinProject, await untilListed("", (await make("", { name }))["org_id"])],
    lookAlike: lookAlike.org_id,
  };
}

async function askMem0({ url, apiKey }: Emulator, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/orgs/organizations/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Token ${apiKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`Nothing was planted: ${response.status} ${await response.text()}`);
  return response.json();
}
