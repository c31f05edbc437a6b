import os from "node:os";
import { parseArgs } from "node:util";
import { z } from "zod";
import { parseEncryptionKeys } from "./access/encryption-key.ts";
import type { OidcSettings } from "./access/oidc.ts";
import { missingOidcVariables, oidcSettingsOf, oidcVariables } from "./access/oidc-variables.ts";
import { defaultDataDir } from "./database/data-folder.ts";
import { type DoorSettings, doorSettingsOf, doorVariables } from "./door/door-settings.ts";
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

/** A message never repeats what was given. */
const encryptionKeys = z.string().transform((value, { issues }) => {
  const keys = parseEncryptionKeys(value);
  if (keys !== null) return keys;
  const message = "Must be 32 bytes in base64, base64url or hex; several are separated by commas.";
  issues.push({ code: "custom", message, input: undefined });
  return z.NEVER;
});

/** Paths of files, with commas between. */
const paths = z
  .string()
  .transform((value) => value.split(",").map((path) => path.trim()))
  .refine((all) => all.every((path) => path !== ""), {
    message: "Must be paths of files; several are separated by commas.",
  });

/** The keys of two tenants, with a comma between. */
const twoKeys = z
  .string()
  .transform((value) => value.split(",").map((key) => key.trim()))
  .refine((keys) => keys.length === 2 && !keys.includes("") && new Set(keys).size === 2, {
    message: "Must be the keys of two tenants, with a comma between.",
  })
  .transform(([one = "", other = ""]) => [one, other] as const);

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
    LOCI_AUDIT_RETENTION_DAYS: wholeNumber("Must be a whole number of days.")
      .pipe(z.number().min(1, "Must be at least 1.").max(36_500, "Must be at most 36500."))
      .optional(),
    LOCI_IN_FLIGHT_MAX: wholeNumber("Must be a whole number.")
      .pipe(z.number().min(1, "Must be at least 1.").max(10_000, "Must be at most 10000."))
      .default(100),
    LOCI_REQUESTS_MAX: wholeNumber("Must be a whole number.")
      .pipe(z.number().min(1, "Must be at least 1.").max(100_000, "Must be at most 100000."))
      .default(500),
    LOCI_ENCRYPTION_KEY: encryptionKeys.optional(),
    LOCI_ENCRYPTION_KEY_FILE: paths.optional(),
    LOCI_KEY_PROOF_MINUTES: wholeNumber("Must be a whole number of minutes.")
      // A proof counts for a day, and must be made often enough to fail a few times before.
      .pipe(z.number().min(1, "Must be at least 1.").max(360, "Must be at most 360."))
      .default(15),
    LOCI_CORS_ORIGINS: doorVariables.LOCI_CORS_ORIGINS,
    LOCI_REQUEST_TIMEOUT_MS: doorVariables.LOCI_REQUEST_TIMEOUT_MS,
    LOCI_RATE_PER_MINUTE: doorVariables.LOCI_RATE_PER_MINUTE,
    LOCI_CONCURRENCY_MAX: doorVariables.LOCI_CONCURRENCY_MAX,
    LOCI_PROXIES: doorVariables.LOCI_PROXIES,
    LOCI_TRUSTED_DOCUMENTS: doorVariables.LOCI_TRUSTED_DOCUMENTS,
    ...oidcVariables,
    LOCI_CANARY_TENANTS: twoKeys.optional(),
    LOCI_CANARY_MINUTES: wholeNumber("Must be a whole number of minutes.")
      .pipe(z.number().max(1_440, "Must be at most 1440."))
      .default(60),
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
  })
  .superRefine(
    (values, { addIssue }) => {
      const message = "Must be set when another variable of LOCI_OIDC_ is.";
      for (const name of missingOidcVariables(values)) addIssue({ code: "custom", path: [name], message });
    },
    { when: () => true },
  );

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
  /** How many requests of GraphQL are under way at once, whoever sends them; more are refused. */
  readonly requestsMax: number;
  /** api: serves GraphQL and runs no sagas. worker: runs sagas and serves no GraphQL. all: both. */
  readonly role: "all" | "api" | "worker";
  /** How long the engine's record of ended runs is kept. */
  readonly engineRetentionMs: number;
  /** How long events of the audit are kept, at least. Null: for ever. */
  readonly auditRetentionMs: number | null;
  /** The key-encryption keys: the first seals, all open. Null: none is given. */
  readonly encryptionKeys: readonly Uint8Array[] | null;
  /** Files with more of them, which come after those. Null: there are none. */
  readonly encryptionKeyFiles: readonly string[] | null;
  /** How often an API key is proved anew. */
  readonly keyProofMs: number;
  /** The two tenants of the isolation canary, and how often it looks. Null: it does not. */
  readonly canary: { readonly tenantKeys: readonly [string, string]; readonly everyMs: number } | null;
  readonly door: DoorSettings;
  /** Null: people do not come in by OIDC. */
  readonly oidc: OidcSettings | null;
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
    requestsMax: values.LOCI_REQUESTS_MAX,
    role: values.LOCI_ROLE,
    engineRetentionMs: values.LOCI_ENGINE_RETENTION_HOURS * 3_600_000,
    auditRetentionMs:
      values.LOCI_AUDIT_RETENTION_DAYS === undefined ? null : values.LOCI_AUDIT_RETENTION_DAYS * 86_400_000,
    encryptionKeys: values.LOCI_ENCRYPTION_KEY ?? null,
    encryptionKeyFiles: values.LOCI_ENCRYPTION_KEY_FILE ?? null,
    keyProofMs: values.LOCI_KEY_PROOF_MINUTES * 60_000,
    canary:
      values.LOCI_CANARY_TENANTS === undefined || values.LOCI_CANARY_MINUTES === 0
        ? null
        : { tenantKeys: values.LOCI_CANARY_TENANTS, everyMs: values.LOCI_CANARY_MINUTES * 60_000 },
    door: doorSettingsOf(values),
    oidc: oidcSettingsOf(values),
    logLevel: values.LOG_LEVEL,
  };
}

/**
 * Whether this is in earnest: with a database of one's own choice, and a Mem0 that is not on this machine. What answers on
 * the loopback is the emulator, in a process of its own.
 */
export function isProduction({ databaseUrl, mem0 }: Pick<Config, "databaseUrl" | "mem0">): boolean {
  if (databaseUrl === null || mem0 === null) return false;
  return !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(mem0.baseUrl).hostname);
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
