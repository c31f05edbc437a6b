import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encryptionKeyFile, keepEncryptionKey, readEncryptionKey } from "../../src/access/encryption-key.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";

describe("the key-encryption key of a data folder", () => {
  let folder: string;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    ({ path: folder, remove } = await makeTemporaryFolder("loci-encryption-"));
  });

  afterEach(() => remove());

  it("is made once, 32 bytes long, and nobody else may read it", async () => {
    expect(await readEncryptionKey(folder)).toBeNull();
    const key = await keepEncryptionKey(folder);
    expect(key).toHaveLength(32);
    expect(await keepEncryptionKey(folder)).toEqual(key);
    expect(await readEncryptionKey(folder)).toEqual(key);
    const { mode } = await stat(path.join(folder, encryptionKeyFile));
    expect(mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual([encryptionKeyFile]);
  });

  it("is never replaced by another, not even when what is kept can be none", async () => {
    const file = path.join(folder, encryptionKeyFile);
    for (const text of ["", "dG9vIHNob3J0\n"]) {
      await writeFile(file, text);
      await expect(keepEncryptionKey(folder)).rejects.toThrow(/32 bytes/);
      expect(await readFile(file, "utf8")).toBe(text);
    }
  });
});
