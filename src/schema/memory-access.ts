import type { JudgedAccess } from "../tenants/memory-access.ts";
import { keysShownMax } from "../tenants/project-keys.ts";
import { builder } from "./builder.ts";
import { ProjectKeyNode } from "./project-key.ts";

const MemoryAccessStateEnum = builder.enumType("MemoryAccessState", {
  description: "Whether memory calls can reach the tenant's own project.",
  values: {
    MISSING: { description: "They cannot: there is no API key of that project." },
    BODY_OVERRIDE: {
      description:
        "Those that carry a body can: there is a key of another project of the same organization, and the body says which.",
    },
    BOUND_KEY: { description: "They can: there is a proved API key of that very project." },
    REFUTED: { description: "They cannot any more: the API key that there is failed its proof." },
  },
});

/** What lets memory calls reach a tenant's own project, as the API shows it. */
export const MemoryAccessRef = builder.objectRef<JudgedAccess>("MemoryAccess").implement({
  description: "What lets memory calls reach a tenant's own project. A tenant can be ACTIVE and mute.",
  fields: (t) => ({
    state: t.field({ type: MemoryAccessStateEnum, resolve: ({ state }) => state }),
    message: t.exposeString("message", { description: "What is the case." }),
    missingFor: t.stringList({
      description: "The memory calls that would be refused.",
      resolve: ({ missingFor }) => [...missingFor],
    }),
    howTo: t.exposeString("howTo", { description: "What to do about it." }),
    keys: t.field({
      type: [ProjectKeyNode],
      description: `The keys that were attached, forgotten ones too, the newest first; at most ${keysShownMax}.`,
      resolve: async ({ tenantId }, _args, { accessLoader }) => [...(await accessLoader.keys.load(tenantId))],
    }),
  }),
});
