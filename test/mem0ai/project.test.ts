import { describe, expect, it } from "vitest";
import { clientOf, remember, rowOf, startClient } from "./client.ts";

describe("the project", () => {
  it("is read in camel case, as the tables have it", async () => {
    const { rig, client } = await startClient();
    const { project_id } = await rig.ping();
    const row = await rowOf(rig, "projects", "project_id", project_id);
    const project = await client.getProject({});
    expect(project).toMatchObject({
      projectId: project_id,
      ...{ name: "default-project", isDefault: true, userRole: "OWNER" },
      ...{ customInstructions: null, customCategories: null, decay: false, multilingual: false },
      createdAt: row["created_at"],
      members: row["members"],
    });
    expect(project).not.toHaveProperty("orgId");
    expect(await client.getProject({ fields: ["customInstructions"] })).toMatchObject({
      customInstructions: null,
    });
  });

  it("keeps what is set, names of categories as they stand, and can be cleared", async () => {
    const { rig, client } = await startClient();
    const { project_id } = await rig.ping();
    const settings = {
      customInstructions: "Remember food only",
      agentCustomInstructions: "Be brief",
      customCategories: [{ FoodPrefs: "dishes and drinks" }, { snake_case: "reptiles" }],
      multilingual: true,
      decay: true,
      memoryDepth: "deep",
      version: "v3",
    };
    expect(await client.updateProject(settings)).toEqual({ message: "Project updated successfully" });
    expect(await client.getProject({ fields: ["customCategories"] })).toMatchObject(settings);
    expect(await rowOf(rig, "projects", "project_id", project_id)).toMatchObject({
      custom_instructions: "Remember food only",
      custom_categories: settings.customCategories,
      decay: true,
    });
    await client.updateProject({ customInstructions: "", agentCustomInstructions: "", customCategories: [] });
    expect(await client.getProject({})).toMatchObject({
      ...{ customInstructions: "", agentCustomInstructions: "", customCategories: [], decay: true },
    });
  });

  it("says by its categories where later memories belong, and an add by its own", async () => {
    const { client } = await startClient();
    const categoriesOf = async (memoryId: string) => (await client.get(memoryId)).categories;
    expect(await categoriesOf(await remember(client, "Drinks coffee at breakfast"))).toContain("food");
    await client.updateProject({
      customCategories: [{ hot_drinks: "coffee, tea" }, { animals: "dogs, cats" }],
    });
    expect(await categoriesOf(await remember(client, "Drinks coffee at noon"))).toEqual(["hot_drinks"]);
    expect(await categoriesOf(await remember(client, "Has two dogs and much coffee"))).toEqual([
      "hot_drinks",
      "animals",
    ]);
    const own = { userId: "alice", customCategories: [{ Morning: "breakfast rituals" }] };
    expect(await categoriesOf(await remember(client, "Skips breakfast", own))).toEqual(["Morning"]);
    await client.updateProject({ customCategories: [] });
    expect(await categoriesOf(await remember(client, "Drinks coffee at night"))).toContain("food");
  });

  it("of a reader is read and not changed", async () => {
    const { rig } = await startClient();
    const { org_id, project_id } = await rig.ping();
    const email = "reader@acme.test";
    await rig.control("POST", "members", { org_id, email, role: "READER" });
    await rig.control("POST", "members", { org_id, project_id, email, role: "READER" });
    const reader = await clientOf(rig, await rig.makeKey({ org_id, project_id, email }));
    expect(await reader.getProject({})).toMatchObject({ name: "default-project", userRole: "READER" });
    await expect(reader.updateProject({ decay: true })).rejects.toMatchObject({
      name: "AuthenticationError",
      errorCode: "HTTP_403",
    });
    expect(await reader.getProject({})).toMatchObject({ decay: false });
  });
});
