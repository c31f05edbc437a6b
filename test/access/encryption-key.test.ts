import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encryptionKeyFile, keepEncryptionKey, readEncryptionKey } from "../../src/access/encryption-key.ts";
import { openKeyRing } from "../../src/memories.ts";
import { CannotStart } from "../../src/start-faults.ts";
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

describe("key-encryption keys in files that somebody else keeps", () => {
  let folder: string;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    ({ path: folder, remove } = await makeTemporaryFolder("loci-encryption-"));
  });

  afterEach(() => remove());

  const keys = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
  const written = (...indexes: readonly number[]) =>
    indexes.map((index) => Buffer.from(keys[index] ?? []).toString(index % 2 === 0 ? "hex" : "base64"));

  async function fileOf(name: string, text: string): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  }

  const ringOf = (
    encryptionKeyFiles: readonly string[],
    databaseUrl: string | null = "postgres://db.test/loci",
  ) => openKeyRing({ databaseUrl, encryptionKeys: keys.slice(0, 1), encryptionKeyFiles }, folder);

  it("come after those of the environment, in the order of the files, and before the data folder's own", async () => {
    const files = [
      await fileOf("two", ` ${written(1).join("")}\n`),
      await fileOf("more", `${written(2, 3).join("\r\n")}\n`),
    ];
    const ring = await ringOf(files);
    expect(ring?.keys.map(({ bytes }) => bytes)).toEqual(keys);
    expect(ring?.sealing.bytes).toEqual(keys[0]);
    await writeFile(path.join(folder, encryptionKeyFile), Buffer.alloc(32, 5).toString("base64"));
    const embedded = await ringOf(files, null);
    expect(embedded?.keys.map(({ bytes }) => bytes[0])).toEqual([1, 2, 3, 4, 5]);
  });

  it("seal when the environment has none, and none is made in the data folder then", async () => {
    const config = { databaseUrl: null, encryptionKeys: null };
    const encryptionKeyFiles = [await fileOf("one", written(1).join(""))];
    const ring = await openKeyRing({ ...config, encryptionKeyFiles }, folder);
    expect(ring?.keys.map(({ bytes }) => bytes)).toEqual([keys[1]]);
    expect(await readdir(folder)).toEqual(["one"]);
  });

  it.each(["", "s3cret", `${"0".repeat(64)}\ns3cret`, `${"0".repeat(64)},`])(
    "keep Loci from starting when one holds %j, of which nothing is told",
    async (text) => {
      const opening = ringOf([await fileOf("bad", text)]);
      await expect(opening).rejects.toThrow(CannotStart);
      await expect(opening).rejects.toThrow(/LOCI_ENCRYPTION_KEY_FILE names .*bad/);
      await expect(opening).rejects.not.toThrow(/s3cret|000/);
    },
  );

  it("keep Loci from starting when one is not there", async () => {
    await expect(ringOf([path.join(folder, "none")])).rejects.toThrow(CannotStart);
  });
});
