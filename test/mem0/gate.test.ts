import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createOrganization } from "../../src/mem0/organizations.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

/** Leave to write upstream, as a lease gives and takes it. */
class TestGate {
  isShut = false;
  tenure = new AbortController();

  isOpen(): boolean {
    return !this.isShut;
  }

  get signal(): AbortSignal {
    return this.tenure.signal;
  }
}

let server: ScriptedServer;
let mem0: Mem0;
let gate: TestGate;

beforeEach(async () => {
  server = await startScriptedServer();
  gate = new TestGate();
  mem0 = openClient(server, { gate, connections: 1 });
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

const create = (name: string) => createOrganization(mem0, { name });

describe("a client with a gate", () => {
  test("sends nothing while it is shut, and says that nothing left", async () => {
    gate.isShut = true;
    expect(await failureOf(create("Acme"))).toMatchObject({ reason: "aborted", mayHaveHappened: false });
    expect(server.seen).toEqual([]);
    gate.isShut = false;
    server.answer(201, { org_id: "org_1" });
    await create("Acme");
    expect(server.seen).toHaveLength(1);
  });

  test("asks in the moment of the sending: what waited for a connection when it was shut never leaves", async () => {
    let answerFirst = () => {};
    server.react((response) => {
      answerFirst = () =>
        void response.writeHead(201, { "content-type": "application/json" }).end('{"org_id":"org_1"}');
    });
    const first = create("First");
    await server.seenAtLeast(1);
    const second = failureOf(create("Second"));
    gate.isShut = true;
    answerFirst();
    await first;
    expect(await second).toMatchObject({ reason: "aborted", mayHaveHappened: false });
    expect(server.seen).toHaveLength(1);
  });

  test("breaks off what is under way when the hold ends, and sends again under the next one", async () => {
    server.react(() => {});
    const broken = failureOf(create("Acme"));
    await server.seenAtLeast(1);
    gate.tenure.abort(new Error("lost"));
    expect(await broken).toMatchObject({ reason: "aborted", mayHaveHappened: true });
    gate.tenure = new AbortController();
    server.answer(201, { org_id: "org_2" });
    expect(await create("Acme")).toMatchObject({ orgId: "org_2" });
  });
});
