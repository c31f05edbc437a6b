import { openNotifications } from "../../src/database/listen.ts";
import { ping } from "../../src/mem0/ping.ts";
import type { KeyRing } from "../../src/memory-access/key-ring.ts";
import type { MemoryAccess } from "../../src/memory-access/memory-door.ts";
import {
  type AccessConnection,
  accessChannels,
  createMemoryDoor,
  type OpenDoor,
} from "../../src/memory-access/open-door.ts";
import { freshKey, signUp } from "../main-job.ts";
import type { World } from "../world.ts";

/** What tests of project keys ask for, and get. */

/** A tenant with a place upstream. */
export interface Placed {
  readonly key: string;
  readonly tenantId: string;
  readonly orgId: string;
  readonly projectId: string;
}

/** Signs a tenant up that has nothing but its organization and project. */
export async function place(world: World): Promise<Placed> {
  const key = freshKey();
  await signUp(world, { key });
  const tenant = await world.prisma.tenant.findFirstOrThrow({ where: { key }, include: { resources: true } });
  const upstreamOf = (kind: string) => {
    const found = tenant.resources.find((row) => row.kind === kind && row.name === "main")?.upstreamId;
    if (found === undefined || found === null) throw new Error(`${key} has no ${kind}.`);
    return found;
  };
  return { key, tenantId: tenant.id, orgId: upstreamOf("ORGANIZATION"), projectId: upstreamOf("PROJECT") };
}

/** Makes a key of the tenant's own project upstream, without attaching it. */
export function makeKeyOf(world: World, { orgId, projectId }: Placed): Promise<string> {
  return world.emulator.makeKey({ org_id: orgId, project_id: projectId });
}

/** A key as the API shows it. */
export interface KeyView {
  readonly id: string;
  readonly hint: string;
  readonly state: string;
  readonly provedAt: string;
  readonly retiresAt: string | null;
  readonly refutedBecause: string | null;
  readonly detachedAt: string | null;
}

/** What `memoryAccess` answers. */
export interface AccessView {
  readonly state: string;
  readonly message: string;
  readonly missingFor: readonly string[];
  readonly howTo: string;
  readonly keys: readonly KeyView[];
}

/** An answer of the two mutations. */
export interface KeyAnswer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly howTo?: string;
  readonly retryable?: boolean;
  readonly problems?: readonly { readonly field: string }[];
  readonly projectKey?: KeyView;
  readonly tenant?: { readonly memoryAccess: AccessView };
}

const keyFields = "id hint state provedAt retiresAt refutedBecause detachedAt";
const accessFields = `state message missingFor howTo keys { ${keyFields} }`;
const payloadFields = `projectKey { ${keyFields} } tenant { memoryAccess { ${accessFields} } }`;
const errorFields = "... on Error { code message retryable } ... on InvalidInput { problems { field } }";

/** Attaches a key over the API. */
export async function attach(world: World, input: object): Promise<KeyAnswer> {
  const { attachProjectKey } = await world.send<{ attachProjectKey: KeyAnswer }>(
    `mutation ($input: AttachProjectKeyInput!) { attachProjectKey(input: $input) { __typename
      ... on AttachProjectKeyPayload { ${payloadFields} } ... on EncryptionKeyMissing { howTo } ${errorFields} } }`,
    { input },
  );
  return attachProjectKey;
}

/** Attaches a new key of the tenant's own project. Answers the key and its row. */
export async function attachNew(world: World, tenant: Placed, input: object = {}) {
  const apiKey = await makeKeyOf(world, tenant);
  const answer = await attach(world, { tenantKey: tenant.key, apiKey, ...input });
  if (answer.projectKey === undefined) throw new Error(`${answer.__typename}: ${answer.message}`);
  return { apiKey, key: answer.projectKey };
}

/** Detaches a key over the API. */
export async function detach(world: World, id: string): Promise<KeyAnswer> {
  const { detachProjectKey } = await world.send<{ detachProjectKey: KeyAnswer }>(
    `mutation ($input: DetachProjectKeyInput!) { detachProjectKey(input: $input) { __typename
      ... on DetachProjectKeyPayload { ${payloadFields} } ${errorFields} } }`,
    { input: { id } },
  );
  return detachProjectKey;
}

/** What the API says of a tenant's memory access. */
export async function accessOf(world: World, key: string): Promise<AccessView> {
  const { tenant } = await world.send<{ tenant: { memoryAccess: AccessView } }>(
    `query ($key: String!) { tenant(key: $key) { memoryAccess { ${accessFields} } } }`,
    { key },
  );
  return tenant.memoryAccess;
}

/** Whose project an access reaches, as Mem0 itself says. */
export async function reaches(access: MemoryAccess): Promise<string> {
  return (await ping(access.mem0)).projectId;
}

/** A door as another process has it. `deafen` makes it one whose connection is gone; `statements` counts what it asks. */
export function openDoorElsewhere(world: World, options: { readonly ring?: KeyRing | null } = {}) {
  let isDeaf = false;
  let statements = 0;
  const prisma = new Proxy(world.prisma, {
    get(target, property) {
      statements += 1;
      return Reflect.get(target, property, target);
    },
  });
  let connection: AccessConnection | undefined;
  const door: OpenDoor = createMemoryDoor({
    ...{
      ...world.projectKeys,
      ...options,
      prisma,
      platform: { ...world.projectKeys.platform, mem0: world.provisioning.mem0 },
    },
    listen: (receiver) => {
      const made = openNotifications(world.connectionString, {
        channels: accessChannels,
        receiver: {
          notified: (channel, payload) => {
            if (!isDeaf) receiver.notified(channel, payload);
          },
          listening: () => receiver.listening(),
        },
      });
      connection = { isListening: () => !isDeaf && made.isListening(), close: () => made.close() };
      return connection;
    },
  });
  return {
    door,
    statements: () => statements,
    isListening: () => connection?.isListening() === true,
    deafen: () => {
      isDeaf = true;
    },
  };
}
