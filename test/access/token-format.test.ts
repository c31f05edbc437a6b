import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeToken, readToken, tokenKinds, tokenPattern } from "../../src/access/token-format.ts";
import { newId } from "../../src/tenants/ids.ts";
import { base62Value, partsOf, withChecksum } from "./token-text.ts";

const aToken = fc.constantFrom(...tokenKinds).map((kind) => makeToken({ kind, id: newId("tok") }));
const aCharacter = fc.oneof(
  fc.constantFrom(..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);

describe("a token", () => {
  it.each(tokenKinds)("of the kind %s says what it is and of which row", (kind) => {
    const id = newId("tok");
    const token = makeToken({ kind, id });
    expect(token).toMatch(tokenPattern);
    expect(token.startsWith(`loci_${kind}_${id.slice("tok_".length)}_`)).toBe(true);
    expect(readToken(token)).toEqual({ kind, id });
  });

  it("holds 256 random bits, another 256 each time", () => {
    const id = newId("tok");
    const secrets = Array.from({ length: 2_000 }, () =>
      base62Value(partsOf(makeToken({ kind: "tenant", id })).secret),
    );
    expect(new Set(secrets).size).toBe(secrets.length);
    for (let bit = 0n; bit < 256n; bit += 1n) {
      const ones = secrets.filter((secret) => (secret >> bit) & 1n).length;
      // Eight standard deviations from the half: never by chance, always for a bit that stands still.
      expect(Math.abs(ones - 1_000), `bit ${bit}`).toBeLessThan(179);
    }
    expect(secrets.every((secret) => secret < 1n << 256n)).toBe(true);
  });

  it("bears a checksum that anybody can check without asking us", () => {
    const token = makeToken({ kind: "auditor", id: newId("tok") });
    expect(withChecksum(token.slice(0, -6))).toBe(token);
  });

  it("is not read when a character of it is another one", () => {
    fc.assert(
      fc.property(aToken, fc.nat(), aCharacter, (token, at, character) => {
        const place = at % token.length;
        fc.pre(token.charAt(place) !== character);
        expect(readToken(`${token.slice(0, place)}${character}${token.slice(place + 1)}`)).toBeNull();
      }),
      { numRuns: 5_000 },
    );
  });

  it("is not read when a character of it is missing, twice there, or has changed places with the next", () => {
    fc.assert(
      fc.property(aToken, fc.nat(), (token, at) => {
        const place = at % (token.length - 1);
        const [one, next] = [token.charAt(place), token.charAt(place + 1)];
        expect(readToken(token.slice(0, place) + token.slice(place + 1))).toBeNull();
        expect(readToken(token.slice(0, place) + one + token.slice(place))).toBeNull();
        fc.pre(one !== next);
        expect(readToken(token.slice(0, place) + next + one + token.slice(place + 2))).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  it("is not read with anything before or behind it", () => {
    const token = makeToken({ kind: "admin", id: newId("tok") });
    for (const text of [` ${token}`, `${token} `, `${token}\n`, `x${token}`, token.toUpperCase(), ""])
      expect(readToken(text)).toBeNull();
  });

  it.each(["", "tok_", "tok_short", newId("tnt"), `${newId("tok")}x`, newId("tok").toUpperCase()])(
    "is not made of the id %j, which is none of a token's row",
    (id) => {
      expect(() => makeToken({ kind: "admin", id })).toThrow(RangeError);
    },
  );
});
