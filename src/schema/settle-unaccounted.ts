import { z } from "zod";
import type { Unaccounted } from "../generated/prisma/client.ts";
import { settleUnaccounted } from "../provisioning/settle-unaccounted.ts";
import { reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput, UnaccountedNotFound } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { parseInput } from "./parse-input.ts";
import { UnaccountedNode } from "./unaccounted.ts";

const inputSchema = z.object({ reason: reasonSchema });

const SettleUnaccountedInput = builder.inputType("SettleUnaccountedInput", {
  fields: (t) => ({
    id: t.globalID({ required: true }),
    reason: t.string({
      required: true,
      description: "What it is, or what was done about it; kept in the audit.",
    }),
  }),
});

const payload = builder.objectRef<Unaccounted>("SettleUnaccountedPayload").implement({
  description: "It is settled. A later inventory does not bring it back.",
  fields: (t) => ({
    unaccounted: t.prismaField({
      type: UnaccountedNode,
      resolve: (query, { id }, _args, { prisma }) =>
        prisma.unaccounted.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField("settleUnaccounted", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description: "Takes something off the list of what is unaccounted. Nothing is done to it upstream.",
    errors: { types: [InvalidInput, UnaccountedNotFound], union: { name: "SettleUnaccountedResult" } },
    args: { input: t.arg({ type: SettleUnaccountedInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, caller }) => {
      const { reason } = parseInput(inputSchema, { reason: input.reason });
      if (input.id.typename !== "Unaccounted") throw new UnaccountedNotFound();
      return settleUnaccounted(provisioning, { id: input.id.id, reason, actor: caller.actor });
    },
  }),
);
