import { describe, expect, it } from "vitest";
import {
  type Client,
  clientOf,
  invoke,
  mem0ai,
  remember,
  rowOf,
  rowsOf,
  seenDuring,
  startClient,
} from "./client.ts";
import type { Known, RecordedCase } from "./recorded-case.ts";
import { changingCases } from "./recorded-changes.ts";
import { placeCases } from "./recorded-places.ts";
import { readingCases } from "./recorded-reads.ts";

const cases = [...readingCases, ...changingCases, ...placeCases];

/** What the client calls for itself; the reason is why no case drives it. */
const notForCallers: Readonly<Record<string, string>> = {
  constructor: "every case makes a client",
  _validateApiKey: "part of the constructor",
  _resolveIdentity: "the constructor's ping, shared between clients",
  _awaitIdentity: "waits for that ping",
  _initializeClient: "sends that ping",
  _maybeAliasAnonToEmail: "telemetry, which is off",
  _captureEvent: "telemetry, which is off",
  _fetchRawJson: "every request of every case goes through it",
  _fetchWithErrorHandling: "the same, with its keys in camel case",
  _preparePayload: "part of add",
  _prepareParams: "part of delete, deleteAll and sampleProfiles",
  _settingsWithVerbatimSchema: "part of the settings of profiles",
};

async function knownTo(client: Client, ids: Pick<Known, "orgId" | "projectId">): Promise<Known> {
  // The list of entities is newest first: the agent is made first, so that the user is deleted first.
  await remember(client, "Answers politely", { agentId: "bot" });
  const memoryId = await remember(client, "Likes chess", { userId: "al ice/1" });
  const url = "http://127.0.0.1:9/first";
  const made = await client.createWebhook({ name: "w", url, eventTypes: [mem0ai.WebhookEvent.MEMORY_ADDED] });
  return { ...ids, memoryId, webhookId: made.webhookId ?? "" };
}

describe("a method of the client", () => {
  const methods = Object.getOwnPropertyNames(mem0ai.MemoryClient.prototype);

  it.each(methods.filter((method) => !(method in notForCallers)))("has a case: %s", (method) => {
    expect(cases.map((recorded) => recorded.method)).toContain(method);
  });

  it("is not left out of the cases when there is no such one any more", () => {
    expect(methods).toEqual(expect.arrayContaining(Object.keys(notForCallers)));
  });
});

describe("the emulator sees of the client what was recorded of it, and answers as it should:", () => {
  it.each(cases.map((recorded) => [`${recorded.method} ${recorded.title}`.trim(), recorded] as const))(
    "%s",
    async (_, recorded: RecordedCase) => {
      const { rig, client } = await startClient();
      const { org_id: orgId, project_id: projectId } = await rig.ping();
      const known = await knownTo(client, { orgId, projectId });
      const expected = recorded.sends(known).map((request) => ({ query: "", body: null, ...request }));
      let outcome: unknown;
      const seen = await seenDuring(rig, async () => {
        outcome = await invoke(client, recorded.method, recorded.args(known)).then(
          () => "fulfilled",
          (error: unknown) => error,
        );
      });
      expect(seen).toEqual(expected);
      const { status = null } = expected.at(-1) ?? {};
      if (recorded.throws !== undefined) expect(outcome).toMatchObject(recorded.throws);
      else if (status === null || status >= 300)
        expect(outcome).toMatchObject({ errorCode: `HTTP_${status}` });
      else expect(outcome).toBe("fulfilled");
    },
  );
});

describe("a new client", () => {
  it("pings once, and does not wait for it to read and write", async () => {
    const { rig } = await startClient();
    const { project_id: projectId, org_id: orgId } = await rig.ping();
    const apiKey = await rig.makeKey({ org_id: orgId, project_id: projectId });
    await rig.failNext({ kind: "slow", ms: 1500, when: "before" }, { match: { path: "/v1/ping/" } });
    const finished: string[] = [];
    const seen = await seenDuring(rig, async () => {
      const client = new mem0ai.MemoryClient({ apiKey, host: rig.url });
      const added = client.add([{ role: "user", content: "Likes tea" }], { userId: "alice", infer: false });
      const project = client.getProject({}).then(() => finished.push("getProject"));
      await added.then(() => finished.push("add"));
      await project;
    });
    expect(finished).toEqual(["add", "getProject"]);
    expect(seen.map(({ path }) => path)).toEqual([
      "/v1/ping/",
      "/v3/memories/add/",
      `/api/v1/orgs/organizations/${orgId}/projects/${projectId}/`,
    ]);
  });

  it("of a host and key that another one has pinged with sends no second ping", async () => {
    const { rig, client } = await startClient();
    const seen = await seenDuring(rig, async () => {
      const second = await clientOf(rig);
      expect(second.telemetryId).toBe(client.telemetryId);
      await second.users();
    });
    expect(seen.map(({ path }) => path)).toEqual(["/v1/entities/"]);
    expect(client.telemetryId).toBe((await rowsOf(rig, "users"))[0]?.["email"]);
  });

  it("is told of the place that the key is bound to", async () => {
    const { rig, client } = await startClient();
    const { org_id, project_id } = await rowOf(rig, "keys", "api_key", rig.apiKey);
    expect({ org: Reflect.get(client, "organizationId"), project: Reflect.get(client, "projectId") }).toEqual(
      {
        org: org_id,
        project: project_id,
      },
    );
  });
});
