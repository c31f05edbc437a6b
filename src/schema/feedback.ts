import { type Feedback, feedbackKinds, giveFeedback } from "../mem0/feedback.ts";
import { builder } from "./builder.ts";
import {
  askForOne,
  formOfChangeOfOne,
  inTenantProject,
  memoryFailuresOfChangeOfOne,
  tenantIdOfKey,
} from "./memory-call.ts";
import { changeSchema, tenantKeyDescription } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const MemoryFeedbackKind = builder.enumType("MemoryFeedbackKind", {
  description: "What one can think of a memory.",
  values: feedbackKinds,
});

const GiveMemoryFeedbackInput = builder.inputType("GiveMemoryFeedbackInput", {
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    memoryId: t.id({ required: true }),
    feedback: t.field({
      type: MemoryFeedbackKind,
      description: "Not given, or null: takes back what was said before.",
    }),
    reason: t.string(),
  }),
});

const GiveMemoryFeedbackPayload = builder
  .objectRef<Feedback & { readonly memoryId: string }>("GiveMemoryFeedbackPayload")
  .implement({
    description: "What Mem0 now knows.",
    fields: (t) => ({
      memoryId: t.exposeID("memoryId"),
      mem0Id: t.exposeString("feedbackId", { description: "Mem0's own id of the feedback." }),
      feedback: t.field({ type: MemoryFeedbackKind, nullable: true, resolve: ({ feedback }) => feedback }),
      reason: t.exposeString("reason", { nullable: true }),
    }),
  });

builder.mutationField("giveMemoryFeedback", (t) =>
  t.field({
    authScopes: { can: "memories:write" },
    type: GiveMemoryFeedbackPayload,
    description: "Tells Mem0 what somebody thinks of a memory. A repeat says the same again.",
    errors: { types: [...memoryFailuresOfChangeOfOne], union: { name: "GiveMemoryFeedbackResult" } },
    args: { input: t.arg({ type: GiveMemoryFeedbackInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey } = parseInput(changeSchema, input);
      const { memoryId: id, feedback = null, reason = null } = input;
      const tenantId = await tenantIdOfKey(context, tenantKey);
      return inTenantProject(context, tenantId, formOfChangeOfOne(context.caller), async (project) => {
        const { mem0, options } = project;
        const given = await askForOne("Memory", project, id, (memoryId) =>
          giveFeedback(mem0, { memoryId, feedback, reason }, options),
        );
        return { ...given, memoryId: id };
      });
    },
  }),
);
