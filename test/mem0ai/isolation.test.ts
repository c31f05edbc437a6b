import { existsSync, readdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { clientOf, home, invoke, mem0ai, origins, remember, sent, startClient } from "./client.ts";

const mutable: Record<string, string | undefined> = process.env;

afterAll(() => {
  for (const name of ["MEM0_CLIENT_STACK", "MEM0_SOURCE", "MEM0_APPLICATION"]) delete mutable[name];
});

describe("the package", () => {
  it("exports its client by name and by default, the same one", () => {
    expect(mem0ai.default).toBe(mem0ai.MemoryClient);
  });

  it.each([
    [{}, "Mem0 API key is required"],
    [{ apiKey: 7 }, "Mem0 API key must be a string"],
    [{ apiKey: "  " }, "Mem0 API key cannot be empty"],
  ])("refuses to make a client of %j, and sends nothing", (options, message) => {
    const before = sent.length;
    expect(() => Reflect.construct(mem0ai.MemoryClient, [options]) as unknown).toThrow(message);
    expect(sent).toHaveLength(before);
  });
});

describe("with telemetry off the client", () => {
  it("speaks to the emulator and to nobody else, whatever is called, and writes nothing into the home folder", async () => {
    const { rig, client } = await startClient();
    const before = origins.length;
    const memoryId = await remember(client, "Likes chess");
    await client.search("chess", { filters: { user_id: "alice" } });
    await client.update(memoryId, { text: "Likes go" });
    await client.updateProject({ customInstructions: "brief" });
    await client.getProfileSettings();
    await client.deleteUsers();
    await invoke(client, "get", ["no such id"]).catch(() => null);
    expect(origins.length).toBeGreaterThan(before + 7);
    expect(new Set(origins)).toEqual(new Set(sent.map(({ url }) => new URL(url).origin)));
    expect(new Set(origins.slice(before))).toEqual(new Set([rig.url]));
    expect(existsSync(home)).toBe(true);
    expect(readdirSync(home)).toEqual([]);
  });
});

describe("the headers of the client", () => {
  it("are few at a ping, and more at every other call, also at one without a body", async () => {
    const { rig, client } = await startClient();
    const from = sent.length;
    await client.ping();
    await client.users();
    const [ping, users] = sent.slice(from);
    const common = { authorization: `Token ${rig.apiKey}`, "mem0-user-id": "platform@loci.test" };
    expect(ping?.headers).toEqual(common);
    expect(users?.headers).toEqual({
      ...common,
      "content-type": "application/json",
      "x-mem0-client": "mem0-js/3.3.1",
    });
  });

  it("that say who uses it are taken without effect", async () => {
    const { rig } = await startClient();
    Object.assign(mutable, {
      MEM0_CLIENT_STACK: "foo/1, bar/2",
      MEM0_SOURCE: "CLI",
      MEM0_APPLICATION: "tests",
    });
    const client = await clientOf(rig);
    expect(await client.users()).toMatchObject({ count: 0, results: [] });
    expect(sent.at(-1)?.headers).toMatchObject({
      "x-mem0-client": "foo/1, bar/2, mem0-js/3.3.1",
      "x-mem0-source": "CLI",
      "x-application": "tests",
    });
  });
});
