import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeUrl } from "../../src/urls/judge-url.ts";
import { isPublicAddress } from "../../src/urls/public-address.ts";
import {
  addressIn,
  block,
  dotted,
  groups,
  hiddenV4,
  hiddenV6,
  oddSpellings,
  publicV4,
  publicV6,
  spellingsV6,
} from "./blocks.ts";

const strict = { allowsLoopback: false };
const development = { allowsLoopback: true };
const notPublic = { isAllowed: false, why: "Must not lead to an address that is not public." };

const judge = (text: string) => judgeUrl(text, strict);

describe("an address that is not public", () => {
  it.each(hiddenV4)("is refused in every spelling (IPv4, $base/$prefix)", (hidden) => {
    fc.assert(
      fc.property(addressIn(hidden), (address) => {
        expect(isPublicAddress(dotted(address))).toBe(false);
        for (const host of [dotted(address), ...oddSpellings(address)]) {
          expect({ host, ...judge(`https://${host}:8443/hook?a=b`) }).toEqual({ host, ...notPublic });
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each(hiddenV6)("is refused in every spelling (IPv6, $base/$prefix)", (hidden) => {
    fc.assert(
      fc.property(addressIn(hidden), (address) => {
        expect(isPublicAddress(groups(address))).toBe(false);
        for (const host of spellingsV6(address)) {
          expect({ host, ...judge(`https://[${host}]/hook`) }).toEqual({ host, ...notPublic });
        }
      }),
      { numRuns: 30 },
    );
  });

  it("stays refused inside of IPv6, and a public one is refused there, too", () => {
    const any = addressIn(block("0.0.0.0/0"));
    fc.assert(
      fc.property(any, (address) => {
        const [high, low] = [(address >> 16n).toString(16), (address & 0xffffn).toString(16)];
        const inside = [`::ffff:${dotted(address)}`, `::${dotted(address)}`, `64:ff9b::${dotted(address)}`];
        inside.push(`64:ff9b:1::${high}:${low}`, `2002:${high}:${low}::1`, `2001:0:${high}:${low}::1`);
        for (const host of inside)
          expect({ host, ...judge(`https://[${host}]/`) }).toEqual({ host, ...notPublic });
      }),
    );
  });

  it.each([
    ...["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "127.0.0.1.", "１２７.0.0.1", "169.254.169.254"],
    ...["[::]", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]"],
  ])("is refused in the best known spellings (%s)", (host) => {
    expect(judge(`https://${host}/`)).toEqual(notPublic);
  });
});

describe("a public address", () => {
  it("passes, and has no name to resolve", () => {
    fc.assert(
      fc.property(publicV4, publicV6, (four, six) => {
        expect(judge(`https://${dotted(four)}/`)).toEqual({ isAllowed: true, name: null });
        for (const host of spellingsV6(six)) {
          expect({ host, ...judge(`https://[${host}]:8443/`) }).toEqual({
            host,
            isAllowed: true,
            name: null,
          });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is refused where others could read its spelling as another address", () => {
    fc.assert(
      fc.property(publicV4, (address) => {
        for (const host of oddSpellings(address)) expect(judge(`https://${host}/`).isAllowed).toBe(false);
      }),
      { numRuns: 30 },
    );
  });
});

describe("a name", () => {
  it.each([
    ["https://acme.test/hook", "acme.test"],
    ["https://Hooks.ACME.test:8443/a@b?c=d%20e", "hooks.acme.test"],
    ["HTTPS://acme.test", "acme.test"],
    ["https://acme.test./", "acme.test"],
    ["https://acme.test:443/", "acme.test"],
    ["https://xn--bcher-kva.example/", "xn--bcher-kva.example"],
    ["https://a_b.acme.test/", "a_b.acme.test"],
    ["https://local.test/", "local.test"],
    ["https://mylocalhost.test/", "mylocalhost.test"],
    ["https://x.notinternal/", "x.notinternal"],
  ])("of the internet passes and is to be resolved (%s)", (text, name) => {
    expect(judge(text)).toEqual({ isAllowed: true, name });
  });

  it.each([
    ...[
      "localhost",
      "LOCALHOST",
      "localhost.",
      "a.localhost",
      "printer.local",
      "db.internal",
      "db.internal.",
    ],
    ...["metadata.google.internal", "nas.home.arpa", "home.arpa", "intranet", "com", "local"],
    ...["l%6fcalhost", "ｌocalhost", "printer。local"],
  ])("of a local net is refused (%s)", (host) => {
    expect(judge(`https://${host}/`)).toEqual({
      isAllowed: false,
      why: "Must not have a host whose name means something in a local net only.",
    });
  });

  it.each([
    "a..test",
    "acme.test..",
    ".acme.test",
    "-a.test",
    "a-.test",
    `${"a".repeat(64)}.test`,
    "a*b.test",
  ])("that cannot be one is refused (%s)", (host) => {
    expect(judge(`https://${host}/`).isAllowed).toBe(false);
  });

  it.each(["bücher.example", "acme。test", "ａcme.test", "acme%2etest", "faß.test", "ac\u00adme.test"])(
    "is refused where others could read another one (%s)",
    (host) => {
      expect(judge(`https://${host}/`)).toMatchObject({ isAllowed: false });
    },
  );
});

describe("the text of a URL", () => {
  it.each([
    ...[
      "http://acme.test/",
      "ftp://acme.test/",
      "javascript:alert(1)",
      "file:///etc/passwd",
      "acme.test/hook",
    ],
    ...["https:acme.test", "https:/acme.test", "https:///acme.test", "//acme.test", "https://", ""],
    ...["https://acme.test\\@169.254.169.254/", "https://acme.test/a\\b", " https://acme.test/"],
    ...["https://acme.test/ ", "https://acme.test/a b", "https://ac\tme.test/", "https://acme.test/\u0000"],
    ...["https://acme.test/\ud800", "https://acme.test/\r\nX: y", "https://acme.test:99999/"],
    ...[
      "https://ada@acme.test/",
      "https://:pw@acme.test/",
      "https://@acme.test/",
      "https://acme.test@10.0.0.1/",
    ],
    ...["https://acme.test/#", "https://acme.test/#a", "https://acme.test#@10.0.0.1/"],
    `https://acme.test/${"h".repeat(1_983)}`,
  ])("is refused (%j), with a sentence that does not repeat it", (text) => {
    const verdict = judge(text);
    expect(verdict.isAllowed).toBe(false);
    expect(judgeUrl(text, development).isAllowed).toBe(false);
    if (!verdict.isAllowed) expect(verdict.why).not.toMatch(/acme|ada|pw|10\.0/);
  });

  it("may have 2000 characters", () => {
    expect(judge(`https://acme.test/${"h".repeat(1_982)}`).isAllowed).toBe(true);
  });

  it("never passes with another host than the one that stands in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (tail) => {
        const text = `https://acme.test${tail}`;
        const verdict = judge(text);
        if (!verdict.isAllowed || verdict.name === null) return;
        const authority = /^https:\/\/([^/?]*)/.exec(text.toLowerCase())?.[1] ?? "";
        expect(authority.replace(/\.?(:\d*)?$/, "")).toBe(verdict.name);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("loopback", () => {
  const here = [
    "http://localhost:9/x",
    "http://127.0.0.1:9/",
    "http://[::1]/",
    "https://localhost/",
    "http://127.8.9.1/",
  ];

  it.each(here)("passes in development alone, by http too (%s)", (text) => {
    expect(judgeUrl(text, development)).toEqual({ isAllowed: true, name: null });
    expect(judge(text).isAllowed).toBe(false);
  });

  it.each([
    ...["http://10.0.0.1/", "https://10.0.0.1/", "http://a.localhost/", "http://0.0.0.0/", "http://127.1/"],
    ...[
      "https://[::ffff:127.0.0.1]/",
      "https://[::127.0.0.1]/",
      "http://ada@localhost/",
      "http://localhost/#a",
    ],
    ...["http://%6cocalhost/", "http://1.1.1.1/", "https://169.254.169.254/"],
  ])("is all that development adds (%s)", (text) => {
    expect(judgeUrl(text, development).isAllowed).toBe(false);
  });
});
