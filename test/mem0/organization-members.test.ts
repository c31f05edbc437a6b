import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memberRoles } from "../../src/mem0/members.ts";
import {
  addOrganizationMember,
  listOrganizationMembers,
  removeOrganizationMember,
  updateOrganizationMember,
} from "../../src/mem0/organization-members.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

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

const url = "/api/v1/orgs/organizations/org_1/members/";
const member = { email: "ada+x@acme.test", role: "READER" } as const;

describe("organization members", () => {
  test("are listed from the members of an object, with ids and without e-mails", async () => {
    server.answer(200, {
      members: [{ user_id: "u1", role: "OWNER" }, { user_id: 7 }],
      mem0_notice: "Claim me",
    });
    expect(await listOrganizationMembers(mem0, "org_1")).toEqual([
      { userId: "u1", role: "OWNER", email: null, username: null },
      { userId: "7", role: null, email: null, username: null },
    ]);
    expect(server.seen[0]).toMatchObject({ method: "GET", url, body: "" });
  });

  test("are listed with their e-mails should Mem0 give them", async () => {
    server.answer(200, { members: [{ username: "ada", role: "READER", email: "ada@acme.test" }] });
    expect(await listOrganizationMembers(mem0, "org_1")).toEqual([
      { userId: null, username: "ada", role: "READER", email: "ada@acme.test" },
    ]);
  });

  test("are added by POST", async () => {
    server.answer(201, { message: "User added to the organization." });
    expect(await addOrganizationMember(mem0, "org_1", member)).toBeUndefined();
    expect(server.seen[0]).toMatchObject({ method: "POST", url });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual(member);
  });

  test("are changed by PUT", async () => {
    server.answer(200, { message: "User role updated successfully" });
    expect(await updateOrganizationMember(mem0, "org_1", { ...member, role: "OWNER" })).toBeUndefined();
    expect(server.seen[0]).toMatchObject({ method: "PUT", url });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({ email: member.email, role: "OWNER" });
  });

  test("are removed by DELETE with the e-mail in a JSON body", async () => {
    server.answer(200, { message: "User removed from organization." });
    expect(await removeOrganizationMember(mem0, "org_1", member.email)).toBeUndefined();
    expect(server.seen[0]).toMatchObject({ method: "DELETE", url });
    expect(server.seen[0]?.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({ email: member.email });
  });

  test("are not touched for an empty e-mail", async () => {
    const empty = { email: " ", role: "READER" } as const;
    expect(await failureOf(addOrganizationMember(mem0, "org_1", empty))).toBeInstanceOf(TypeError);
    expect(await failureOf(updateOrganizationMember(mem0, "org_1", empty))).toBeInstanceOf(TypeError);
    expect(await failureOf(removeOrganizationMember(mem0, "org_1", ""))).toBeInstanceOf(TypeError);
    expect(server.seen).toEqual([]);
  });

  test("can be added again after a removal on the same client, whose connection the body on DELETE ends", async () => {
    server.answer(200, { message: "User removed from organization." });
    server.answer(201, { message: "User added to the organization." });
    await removeOrganizationMember(mem0, "org_1", member.email);
    await addOrganizationMember(mem0, "org_1", member);
    expect(server.seen.map(({ method }) => method)).toEqual(["DELETE", "POST"]);
  });

  test("have the two roles that Mem0 knows", () => {
    expect(memberRoles).toEqual(["READER", "OWNER"]);
  });
});
