import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  listOrganizations,
} from "../../src/mem0/organizations.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import {
  canaryKey,
  failureOf,
  openClient,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

const wire = {
  org_id: "org_1",
  name: "Acme",
  created_at: "2024-07-26T10:29:36.630547-07:00",
  updated_at: "2025-02-18T22:59:56Z",
  members: [{ username: "dev", role: "OWNER", email: "dev@example.com" }],
  is_default: false,
  byok_enabled: false,
  invitations: [],
  owner_pricing_plan: "HOBBY",
  is_owner: true,
  user_role: "OWNER",
};

const parsed = {
  orgId: "org_1",
  name: "Acme",
  createdAt: new Date("2024-07-26T17:29:36.630Z"),
  updatedAt: new Date("2025-02-18T22:59:56.000Z"),
  members: [{ username: "dev", role: "OWNER", email: "dev@example.com" }],
  isOwner: true,
  userRole: "OWNER",
  isDefault: false,
};

describe("createOrganization", () => {
  test("posts the name and answers the new id", async () => {
    server.answer(201, { message: "Organization created successfully.", org_id: "org_1" });
    expect(await createOrganization(mem0, { name: "Acme · ÄÖÜ" })).toEqual({ orgId: "org_1" });
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/api/v1/orgs/organizations/" });
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: `Token ${canaryKey}`,
      "content-type": "application/json",
    });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({ name: "Acme · ÄÖÜ" });
  });

  test("takes any 2xx", async () => {
    server.answer(200, { org_id: "org_1" });
    expect(await createOrganization(mem0, { name: "Acme" })).toEqual({ orgId: "org_1" });
  });

  test("does not take an empty id, for it would address the whole collection", async () => {
    server.answer(201, { org_id: "" });
    expect(await failureOf(createOrganization(mem0, { name: "Acme" }))).toMatchObject({
      reason: "unexpected-body",
      mayHaveHappened: true,
    });
  });
});

describe("listOrganizations", () => {
  test("answers the bare array, with every field in our words", async () => {
    server.answer(200, [wire]);
    expect(await listOrganizations(mem0)).toEqual([parsed]);
    expect(server.seen[0]).toMatchObject({ method: "GET", url: "/api/v1/orgs/organizations/", body: "" });
  });

  test("takes fields that are absent or null, and fields that nobody documented", async () => {
    const bare = {
      org_id: "org_2",
      name: "Bare",
      created_at: "2024-07-26T10:29:36Z",
      members: null,
      extra: {},
    };
    server.answer(200, [bare]);
    expect(await listOrganizations(mem0)).toEqual([
      {
        orgId: "org_2",
        name: "Bare",
        createdAt: new Date("2024-07-26T10:29:36Z"),
        updatedAt: null,
        members: [],
        isOwner: null,
        userRole: null,
        isDefault: null,
      },
    ]);
  });

  test("takes members without an e-mail", async () => {
    server.answer(200, [{ ...wire, members: [{ user_id: "u1", role: null }] }]);
    const [organization] = await listOrganizations(mem0);
    expect(organization?.members).toEqual([{ email: null, username: null, role: null }]);
  });

  test("ignores the notice of unclaimed accounts, in the first element and as an element of its own", async () => {
    server.answer(200, [{ ...wire, mem0_notice: "Claim me" }]);
    expect(await listOrganizations(mem0)).toEqual([parsed]);
    server.answer(200, [{ mem0_notice: "Claim me" }]);
    expect(await listOrganizations(mem0)).toEqual([]);
  });

  test("reads a date without an offset as UTC", async () => {
    server.answer(200, [{ ...wire, created_at: "2024-07-26T10:29:36.630547" }]);
    const [organization] = await listOrganizations(mem0);
    expect(organization?.createdAt).toEqual(new Date("2024-07-26T10:29:36.630Z"));
  });

  test("does not take what is no date", async () => {
    for (const created_at of ["yesterday", "", "2024-13-45T99:99:99Z", null]) {
      server.answer(200, [{ ...wire, created_at }]);
      expect(await failureOf(listOrganizations(mem0))).toMatchObject({ reason: "unexpected-body" });
    }
  });

  test("does not take an object for a list", async () => {
    server.answer(200, { results: [] });
    expect(await failureOf(listOrganizations(mem0))).toMatchObject({
      reason: "unexpected-body",
      status: 200,
    });
  });
});

describe("getOrganization", () => {
  test("gets by id", async () => {
    server.answer(200, wire);
    expect(await getOrganization(mem0, "org_1")).toEqual(parsed);
    expect(server.seen[0]).toMatchObject({
      method: "GET",
      url: "/api/v1/orgs/organizations/org_1/",
      body: "",
    });
  });

  test("encodes the id, so that it cannot address anything else", async () => {
    server.answer(200, wire);
    await getOrganization(mem0, "../a b?c#d/é");
    expect(server.seen[0]?.url).toBe("/api/v1/orgs/organizations/..%2Fa%20b%3Fc%23d%2F%C3%A9/");
  });

  test("refuses an empty id and dot segments without asking Mem0", async () => {
    for (const orgId of ["", " ", ".", ".."]) {
      expect(await failureOf(getOrganization(mem0, orgId))).toBeInstanceOf(TypeError);
      expect(await failureOf(deleteOrganization(mem0, orgId))).toBeInstanceOf(TypeError);
    }
    expect(server.seen).toEqual([]);
  });
});

describe("deleteOrganization", () => {
  test("deletes by id and answers nothing", async () => {
    server.answer(200, { message: "Organization deleted successfully!" });
    expect(await deleteOrganization(mem0, "org_1")).toBeUndefined();
    expect(server.seen[0]).toMatchObject({
      method: "DELETE",
      url: "/api/v1/orgs/organizations/org_1/",
      body: "",
    });
  });

  test("takes a 204", async () => {
    server.react((response) => void response.writeHead(204).end());
    expect(await deleteOrganization(mem0, "org_1")).toBeUndefined();
  });
});
