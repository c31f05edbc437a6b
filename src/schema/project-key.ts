import type { ProjectKey } from "../generated/prisma/client.ts";
import { KeyState } from "../generated/prisma/enums.ts";
import { builder } from "./builder.ts";
import { carryTenant } from "./carry-tenant.ts";
import { andVisible, visibleControl } from "./visible.ts";

/** Whether an API key may be used, in GraphQL. */
export const KeyStateEnum = builder.enumType("ProjectKeyState", {
  description: "Whether an API key may be used.",
  values: {
    PROVED: { value: KeyState.PROVED, description: "Mem0 said that it is of this very project." },
    REFUTED: {
      value: KeyState.REFUTED,
      description: "Mem0 said otherwise. The door is closed to it until a later proof is good again.",
    },
    DETACHED: { value: KeyState.DETACHED, description: "It was forgotten." },
  },
});

/** A Mem0 API key of a tenant's project, as the API shows it: never the key itself. */
export const ProjectKeyNode = builder.prismaNode("ProjectKey", {
  id: { field: "id" },
  nullable: true,
  findUnique: (id, { caller }) => andVisible(id, visibleControl(caller)),
  description: "A Mem0 API key of a tenant's own project. The key itself is stored sealed, and never shown.",
  fields: (t) => ({
    hint: t.exposeString("keyHint", { description: "Its last four characters, to tell keys apart." }),
    state: t.expose("state", { type: KeyStateEnum }),
    provedAt: t.expose("provedAt", {
      type: "DateTime",
      description:
        "When Mem0 last said that it is of this project. After 24 hours without that it is not used.",
    }),
    refutedBecause: t.exposeString("refutedBecause", {
      nullable: true,
      description: "Why its last proof failed. Null: it did not.",
    }),
    retiresAt: t.expose("retiresAt", {
      type: "DateTime",
      nullable: true,
      description:
        "When it is forgotten, because another took its place. Until then it serves if that one cannot.",
    }),
    attachedAt: t.expose("createdAt", { type: "DateTime" }),
    attachedBy: t.exposeString("attachedBy"),
    detachedAt: t.expose("detachedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it was forgotten.",
    }),
  }),
});

/** The payload of a mutation of a key: the key and its tenant. */
export function projectKeyPayload(name: string, description: string) {
  const payload = builder.objectRef<ProjectKey>(name).implement({
    description,
    fields: (t) => ({
      projectKey: t.field({ type: ProjectKeyNode, resolve: (key) => key }),
    }),
  });
  carryTenant(payload);
  return payload;
}
