import os from "node:os";
import { parseArgs } from "node:util";
import { z } from "zod";
import { defaultDataDir } from "./database/data-folder.ts";
import { defaultTimings, type Timings } from "./provisioning/provisioning.ts";

/** The environment breaks rules. The message has a line for each of them. */
export class InvalidConfiguration extends Error {
  override readonly name = "InvalidConfiguration";
}

/** Digits and nothing else: `Number` would also take "0x10", "1e3" and "4000.0". */
const wholeNumber = (message: string) =>
  z
    .string()
    .regex(/^\d{1,10}$/, message)
    .transform(Number);

const port = wholeNumber("Must be a port number, or 0 for any free one.").pipe(
  z.number().max(65_535, "Must be at most 65535."),
);

const milliseconds = (least: number) =>
  wholeNumber("Must be a whole number of milliseconds.").pipe(
    z.number().min(least, `Must be at least ${least}.`).max(2_147_483_647, "Must be at most 2147483647."),
  );

/** A message never repeats the value: it may hold a password. */
const url = (protocols: readonly string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    message: `Must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}.`,
  });

const printable = /^[\x21-\x7e]+$/;
const printableMessage = "Must consist of printable ASCII characters without spaces.";

/** 32 bytes each, in hex, base64 or base64url. A text of 64 hex digits is never base64 of 32 bytes, which has 43 or 44. */
const encryptionKeys = z
  .string()
  .transform((value) => value.split(",").map((key) => key.trim()))
  .refine(
    (keys) => keys.every((key) => /^([0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=?|[A-Za-z0-9_-]{43}=?)$/.test(key)),
    {
      message: "Must be 32 bytes in base64, base64url or hex; several are separated by commas.",
    },
  )
  .transform((keys) =>
    keys.map((key) => new Uint8Array(Buffer.from(key, key.length === 64 ? "hex" : "base64"))),
  );

/** Every variable of the environment that Loci reads, with its rules and its default. */
const environmentSchema = z
  .object({
    PORT: port.optional(),
    HOST: z.string().default("127.0.0.1"),
    DATABASE_URL: url(["postgres:", "postgresql:"]).optional(),
    LOCI_DATA_DIR: z.string().optional(),
    LOCI_ADMIN_TOKEN: z
      .string()
      .min(16, "Must have at least 16 characters.")
      .regex(printable, printableMessage)
      .optional(),
    LOCI_EMULATOR_PORT: port.default(4100),
    MEM0_API_KEY: z.string().regex(printable, printableMessage).optional(),
    MEM0_BASE_URL: url(["http:", "https:"])
      .refine(isPlainUrl, "Must be without user, password, query and fragment.")
      .optional(),
    MEM0_TIMEOUT_MS: milliseconds(100).default(30_000),
    LOCI_SETTLE_MS: milliseconds(0).default(defaultTimings.settleMs),
    LOCI_TWIN_CHECK_MS: milliseconds(0).default(defaultTimings.twinCheckMs),
    LOCI_MEMBER_RETRY_MS: milliseconds(100).default(defaultTimings.memberRetryMs),
    LOCI_STEP_DEADLINE_MS: milliseconds(0).default(defaultTimings.stepDeadlineMs),
    LOCI_OPERATION_DEADLINE_MS: milliseconds(0).default(defaultTimings.operationDeadlineMs),
    LOCI_ROLE: z.enum(["all", "api", "worker"]).default("all"),
    LOCI_ENGINE_RETENTION_HOURS: wholeNumber("Must be a whole number of hours.")
      .pipe(z.number().min(1, "Must be at least 1.").max(8_760, "Must be at most 8760."))
      .default(24),
    LOCI_IN_FLIGHT_MAX: wholeNumber("Must be a whole number.")
      .pipe(z.number().min(1, "Must be at least 1.").max(10_000, "Must be at most 10000."))
      .default(100),
    LOCI_ENCRYPTION_KEY: encryptionKeys.optional(),
    LOCI_KEY_PROOF_MINUTES: wholeNumber("Must be a whole number of minutes.")
      // A proof counts for a day, and must be made often enough to fail a few times before.
      .pipe(z.number().min(1, "Must be at least 1.").max(360, "Must be at most 360."))
      .default(15),
    LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  })
  .refine(({ MEM0_BASE_URL, MEM0_API_KEY }) => MEM0_BASE_URL === undefined || MEM0_API_KEY !== undefined, {
    path: ["MEM0_API_KEY"],
    message: "Must be set when MEM0_BASE_URL is. Without both, Loci runs against its own emulator.",
    // Also when other rules are broken, so that all faults are told at once.
    when: () => true,
  })
  .refine(({ LOCI_ROLE, DATABASE_URL }) => !isShared(LOCI_ROLE) || DATABASE_URL !== undefined, {
    path: ["DATABASE_URL"],
    message: "Must be set when LOCI_ROLE is api or worker: the embedded Postgres serves one process alone.",
    when: () => true,
  })
  .refine(({ LOCI_ROLE, MEM0_API_KEY }) => !isShared(LOCI_ROLE) || MEM0_API_KEY !== undefined, {
    path: ["MEM0_API_KEY"],
    message: "Must be set when LOCI_ROLE is api or worker: the built-in emulator serves one process alone.",
    when: () => true,
  });

/** Whether a process of this role shares its work with others. */
function isShared(role: string): boolean {
  return role === "api" || role === "worker";
}

/** True for what cannot be parsed, too: that is another rule's fault. */
function isPlainUrl(value: string): boolean {
  if (!URL.canParse(value)) return true;
  const { username, password, search, hash } = new URL(value);
  return `${username}${password}${search}${hash}` === "";
}

/** What Loci was configured to be. */
export interface Config {
  /** Null: nothing listens. A worker serves nothing but its health, and that only where a port is given. */
  readonly port: number | null;
  readonly host: string;
  /** Null: an embedded Postgres in the data folder. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  /** Null: made at the first start and kept in the data folder. */
  readonly adminToken: string | null;
  readonly emulatorPort: number;
  /** Null: the built-in emulator. The base URL has no slash at its end, so that it can be compared. */
  readonly mem0: { readonly apiKey: string; readonly baseUrl: string } | null;
  readonly mem0TimeoutMs: number;
  /** Over the defaults. */
  readonly timings: Pick<
    Timings,
    "settleMs" | "twinCheckMs" | "memberRetryMs" | "stepDeadlineMs" | "operationDeadlineMs"
  >;
  readonly inFlightMax: number;
  /** api: serves GraphQL and runs no sagas. worker: runs sagas and serves no GraphQL. all: both. */
  readonly role: "all" | "api" | "worker";
  /** How long the engine's record of ended runs is kept. */
  readonly engineRetentionMs: number;
  /** The key-encryption keys: the first seals, all open. Null: none is given. */
  readonly encryptionKeys: readonly Uint8Array[] | null;
  /** How often an API key is proved anew. */
  readonly keyProofMs: number;
  readonly logLevel: string;
}

/** Where Mem0's own service is (Mem0 OpenAPI, servers). */
const mem0Service = "https://api.mem0.ai";

/**
 * Reads the configuration from the environment. Spaces around a value do not count, and an empty one counts as not
 * set. This file is the only reader of the environment.
 * @throws {InvalidConfiguration} with all faults at once
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const trimmed = Object.entries(environment).map(([name, value]) => [name, value?.trim()] as const);
  const given = Object.fromEntries(trimmed.filter(([, value]) => value !== undefined && value !== ""));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `  ${path.join(".")}: ${message}`);
    throw new InvalidConfiguration(`The configuration is not valid:\n${faults.join("\n")}`);
  }
  const values = parsed.data;
  return {
    port: values.PORT ?? (values.LOCI_ROLE === "worker" ? null : 4_000),
    host: values.HOST,
    databaseUrl: values.DATABASE_URL ?? null,
    dataDir:
      values.LOCI_DATA_DIR ??
      defaultDataDir({
        isRoot: process.getuid?.() === 0,
        home: os.homedir(),
        xdgDataHome: environment["XDG_DATA_HOME"],
      }),
    adminToken: values.LOCI_ADMIN_TOKEN ?? null,
    emulatorPort: values.LOCI_EMULATOR_PORT,
    mem0:
      values.MEM0_API_KEY === undefined
        ? null
        : {
            apiKey: values.MEM0_API_KEY,
            baseUrl: new URL(values.MEM0_BASE_URL ?? mem0Service).href.replace(/\/+$/, ""),
          },
    mem0TimeoutMs: values.MEM0_TIMEOUT_MS,
    timings: {
      settleMs: values.LOCI_SETTLE_MS,
      twinCheckMs: values.LOCI_TWIN_CHECK_MS,
      memberRetryMs: values.LOCI_MEMBER_RETRY_MS,
      stepDeadlineMs: values.LOCI_STEP_DEADLINE_MS,
      operationDeadlineMs: values.LOCI_OPERATION_DEADLINE_MS,
    },
    inFlightMax: values.LOCI_IN_FLIGHT_MAX,
    role: values.LOCI_ROLE,
    engineRetentionMs: values.LOCI_ENGINE_RETENTION_HOURS * 3_600_000,
    encryptionKeys: values.LOCI_ENCRYPTION_KEY ?? null,
    keyProofMs: values.LOCI_KEY_PROOF_MINUTES * 60_000,
    logLevel: values.LOG_LEVEL,
  };
}

/** What was asked for on the command line. */
export interface Flags {
  /** The database was restored from a backup: see docs/backup-and-restore.md. */
  readonly isAfterRestore: boolean;
}

/**
 * Reads the command line.
 * @throws {InvalidConfiguration} for an argument that there is not, and for one that does not go with the role
 */
export function readFlags(args: readonly string[], { role }: Pick<Config, "role">): Flags {
  let isAfterRestore: boolean;
  try {
    const { values } = parseArgs({ args: [...args], options: { "after-restore": { type: "boolean" } } });
    isAfterRestore = values["after-restore"] === true;
  } catch {
    throw new InvalidConfiguration(
      "The only argument there is is --after-restore; all else is configured by environment.",
    );
  }
  if (isAfterRestore && role === "api") {
    throw new InvalidConfiguration(
      "--after-restore is for a process that runs sagas: LOCI_ROLE must be all or worker.",
    );
  }
  return { isAfterRestore };
}
