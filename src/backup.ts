import path from "node:path";
import { parseArgs } from "node:util";
import { adminTokenFile } from "./access/admin-token.ts";
import { encryptionKeyFile } from "./access/encryption-key.ts";
import { type Config, readConfig } from "./config.ts";
import { backUpDataFolder } from "./database/back-up-data-folder.ts";
import { BackupRefused, type Manifest } from "./database/backup-manifest.ts";
import { restoreDataFolder } from "./database/restore-data-folder.ts";
import { sentenceFor } from "./start-faults.ts";

/** `npm run backup`: copies the data folder, or puts a copy into an empty one. */

const usage = `Usage: npm run backup -- [--to <folder>]       back up the data folder; Loci may run meanwhile
       npm run backup -- --restore <folder>    put a backup into an empty data folder`;

/** The journal of the built-in emulator: what stands for Mem0 where no Mem0 is configured. */
const journalFile = "emulator.journal";

interface Order {
  readonly to: string | undefined;
  readonly restore: string | undefined;
}

function readOrder(): Order {
  try {
    const { values } = parseArgs({ options: { to: { type: "string" }, restore: { type: "string" } } });
    if (values.to !== undefined && values.restore !== undefined) throw new Error("One of the two, not both.");
    return { to: values.to, restore: values.restore };
  } catch (error) {
    throw new BackupRefused(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

/** Beside the data folder, and not where somebody happens to stand: it holds secrets. */
function defaultTarget(dataDir: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  return path.join(`${path.resolve(dataDir)}-backups`, `${time}Z`);
}

function megabytes({ files }: Manifest): string {
  return `${(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1_000_000).toFixed(0)} MB`;
}

async function backUp(config: Config, to: string, signal: AbortSignal): Promise<string> {
  const journal = config.mem0 === null ? [journalFile] : [];
  const besides = [adminTokenFile, encryptionKeyFile, ...journal];
  const manifest = await backUpDataFolder({ dataDir: config.dataDir, to, besides, signal });
  const has = (name: string) => manifest.files.some((file) => file.path === name);
  return [
    `Backed up ${path.resolve(config.dataDir)} to ${to}`,
    `  ${manifest.files.length} files, ${megabytes(manifest)}, each read again and found whole; Loci ${manifest.isOnline ? "went on running" : "was stopped"} meanwhile.`,
    "  Keep it like a password. In the clear it holds:",
    "  - the database: every tenant with its members' e-mails and webhooks' URLs, and the secret of the markers",
    "  - the password of the embedded Postgres",
    ...(has(adminTokenFile) ? ["  - the admin token"] : []),
    ...(has(encryptionKeyFile) ? ["  - the key that opens the sealed API keys in the database"] : []),
    ...(has(journalFile) ? ["  - everything in the built-in emulator, its API keys included"] : []),
    "  It does not hold MEM0_API_KEY, nor anything else of the environment.",
    "Restore it, with LOCI_DATA_DIR naming a folder that is empty:",
    `  npm run backup -- --restore ${to}`,
    "  npm start -- --after-restore",
    "",
  ].join("\n");
}

async function restore(config: Config, from: string): Promise<string> {
  const manifest = await restoreDataFolder(path.resolve(from), config.dataDir);
  return [
    `Put the backup of ${manifest.takenAt} into ${path.resolve(config.dataDir)}: ${manifest.files.length} files, ${megabytes(manifest)}, each as it was.`,
    "Its database believes in that time. Start it the first time so, or what was under way then is done again blindly:",
    "  npm start -- --after-restore",
    "",
  ].join("\n");
}

async function main(): Promise<void> {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () =>
      stopping.abort(new BackupRefused("The backup was broken off; nothing is left of it.")),
    );
  }
  const order = readOrder();
  const config = readConfig();
  if (config.databaseUrl !== null) {
    throw new BackupRefused(
      "DATABASE_URL is set, and that database is not ours to copy: back it up with pg_dump or with what its provider offers, schemas public and dbos together.",
    );
  }
  const told =
    order.restore === undefined
      ? await backUp(config, path.resolve(order.to ?? defaultTarget(config.dataDir)), stopping.signal)
      : await restore(config, order.restore);
  process.stdout.write(told);
}

await main().catch((error: unknown) => {
  const sentence = error instanceof BackupRefused ? error.message : sentenceFor(error);
  process.stderr.write(`${sentence ?? (error instanceof Error ? error.stack : String(error))}\n`);
  process.exitCode = 1;
});
