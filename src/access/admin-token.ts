import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** The file in the data folder that keeps the admin token. */
export const adminTokenFile = "admin-token";

/**
 * The admin token that the data folder keeps: 256 random bits, made at the first call (file mode 0600), the same ever
 * after. Only one process may hold the folder.
 * @throws when the file can be neither read nor written, or holds something that cannot be a token
 */
export async function keepAdminToken(dataDir: string): Promise<string> {
  const file = path.join(dataDir, adminTokenFile);
  const kept = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const token = kept.trim();
  if (token !== "") {
    // The rules of LOCI_ADMIN_TOKEN. A token with a space in it could not be sent, and a short one could be guessed.
    if (/^[\x21-\x7e]{16,}$/.test(token)) return token;
    throw new Error(
      "what is there is not a token of 16 or more printable characters; remove it to have one made",
    );
  }
  return makeToken(file);
}

async function makeToken(file: string): Promise<string> {
  const token = `loci_admin_${randomBytes(32).toString("base64url")}`;
  // A file that is there keeps its mode when it is written, hence the removal. Renamed into place, so that a crash
  // leaves a whole token or none.
  await rm(`${file}.new`, { force: true });
  await writeFile(`${file}.new`, `${token}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return token;
}

/** The bearer token of an `Authorization` header. Null: it carries none. */
export function bearerOf(authorization: string | undefined): string | null {
  const [, given = null] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "") ?? [];
  return given;
}

/** Answers whether a text is this very token, in a time that does not tell how much of it fits. */
export function tokenCheck(token: string): (given: string) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}
