import { encodeGlobalID } from "@pothos/plugin-relay";
import { type LastError, lastErrorOf } from "../provisioning/last-error.ts";
import { type OperatorAction, whatCanBeDone } from "../provisioning/operator-actions.ts";
import { operatorVerbs } from "../tenants/audit.ts";
import { situationSelect } from "../tenants/operation-situation.ts";
import { builder } from "./builder.ts";

const verbEnum = builder.enumType("OperatorVerb", {
  description: "What an operator can do by hand; named as the mutations are.",
  values: operatorVerbs,
});

const OperatorActionRef = builder.objectRef<OperatorAction>("OperatorAction").implement({
  description: "Something that can be done about an operation now.",
  fields: (t) => ({
    verb: t.field({ type: verbEnum, resolve: ({ verb }) => verb }),
    why: t.exposeString("why", { description: "When it is the right thing to do; a sentence for people." }),
    step: t.exposeString("step", { nullable: true, description: "The step it is about." }),
    resourceId: t.id({
      nullable: true,
      description: "The resource it is about.",
      resolve: ({ resourceId }) => (resourceId === null ? null : encodeGlobalID("Resource", resourceId)),
    }),
  }),
});

const LastErrorRef = builder.objectRef<LastError>("LastError").implement({
  description: "The last error of an operation.",
  fields: (t) => ({
    step: t.exposeString("step"),
    code: t.exposeString("code"),
    message: t.exposeString("message"),
  }),
});

builder.prismaObjectField("Operation", "whatCanBeDone", (t) =>
  t.field({
    type: [OperatorActionRef],
    description:
      "Everything that can be done about it by hand as things are. What does not stand here is refused; what stands " +
      "here may still be refused for what Mem0 shows, or because somebody was quicker. Empty: nothing.",
    select: situationSelect,
    resolve: (situation) => whatCanBeDone(situation),
  }),
);

builder.prismaObjectField("Operation", "lastError", (t) =>
  t.field({
    type: LastErrorRef,
    nullable: true,
    description: "The error of what is stuck, else the last there was. Null: none.",
    select: {
      unwinding: true,
      steps: {
        select: {
          name: true,
          status: true,
          errorCode: true,
          errorMessage: true,
          startedAt: true,
          finishedAt: true,
        },
      },
    },
    resolve: (operation) => lastErrorOf(operation),
  }),
);

builder.prismaObjectField("Operation", "age", (t) =>
  t.int({
    description: "For how many whole seconds it has been in its status.",
    select: { updatedAt: true },
    resolve: ({ updatedAt }) => Math.max(0, Math.floor((Date.now() - updatedAt.getTime()) / 1_000)),
  }),
);
