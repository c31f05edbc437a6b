import { etaOf } from "../provisioning/eta.ts";
import { builder } from "./builder.ts";

builder.prismaObjectField("Operation", "eta", (t) =>
  t.field({
    type: "DateTime",
    nullable: true,
    description:
      "When it will probably have ended, judged by how long the same steps took lately. Null when that is unknown, or " +
      "it waits for a person, is being undone, or has ended.",
    select: {
      kind: true,
      status: true,
      unwinding: true,
      resumeAt: true,
      steps: { select: { name: true, status: true, startedAt: true, nextAttemptAt: true } },
    },
    resolve: async (operation, _args, { durations }) =>
      etaOf(operation, await durations.usualMs(operation.kind), new Date()),
  }),
);

builder.prismaObjectField("OperationStep", "usualMs", (t) =>
  t.int({
    nullable: true,
    description:
      "How long this step usually takes, in milliseconds; null when it was seen too rarely to say.",
    select: { name: true, operation: { select: { kind: true } } },
    resolve: async ({ name, operation: { kind } }, _args, { durations }) => {
      const usualMs = (await durations.usualMs(kind)).get(name);
      return usualMs === undefined ? null : Math.round(usualMs);
    },
  }),
);
