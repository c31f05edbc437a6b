import { describe, expect, it, vi } from "vitest";
import {
  anotherKey,
  type Client,
  clientOf,
  invoke,
  mem0ai,
  rejection,
  remember,
  startClient,
} from "./client.ts";
import { nobodys } from "./recorded-case.ts";

const {
  AuthenticationError,
  MemoryNotFoundError,
  MemoryQuotaExceededError,
  RateLimitError,
  ValidationError,
} = mem0ai;

const classes = new Map<number, unknown>([
  [400, ValidationError],
  [403, AuthenticationError],
  [404, MemoryNotFoundError],
]);

const long = "x".repeat(3000);

/** Calls that the emulator itself refuses. */
const refused: readonly (readonly [string, number, string, (client: Client) => Promise<unknown>])[] = [
  ["a memory nobody has", 404, "Memory not found!", (client) => client.get(nobodys)],
  ["an update of it", 404, "Memory not found!", (client) => client.update(nobodys, { text: "t" })],
  ["a deletion of it", 404, "Memory not found!", (client) => client.delete(nobodys)],
  ["feedback on it", 404, "not found", (client) => invoke(client, "feedback", [{ memoryId: nobodys }])],
  ["an id that is none", 400, "memory_id should be a valid UUID", (client) => client.get("nonsense")],
  ["a history of such an id", 400, "memory_id should be a valid UUID", (client) => client.history("x")],
  ["blank content", 400, "This field may not be blank.", (client) => remember(client, "   ")],
  [
    "nobody to remember for",
    400,
    "At least one entity ID is required",
    (client) => remember(client, "x", {}),
  ],
  [
    "metadata that is too long",
    400,
    "Metadata size (3011 chars) exceeds the limit of 2000 chars.",
    (client) => remember(client, "x", { userId: "alice", metadata: { long } }),
  ],
  [
    "categories that are texts",
    400,
    'Expected a dictionary of items but got type \\"str\\"',
    (client) => remember(client, "x", { userId: "alice", customCategories: ["food"] }),
  ],
  ["a list without filters", 400, "Filters are required", (client) => client.getAll()],
  ["a search without filters", 400, "Filters are required", (client) => client.search("q")],
  [
    "a blank query",
    400,
    "This field may not be blank.",
    (client) => client.search(" ", { filters: { user_id: "alice" } }),
  ],
  [
    "filters in camel case",
    400,
    "Top-level key must be a logical operator or an allowed field",
    (client) => client.search("q", { filters: { userId: "alice" } }),
  ],
  [
    "filters that name nobody",
    400,
    "filters must include at least one positively-scoped entity ID",
    (client) => client.getAll({ filters: { AND: [{ user_id: "*" }] } }),
  ],
  [
    "bare categories",
    400,
    "'categories' value must be a dictionary",
    (client) => client.getAll({ filters: { user_id: "alice", categories: "food" } }),
  ],
  [
    "an operator there is not",
    400,
    "nin",
    (client) => client.getAll({ filters: { user_id: { nin: ["alice"] } } }),
  ],
  [
    "a page past the end",
    404,
    "Invalid page.",
    (client) => client.getAll({ filters: { user_id: "a" }, page: 9 }),
  ],
  [
    "too many results",
    400,
    "1000",
    (client) => client.search("q", { filters: { user_id: "a" }, topK: 1001 }),
  ],
  [
    "a deletion of everything by nothing",
    400,
    "At least one filter is required",
    (client) => client.deleteAll(),
  ],
  [
    "1,001 at once",
    400,
    "Maximum of 1000 memories can be deleted in a single request",
    (client) => client.batchDelete(Array.from({ length: 1001 }, () => nobodys)),
  ],
  [
    "webhooks of a project of others",
    403,
    "access to this project",
    (client) => client.getWebhooks({ projectId: "p" }),
  ],
  ["a webhook nobody has", 404, "Webhook not found", (client) => client.deleteWebhook({ webhookId: "wh_1" })],
  ["a profile of nobody", 404, "Entity not found", (client) => client.getProfile({ entityId: "nobody" })],
  ["a job nobody started", 404, "Profile job not found", (client) => client.getProfileJob(nobodys)],
  [
    "an export nobody ordered",
    404,
    "No memory export request found",
    (client) => client.getMemoryExport({ memoryExportId: nobodys }),
  ],
];

describe("the emulator refuses by itself", () => {
  it.each(refused)("%s", async (_, status, words, deed) => {
    const { client } = await startClient();
    const error = await rejection(deed(client));
    expect(error).toMatchObject({ errorCode: `HTTP_${status}`, message: expect.stringContaining(words) });
    expect(error.constructor).toBe(classes.get(status));
  });

  it("an update of what is immutable, and not its deletion", async () => {
    const { client } = await startClient();
    const memoryId = await remember(client, "Born in 1990", { userId: "alice", immutable: true });
    const error = await rejection(client.update(memoryId, { text: "Born in 1991" }));
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toContain("immutable");
    expect(await client.get(memoryId)).toMatchObject({ memory: "Born in 1990" });
    expect(await client.delete(memoryId)).toEqual({ message: "Memory deleted successfully!" });
  });

  it("what is above the quota, with the true 429, and goes on writing", async () => {
    const { client } = await startClient({ switches: { quotaSearchMax: 2 } });
    await remember(client, "Likes chess");
    const filters = { user_id: "alice" };
    await client.search("chess", { filters });
    await client.getAll({ filters });
    const error = await rejection(client.search("chess", { filters }));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(JSON.parse(error.message)).toEqual({
      error:
        "Usage quota exceeded for this billing period. Please upgrade your plan at https://app.mem0.ai/dashboard/billing.",
      event_type: "SEARCH",
      quota_limit: 2,
      quota_used: 2,
      quota_reset: expect.stringMatching(/^\d{4}-\d\d-01T00:00:00\+00:00$/),
    });
    await remember(client, "Likes go");
    await client.ping();
  });

  it("a body that is too large", async () => {
    const { client } = await startClient();
    const error = await rejection(remember(client, "x".repeat(2_600_000)));
    expect(error).toBeInstanceOf(MemoryQuotaExceededError);
  });

  it("a key that is revoked, at once", async () => {
    const { rig } = await startClient();
    const apiKey = await anotherKey(rig);
    const client = await clientOf(rig, apiKey);
    await remember(client, "Likes chess");
    await rig.control("DELETE", `keys/${apiKey}`);
    const error = await rejection(client.users());
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(JSON.parse(error.message)).toEqual({
      detail: "Invalid API key. You can find your API key on https://app.mem0.ai/dashboard/api-keys.",
    });
  });

  it("a key it never gave out: the ping fails aloud, and what needs the place says so", async () => {
    const { rig } = await startClient();
    const told = vi.spyOn(console, "error").mockReturnValue();
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    const client = await clientOf(rig, "m0-of-nobody");
    expect(told).toHaveBeenCalledWith("Failed to initialize client:", expect.any(AuthenticationError));
    expect(await rejection(client.ping())).toBeInstanceOf(AuthenticationError);
    expect(await rejection(client.users())).toBeInstanceOf(AuthenticationError);
    expect(await rejection(client.getProject({}))).toMatchObject({
      message: "organizationId and projectId must be set to access instructions or categories",
    });
    told.mockRestore();
    warned.mockRestore();
  });
});
