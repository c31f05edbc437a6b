import { chmod, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adminTokenFile, bearerOf, keepAdminToken, tokenCheck } from "../../src/access/admin-token.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";

describe("keepAdminToken", () => {
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
  let file: string;

  beforeEach(async () => {
    folder = await makeTemporaryFolder("loci-token-");
    file = path.join(folder.path, adminTokenFile);
  });

  afterEach(async () => {
    await folder.remove();
  });

  it("makes a token once, which its owner alone may read, and answers it ever after", async () => {
    const token = await keepAdminToken(folder.path);
    // 256 bits in base64url are 43 characters.
    expect(token).toMatch(/^loci_admin_[\w-]{43}$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await keepAdminToken(folder.path)).toBe(token);
    expect(await readdir(folder.path)).toEqual([adminTokenFile]);
  });

  it("makes another one in another folder", async () => {
    const other = await makeTemporaryFolder("loci-token-");
    try {
      expect(await keepAdminToken(other.path)).not.toBe(await keepAdminToken(folder.path));
    } finally {
      await other.remove();
    }
  });

  it("takes a token that somebody put there, with the end of its line", async () => {
    await writeFile(file, "one-of-my-own-making\n");
    expect(await keepAdminToken(folder.path)).toBe("one-of-my-own-making");
  });

  it("makes the token when a crash has left an unfinished one beside it", async () => {
    await writeFile(`${file}.new`, "loci_admin_unfini");
    // Whatever mode it had.
    await chmod(`${file}.new`, 0o644);
    const token = await keepAdminToken(folder.path);
    expect(token).not.toContain("unfini");
    expect(await readFile(file, "utf8")).toBe(`${token}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("refuses a file that cannot be a token, instead of letting nobody in or anybody", async () => {
    await writeFile(file, "two words\n");
    await expect(keepAdminToken(folder.path)).rejects.toThrow(/16 or more/);
    await writeFile(file, "x\n");
    await expect(keepAdminToken(folder.path)).rejects.toThrow(/16 or more/);
  });

  it("fails when the file cannot be read", async () => {
    // Root may read everything that can be read; a link to itself cannot.
    await symlink(file, file);
    await expect(keepAdminToken(folder.path)).rejects.toThrow(/ELOOP/);
  });
});

describe("bearerOf and tokenCheck", () => {
  const isToken = tokenCheck("the-very-token!~");
  const isAllowed = (header: string | undefined) => {
    const given = bearerOf(header);
    return given !== null && isToken(given);
  };

  it.each(["Bearer the-very-token!~", "bearer the-very-token!~", "BEARER   the-very-token!~"])(
    "lets %j in",
    (header) => {
      expect(isAllowed(header)).toBe(true);
    },
  );

  it.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "the-very-token!~",
    "Bearerthe-very-token!~",
    "Basic the-very-token!~",
    "Bearer the-very-token!",
    "Bearer the-very-token!~~",
    "Bearer The-very-token!~",
    "Bearer the-very-token!~ x",
    "Bearer x the-very-token!~",
    " Bearer the-very-token!~",
    "Bearer the-very-token!~\nx",
  ])("keeps %j out", (header) => {
    expect(isAllowed(header)).toBe(false);
  });
});
