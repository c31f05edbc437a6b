import path from "node:path";
import type { Logger } from "pino";
import {
  encryptionKeyFile,
  keepEncryptionKey,
  readEncryptionKey,
  readEncryptionKeyFile,
} from "./access/encryption-key.ts";
import type { Config } from "./config.ts";
import { errorMessage } from "./database/errors.ts";
import { openNotifications } from "./database/listen.ts";
import type { PrismaClient } from "./generated/prisma/client.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Mem0 } from "./mem0/request.ts";
import { startIsolationCanary } from "./memory-access/isolation-canary.ts";
import { createKeyRing, type KeyRing } from "./memory-access/key-ring.ts";
import { accessChannels, createMemoryDoor, type OpenDoor } from "./memory-access/open-door.ts";
import type { ProjectKeys } from "./memory-access/project-keys.ts";
import { startProofs } from "./memory-access/proofs.ts";
import { CannotStart } from "./start-faults.ts";
import type { PlatformIdentity } from "./tenants/memory-access.ts";

/** What the way to memories is made of. */
export interface MemoriesOptions {
  readonly config: Pick<Config, "canary" | "keyProofMs" | "mem0TimeoutMs" | "role">;
  readonly databaseUrl: string;
  readonly prisma: PrismaClient;
  readonly baseUrl: string;
  /** What ping said of the platform's key, and a client of it that needs no lease. */
  readonly platform: PlatformIdentity & { readonly mem0: Mem0 };
  /** What seals and unseals keys. Null: nothing does. */
  readonly ring: KeyRing | null;
  readonly lifetime: Lifetime;
  readonly log: Logger;
}

/** The way to memories, for the API. */
export interface Memories {
  readonly door: OpenDoor;
  readonly projectKeys: ProjectKeys;
}

/**
 * Starts the proofs of stored keys, in a process of any role that has what unseals them, and opens the door where there is an
 * API, with the canary that checks it: null in a worker.
 */
export async function openMemories(options: MemoriesOptions): Promise<Memories | null> {
  const { config, databaseUrl, prisma, baseUrl, platform, ring, lifetime, log } = options;
  const work = {
    ...{ prisma, log, proofEveryMs: config.keyProofMs },
    target: { baseUrl, timeoutMs: config.mem0TimeoutMs },
  };
  if (ring === null)
    log.info("LOCI_ENCRYPTION_KEY is not set: no API key of a project can be attached or used");
  else {
    await lifetime.keep({
      name: "the proofs of API keys",
      make: async () => startProofs({ ...work, ring }),
      stop: (made) => made.stop(),
    });
  }
  if (config.role === "worker") return null;
  const tell = (message: string) => log.debug(message);
  const door = await lifetime.keep({
    name: "the door to memories",
    make: async () =>
      createMemoryDoor({
        ...{ ...work, ring, platform },
        listen: (receiver) =>
          openNotifications(databaseUrl, { channels: accessChannels, receiver, log: tell }),
      }),
    stop: (made) => made.close(),
  });
  const { canary } = config;
  if (canary !== null) {
    await lifetime.keep({
      name: "the isolation canary",
      make: async () => startIsolationCanary({ ...canary, prisma, door, log }),
      stop: (made) => made.stop(),
    });
  }
  return { door, projectKeys: { ...work, ring, platform, door } };
}

/**
 * The keys of the environment, then those of the files that it names; with the embedded database also the one that its folder
 * keeps, made at the first start unless there is another. Null: there is none.
 * @throws {CannotStart} when a file that is named holds none, or the key of the data folder cannot be kept
 */
export async function openKeyRing(
  config: Pick<Config, "databaseUrl" | "encryptionKeys" | "encryptionKeyFiles">,
  dataDir: string,
): Promise<KeyRing | null> {
  const filed = await Promise.all((config.encryptionKeyFiles ?? []).map(readFiledKeys));
  const given = [...(config.encryptionKeys ?? []), ...filed.flat()];
  if (config.databaseUrl !== null) return given.length === 0 ? null : createKeyRing(given);
  try {
    const kept = await (given.length === 0 ? keepEncryptionKey(dataDir) : readEncryptionKey(dataDir));
    return createKeyRing(kept === null ? given : [...given, kept]);
  } catch (error) {
    const file = path.join(dataDir, encryptionKeyFile);
    throw new CannotStart(`The key-encryption key cannot be kept in ${file}: ${errorMessage(error)}.`);
  }
}

async function readFiledKeys(file: string): Promise<readonly Uint8Array[]> {
  return readEncryptionKeyFile(file).catch((error: unknown) => {
    throw new CannotStart(
      `LOCI_ENCRYPTION_KEY_FILE names ${file}, which cannot be used: ${errorMessage(error)}.`,
    );
  });
}
