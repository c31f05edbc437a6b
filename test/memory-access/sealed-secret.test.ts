import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/memory-access/key-ring.ts";
import { CannotOpen, open, seal } from "../../src/memory-access/sealed-secret.ts";
import { Secret } from "../../src/memory-access/secret.ts";

const text = "m0-of-a-tenant-0123456789";
const old = randomBytes(32);
const ring = createKeyRing([old]);
const row = { purpose: "project-key", id: "key_1" } as const;

const sealed = () => seal(ring, new Secret(text), row);

describe("a sealed secret", () => {
  it("opens for the row and purpose that it was sealed for, also after it was stored as JSON", async () => {
    const stored: unknown = JSON.parse(JSON.stringify(await sealed()));
    expect((await open(ring, stored, row)).reveal()).toBe(text);
  });

  it("does not open in another row, nor for another purpose", async () => {
    const stored = await sealed();
    await expect(open(ring, stored, { ...row, id: "key_2" })).rejects.toThrow(CannotOpen);
    await expect(open(ring, stored, { ...row, purpose: "account-key" })).rejects.toThrow(CannotOpen);
  });

  it("does not open in another row whose text was forged with it", async () => {
    const aad = Buffer.from("loci:project-key:key_2").toString("base64url");
    await expect(open(ring, { ...(await sealed()), aad }, { ...row, id: "key_2" })).rejects.toThrow(
      CannotOpen,
    );
  });

  it.each(["ciphertext", "tag", "iv", "encrypted_key", "protected"] as const)(
    "does not open when its %s was changed",
    async (part) => {
      const stored = await sealed();
      const other = await sealed();
      await expect(open(ring, { ...stored, [part]: other[part] }, row)).rejects.toThrow(CannotOpen);
    },
  );

  it("is another text each time, and holds nothing readable", async () => {
    const [one, other] = [await sealed(), await sealed()];
    expect(one.ciphertext).not.toBe(other.ciphertext);
    expect(JSON.stringify(one)).not.toContain(text);
    const header: unknown = JSON.parse(Buffer.from(one.protected, "base64url").toString());
    expect(header).toMatchObject({ alg: "A256GCMKW", enc: "A256GCM", kid: ring.sealing.id });
  });

  it("opens by a ring that seals with another key by now, and not by one that lost its key", async () => {
    const stored = await sealed();
    const fresh = randomBytes(32);
    const rotated = createKeyRing([fresh, old]);
    expect((await open(rotated, stored, row)).reveal()).toBe(text);
    expect((await seal(rotated, new Secret(text), row)).protected).not.toBe(stored.protected);
    await expect(open(createKeyRing([fresh]), stored, row)).rejects.toThrow(/LOCI_ENCRYPTION_KEY/);
  });

  it.each([null, "text", {}, { ciphertext: "a" }])("is not %j", async (stored) => {
    await expect(open(ring, stored, row)).rejects.toThrow(CannotOpen);
  });
});

describe("a key ring", () => {
  it("takes keys of 32 bytes, and at least one", () => {
    expect(() => createKeyRing([])).toThrow(RangeError);
    expect(() => createKeyRing([randomBytes(31)])).toThrow(RangeError);
  });
});

describe("a secret", () => {
  it("is shown by nothing but reveal", () => {
    const secret = new Secret(text);
    const shown = [
      ...[secret.toString(), String(secret), JSON.stringify({ secret }), inspect(secret)],
      ...[inspect({ deep: { secret } }, { showHidden: true }), JSON.stringify(Object.values(secret))],
    ];
    for (const way of shown) expect(way).not.toContain("m0-");
    expect(shown.slice(0, 4)).toEqual(["[secret]", "[secret]", '{"secret":"[secret]"}', "[secret]"]);
    expect(secret.reveal()).toBe(text);
  });
});
