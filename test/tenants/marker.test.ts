import { describe, expect, it } from "vitest";
import { bearsMarker, displayNameMax, markerLength, markerOf, withMarker } from "../../src/tenants/marker.ts";

const secret = Buffer.alloc(20, 0x0b);
const marker = markerOf(secret, "res_1");

describe("markerOf", () => {
  it("is the first 80 bits of HMAC-SHA-256 in base32: test case 1 of RFC 4231", () => {
    // The RFC's MAC begins with b0344c61d8db38535ca8; coded in base32 by another program than ours.
    expect(markerOf(secret, "Hi There")).toBe("WA2EYYOY3M4FGXFI");
  });

  it("always has sixteen letters or digits of base32, also where the bits begin with zeros", () => {
    for (let number = 0; number < 500; number++) {
      expect(markerOf(secret, `res_${number}`)).toMatch(/^[A-Z2-7]{16}$/);
    }
    expect(markerLength).toBe(16);
  });

  it("is the same for the same resource, and another for another resource or another installation", () => {
    expect(markerOf(secret, "res_1")).toBe(marker);
    expect(markerOf(secret, "res_2")).not.toBe(marker);
    expect(markerOf(Buffer.alloc(20, 0x0c), "res_1")).not.toBe(marker);
  });
});

describe("withMarker", () => {
  it("puts the marker behind the name", () => {
    expect(withMarker("Acme Inc.", marker)).toBe(`Acme Inc. ·${marker}`);
  });

  it("cuts a long name by code points, never through a character", () => {
    const name = "🦊".repeat(displayNameMax + 55);
    expect(withMarker(name, marker)).toBe(`${"🦊".repeat(displayNameMax)} ·${marker}`);
  });

  it("keeps a name of just the limit whole, and stays within 255 code points", () => {
    const name = "x".repeat(displayNameMax);
    expect(withMarker(name, marker)).toBe(`${name} ·${marker}`);
    expect([...withMarker(`${name}y`, marker)].length).toBeLessThanOrEqual(255);
  });

  it("leaves no double space where the cut falls behind a word", () => {
    const name = `${"x".repeat(displayNameMax - 1)} tail`;
    expect(withMarker(name, marker)).toBe(`${"x".repeat(displayNameMax - 1)} ·${marker}`);
  });
});

describe("bearsMarker", () => {
  it.each(["Acme Inc.", "", "🦊".repeat(300), "Acme ·", marker])(
    "finds what withMarker put behind %j",
    (name) => {
      expect(bearsMarker(withMarker(name, marker), marker)).toBe(true);
    },
  );

  it("finds it when the upstream added white space behind it", () => {
    expect(bearsMarker(`Acme ·${marker} \n`, marker)).toBe(true);
  });

  it.each([
    ["nothing", null],
    ["an empty text", ""],
    ["a name without a marker", "Acme Inc."],
    ["another resource's marker", `Acme ·${markerOf(secret, "res_2")}`],
    ["the marker in the middle", `Acme ·${marker} and more`],
    ["the marker in small letters", `Acme ·${marker.toLowerCase()}`],
    ["the marker without its dot", `Acme ${marker}`],
    ["a part of the marker", `Acme ·${marker.slice(1)}`],
    ["the marker with a character more", `Acme ·${marker}A`],
    ["the bare marker", marker],
    ["a longer character in the dot's place", `Acme 🦊${marker}`],
  ])("does not find it in %s", (_what, text) => {
    expect(bearsMarker(text, marker)).toBe(false);
  });
});
