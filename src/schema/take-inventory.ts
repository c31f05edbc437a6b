import { z } from "zod";
import { orderInventory } from "../provisioning/order-inventory.ts";
import type { Inventory } from "../provisioning/take-inventory.ts";
import { reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput, UpstreamNotReadable } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { parseInput } from "./parse-input.ts";

const inputSchema = z.object({ reason: reasonSchema });

const TakeInventoryInput = builder.inputType("TakeInventoryInput", {
  fields: (t) => ({
    reason: t.string({ required: true, description: "Why it is taken; kept in the audit." }),
  }),
});

const payload = builder.objectRef<Inventory>("TakeInventoryPayload").implement({
  description: "What an inventory found.",
  fields: (t) => ({
    at: t.expose("at", { type: "DateTime" }),
    matched: t.exposeInt("matched", { description: "Organizations of tenants that are there." }),
    missing: t.exposeInt("missing", {
      description: "Organizations of tenants that answer 404. Their tenants' drift says so.",
    }),
    unaccounted: t.exposeInt("unaccounted", {
      description: "What no mapping accounts for, settled or not. See the query `unaccounted`.",
    }),
  }),
});

builder.mutationField("takeInventory", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Compares everything in the platform's Mem0 account with the mapping. Changes nothing upstream, and ends the same " +
      "when it is repeated. It reads each tenant's place, and so takes its time.",
    errors: { types: [InvalidInput, UpstreamNotReadable], union: { name: "TakeInventoryResult" } },
    args: { input: t.arg({ type: TakeInventoryInput, required: true }) },
    resolve: (_root, { input }, { provisioning, caller }) =>
      orderInventory(provisioning, { ...parseInput(inputSchema, input), actor: caller.actor }),
  }),
);
