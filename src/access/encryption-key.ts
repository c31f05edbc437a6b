import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** The file in the data folder that keeps the key-encryption key of the embedded database. */
export const encryptionKeyFile = "encryption-key";

const keyBytes = 32;

/** A text of 64 hex digits is never base64 of 32 bytes, which has 43 or 44. */
const written = /^([0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=?|[A-Za-z0-9_-]{43}=?)$/;

/**
 * Key-encryption keys as people write them: 32 bytes each, in hex, base64 or base64url, with commas or lines between. Null: one
 * of them is something else.
 */
export function parseEncryptionKeys(text: string): readonly Uint8Array[] | null {
  const keys = text.trim().split(/\s*[,\n]\s*/);
  if (!keys.every((key) => written.test(key))) return null;
  return keys.map((key) => new Uint8Array(Buffer.from(key, key.length === 64 ? "hex" : "base64")));
}

/**
 * The keys of a file that somebody else keeps, such as one that a secret store mounts.
 * @throws when it cannot be read, or holds anything else. The message holds nothing of what it holds
 */
export async function readEncryptionKeyFile(file: string): Promise<readonly Uint8Array[]> {
  const keys = parseEncryptionKeys(await readFile(file, "utf8"));
  if (keys === null)
    throw new Error(`it does not hold keys of ${keyBytes} bytes in base64, base64url or hex`);
  return keys;
}

/**
 * The key-encryption key that the data folder keeps (file mode 0600), in base64 and 32 bytes long. Null: it keeps none. Only one
 * process may hold the folder.
 * @throws when the file cannot be read, or holds something that cannot be a key
 */
export async function readEncryptionKey(dataDir: string): Promise<Uint8Array | null> {
  const kept = await readFile(path.join(dataDir, encryptionKeyFile), "utf8").catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    },
  );
  if (kept === null) return null;
  const key = Buffer.from(kept.trim(), "base64");
  // Making another one instead would lose what this one sealed.
  if (key.length !== keyBytes) throw new Error(`what is there is not a key of ${keyBytes} bytes in base64`);
  return new Uint8Array(key);
}

/**
 * The same, made at the first call.
 * @throws when the file can be neither read nor written, or holds something that cannot be a key
 */
export async function keepEncryptionKey(dataDir: string): Promise<Uint8Array> {
  const kept = await readEncryptionKey(dataDir);
  if (kept !== null) return kept;
  const file = path.join(dataDir, encryptionKeyFile);
  const key = randomBytes(keyBytes);
  // A file that is there keeps its mode when it is written, hence the removal. Renamed into place, so that a crash
  // leaves a whole key or none.
  await rm(`${file}.new`, { force: true });
  await writeFile(`${file}.new`, `${key.toString("base64")}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return new Uint8Array(key);
}
