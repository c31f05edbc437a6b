import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { remember } from "./remember.ts";
import { Rig } from "./rig.ts";

interface Entity {
  readonly id: string;
  readonly name: string;
}

async function entities(rig: Rig): Promise<readonly Entity[]> {
  return ((await rig.call("GET", "/v1/entities/")).body as { results: Entity[] }).results;
}

describe("the journal", () => {
  it("keeps memories, history, entities and events", async () => {
    const folder = mkdtempSync(join(tmpdir(), "emulator-memories-"));
    try {
      const journalPath = join(folder, "journal");
      const first = await startEmulator({ journalPath });
      const id = await remember(new Rig(first.url, first.apiKey), "Likes tea");
      await first.close();
      const second = await startEmulator({ journalPath });
      const client = new Rig(second.url, second.apiKey);
      try {
        expect((await client.call("GET", `/v1/memories/${id}/`)).body).toMatchObject({ memory: "Likes tea" });
        expect((await client.call("GET", `/v1/memories/${id}/history/`)).body).toHaveLength(1);
        expect(await entities(client)).toMatchObject([{ name: "alice" }]);
        expect((await client.call("GET", "/v1/events/")).body).toMatchObject({ count: 1 });
      } finally {
        await second.close();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
