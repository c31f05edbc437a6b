import { createProject, deleteProject, updateProject } from "../mem0/projects.ts";
import { settingsOnUpstream } from "../provisioning/settings-on-upstream.ts";
import { builder } from "./builder.ts";
import type { ProjectIds } from "./mem0-graph.ts";
import { changeFailures } from "./mem0-managed.ts";
import { oneCall, writeByHand, writeReasonDescription } from "./mem0-write.ts";
import { newProjectSchema, projectChangeSchema, projectSchema } from "./mem0-write-input.ts";
import { parseInput } from "./parse-input.ts";
import { ProjectSettingsInput } from "./place-input.ts";

const CreateMem0ProjectInput = builder.inputType("CreateMem0ProjectInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: "Mem0's id of the organization." }),
    name: t.string({ required: true }),
    description: t.string(),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const UpdateMem0ProjectInput = builder.inputType("UpdateMem0ProjectInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: "Mem0's id of the organization." }),
    projectId: t.string({ required: true, description: "Mem0's id of the project." }),
    name: t.string(),
    description: t.string(),
    settings: t.field({
      type: ProjectSettingsInput,
      description: "What is left out stays. Empty instructions clear; an empty list of categories resets.",
    }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const DeleteMem0ProjectInput = builder.inputType("DeleteMem0ProjectInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: "Mem0's id of the organization." }),
    projectId: t.string({ required: true, description: "Mem0's id of the project." }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

function projectPayload(name: string, description: string) {
  return builder.objectRef<ProjectIds>(name).implement({
    description,
    fields: (t) => ({
      organizationId: t.exposeString("organizationId"),
      projectId: t.exposeString("projectId"),
    }),
  });
}

builder.mutationField("createMem0Project", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: projectPayload(
      "CreateMem0ProjectPayload",
      "Mem0 made it. It is no tenant's, and has no API key yet.",
    ),
    description:
      "Makes a project in an organization in Mem0. Mem0 takes no idempotency key, so that a repeat makes a second one: after " +
      `an answer with \`mayHaveHappened\` look at the organization's projects first. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "CreateMem0ProjectResult" } },
    args: { input: t.arg({ type: CreateMem0ProjectInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, reason, name, description } = parseInput(newProjectSchema, args.input);
      const project = { name, ...(description === undefined ? {} : { description }) };
      const { projectId } = await writeByHand(context, {
        ...{ verb: "createMem0Project", reason, thing: { organizationId }, deed: "CHANGE", details: project },
        send: (options) => createProject(context.provisioning.mem0, organizationId, project, options),
        made: (made) => made,
      });
      return { organizationId, projectId };
    },
  }),
);

builder.mutationField("updateMem0Project", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: projectPayload("UpdateMem0ProjectPayload", "Mem0 took the changes."),
    description:
      "Changes name, description and settings of a project in Mem0. Values are absolute, so that a repeat changes nothing; of " +
      `several writers the last one wins. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "UpdateMem0ProjectResult" } },
    args: { input: t.arg({ type: UpdateMem0ProjectInput, required: true }) },
    resolve: async (_root, args, context) => {
      const input = parseInput(projectChangeSchema, args.input);
      const { organizationId, projectId, reason, name, description, settings } = input;
      const changes = {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...settingsOnUpstream(settings),
      };
      await writeByHand(context, {
        ...{ verb: "updateMem0Project", reason, thing: { organizationId, projectId }, deed: "CHANGE" },
        // Instructions are long, and in the project itself.
        details: { changes: Object.keys(changes) },
        send: (options) =>
          updateProject(context.provisioning.mem0, organizationId, projectId, changes, options),
      });
      return { organizationId, projectId };
    },
  }),
);

builder.mutationField("deleteMem0Project", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: projectPayload(
      "DeleteMem0ProjectPayload",
      "Mem0 said that it deleted it. That is no proof, as an off-boarding has one.",
    ),
    description: `Deletes a project in Mem0 with its memories, for good. Never the platform's own. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "DeleteMem0ProjectResult" } },
    args: { input: t.arg({ type: DeleteMem0ProjectInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, projectId, reason } = parseInput(projectSchema, args.input);
      const thing = { organizationId, projectId };
      await writeByHand(context, {
        ...{ verb: "deleteMem0Project", reason, thing, deed: "DELETE_PLACE", details: {} },
        send: (options) => deleteProject(context.provisioning.mem0, organizationId, projectId, options),
      });
      return thing;
    },
  }),
);
