import { expect } from "vitest";
import { bothWays, type Way } from "./both-ways.ts";
import { newPlace } from "./place.ts";

/** After this PATCH, which must succeed, the project shows that. */
const readsBack = (patch: object, shown: object): Way => [
  `shows ${JSON.stringify(shown)} after ${JSON.stringify(patch)}`,
  async (rig) => {
    const { project } = await newPlace(rig);
    expect(await rig.call("PATCH", project, patch)).toMatchObject({ status: 200 });
    expect((await rig.call("GET", project)).body).toMatchObject(shown);
  },
];

const instructions = { custom_instructions: "Be brief.\nBe kind." };
bothWays("instructionsShownAs", {
  text: readsBack(instructions, instructions),
  list: readsBack(instructions, { custom_instructions: ["Be brief.", "Be kind."] }),
});

const categories = { custom_categories: [{ diet: "what one eats" }, "travel"] };
bothWays("categoriesShownAs", {
  "as-sent": readsBack(categories, categories),
  names: readsBack(categories, { custom_categories: ["diet", "travel"] }),
});

bothWays("usecaseReadsBack", {
  true: readsBack({ usecase_setting: 3 }, { usecase: "3" }),
  false: readsBack({ usecase_setting: 3, decay: true }, { usecase: null, decay: true }),
});

const patching = (statuses: readonly number[]): Way => [
  `answers ${statuses.join(", ")} to nothing, to what nobody knows, and to a setting`,
  async (rig) => {
    const { project } = await newPlace(rig);
    const answers: number[] = [];
    for (const body of [{}, { retrieval_criteria: [] }, { decay: true }]) {
      answers.push((await rig.call("PATCH", project, body)).status);
    }
    expect(answers).toEqual(statuses);
  },
];
bothWays("emptyProjectPatch", { accept: patching([200, 200, 200]), refuse: patching([400, 400, 200]) });

const refusing = (body: object): Way => [
  `answers ${JSON.stringify(body)}`,
  async (rig) => {
    const { project } = await newPlace(rig);
    const reply = await rig.call("PATCH", project, { decay: "often", name: "x" });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual(body);
    expect((await rig.call("GET", project)).body).toMatchObject({ name: "memories" });
  },
];
const wrong = { decay: ["Must be a valid boolean."] };
bothWays("projectPatchRefusal", {
  fields: refusing(wrong),
  errors: refusing({ errors: wrong }),
  message: refusing({ message: "Project could not be updated." }),
});

const naming = (isNamed: boolean): Way => [
  isNamed ? "names the organization in its projects" : "has no org_id in its projects",
  async (rig) => {
    const { orgId, organization, project } = await newPlace(rig);
    const one = (await rig.call("GET", project)).body as object;
    const [listed] = (await rig.call("GET", `${organization}projects/`)).body as object[];
    for (const shown of [one, listed]) {
      if (isNamed) expect(shown).toMatchObject({ org_id: orgId });
      else expect(shown).not.toHaveProperty("org_id");
    }
  },
];
bothWays("projectShowsOrgId", { true: naming(true), false: naming(false) });
