import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  addProjectMember,
  listProjectMembers,
  removeProjectMember,
  updateProjectMember,
} from "../../src/mem0/project-members.ts";
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

const url = "/api/v1/orgs/organizations/org_1/projects/proj_1/members/";
const member = { email: "ada@acme.test", role: "READER" } as const;

describe("project members", () => {
  test("are listed from the members of an object", async () => {
    server.answer(200, { members: [{ username: "dev", role: "OWNER" }] });
    expect(await listProjectMembers(mem0, "org_1", "proj_1")).toEqual([
      { username: "dev", role: "OWNER", email: null },
    ]);
    expect(server.seen[0]).toMatchObject({ method: "GET", url, body: "" });
  });

  test("are added by POST", async () => {
    server.answer(200, { message: "User added to the project successfully." });
    expect(await addProjectMember(mem0, "org_1", "proj_1", member)).toBeUndefined();
    expect(server.seen[0]).toMatchObject({ method: "POST", url });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual(member);
  });

  test("are changed by PUT", async () => {
    server.answer(200, { message: "User role updated successfully." });
    expect(await updateProjectMember(mem0, "org_1", "proj_1", { ...member, role: "OWNER" })).toBeUndefined();
    expect(server.seen[0]).toMatchObject({ method: "PUT", url });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({ email: member.email, role: "OWNER" });
  });

  test("are removed by DELETE with the e-mail in the query, encoded, and without a body", async () => {
    server.answer(200, { message: "Member removed from the project" });
    expect(await removeProjectMember(mem0, "org_1", "proj_1", "ada+x&y@acme.test")).toBeUndefined();
    expect(server.seen[0]).toMatchObject({
      method: "DELETE",
      url: `${url}?email=ada%2Bx%26y%40acme.test`,
      body: "",
    });
  });

  test("are not removed for an empty e-mail", async () => {
    expect(await failureOf(removeProjectMember(mem0, "org_1", "proj_1", ""))).toBeInstanceOf(TypeError);
    expect(server.seen).toEqual([]);
  });

  test("stay out of the message of a failed removal, which may be read by anyone", async () => {
    server.answer(404, { message: "User not found" });
    const failure = await failureOf(removeProjectMember(mem0, "org_1", "proj_1", "ada@acme.test"));
    expect(failure).toMatchObject({
      message: "Mem0 refused DELETE organizations/org_1/projects/proj_1/members: 404 User not found.",
      path: "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/",
    });
  });
});
