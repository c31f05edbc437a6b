import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askDns } from "../../src/urls/ask-dns.ts";
import { resolvePublic } from "../../src/urls/resolve-public.ts";
import { addressIn, dotted, groups, hiddenV4, hiddenV6, publicV4, publicV6 } from "./blocks.ts";
import { type NameServer, startNameServer } from "./name-server.ts";

let names: NameServer;

beforeAll(async () => {
  names = await startNameServer();
});
afterAll(() => names.close());

/** Answers one list after the other. */
function rebinding(...answers: readonly (readonly string[])[]) {
  let asked = 0;
  return {
    resolve: async () => answers[asked++] ?? [],
    get asked() {
      return asked;
    },
  };
}

describe("a name", () => {
  it("is resolved once, and the answer carries the very address that was judged", async () => {
    const resolver = rebinding(["93.184.216.34"], ["127.0.0.1"]);
    expect(await resolvePublic("acme.test", resolver.resolve)).toEqual({
      is: "public",
      address: "93.184.216.34",
    });
    expect(resolver.asked).toBe(1);
  });

  it("is judged anew at every use, so that what is bound to another address later is refused", async () => {
    const { resolve } = rebinding(["93.184.216.34"], ["127.0.0.1"]);
    expect(await resolvePublic("acme.test", resolve)).toMatchObject({ is: "public" });
    expect(await resolvePublic("acme.test", resolve)).toEqual({ is: "hidden" });
  });

  it("is hidden as soon as one of its addresses is not public, wherever that stands", async () => {
    const four = fc.oneof(...hiddenV4.map(addressIn)).map(dotted);
    const six = fc.oneof(...hiddenV6.map(addressIn)).map(groups);
    const fine = fc.array(fc.oneof(publicV4.map(dotted), publicV6.map(groups)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fine, fc.oneof(four, six), fine, async (before, hidden, after) => {
        const resolve = async () => [...before, hidden, ...after];
        expect(await resolvePublic("acme.test", resolve)).toEqual({ is: "hidden" });
      }),
    );
  });

  it("that has no address is unresolved", async () => {
    expect(await resolvePublic("acme.test", async () => [])).toEqual({ is: "unresolved" });
  });
});

describe("askDns", () => {
  it("answers all addresses of both families, and asks anew each time", async () => {
    const six = "2606:4700:0:0:0:0:0:1";
    names.tell("both.test", ["1.1.1.1", "1.0.0.1", six]);
    expect(await askDns("both.test")).toEqual(["1.1.1.1", "1.0.0.1", "2606:4700::1"]);
    names.tell("both.test", ["10.0.0.1"]);
    expect(await askDns("both.test")).toEqual(["10.0.0.1"]);
  });

  it("answers none for a name that there is not, and asks no other name for it", async () => {
    expect(await askDns("nowhere.test")).toEqual([]);
    const asked = names.asked.filter((name) => name.startsWith("nowhere"));
    expect(new Set(asked)).toEqual(new Set(["nowhere.test"]));
  });

  it("asks once for all who ask at the same time, and not soon again for what could not be resolved", async () => {
    names.tell("many.test", ["1.1.1.1"]);
    const all = await Promise.all(Array.from({ length: 50 }, () => askDns("many.test")));
    expect(all).toEqual(Array.from({ length: 50 }, () => ["1.1.1.1"]));
    expect(names.asked.filter((name) => name === "many.test")).toHaveLength(1);
    expect(await askDns("never.test")).toEqual([]);
    expect(await askDns("never.test")).toEqual([]);
    expect(names.asked.filter((name) => name === "never.test")).toHaveLength(1);
  });

  it("gives up on a silent name server within 2 s", async () => {
    names.keepSilentAbout("silent.test");
    const startedAt = performance.now();
    expect(await askDns("silent.test")).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });
});
