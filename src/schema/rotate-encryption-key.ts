import { z } from "zod";
import { type KeyCount, type Rewrapped, rotateEncryptionKey } from "../memory-access/rewrap.ts";
import { EncryptionKeyMissing } from "../tenants/key-refusals.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { InstallationRef } from "./installation.ts";
import { parseInput } from "./parse-input.ts";

const inputSchema = z.object({ reason: reasonSchema.default(noReasonGiven) });

const RotateEncryptionKeyInput = builder.inputType("RotateEncryptionKeyInput", {
  fields: (t) => ({
    reason: t.string({ description: "Why; at most 2000 characters, kept word for word in the audit." }),
  }),
});

const KeyCountRef = builder.objectRef<KeyCount>("SealedValueCount").implement({
  description: "How many stored values were sealed with one key.",
  fields: (t) => ({
    keyId: t.exposeString("keyId"),
    count: t.exposeInt("count"),
  }),
});

const payload = builder.objectRef<Rewrapped>("RotateEncryptionKeyPayload").implement({
  description: "What is sealed with the sealing key by now, and what is not.",
  fields: (t) => ({
    keyId: t.exposeString("keyId", { description: "The key that seals: the first of the configuration." }),
    rewrapped: t.field({
      type: [KeyCountRef],
      description:
        "What was sealed anew, by the keys that it was sealed with before. Empty: nothing was changed.",
      resolve: ({ rewrapped }) => rewrapped,
    }),
    alreadyCurrent: t.exposeInt("alreadyCurrent", { description: "How many values needed nothing." }),
    unopenable: t.field({
      type: [KeyCountRef],
      description:
        "What stayed as it is because this process has not the key that it was sealed with, by those keys. Start it with them, " +
        "and call again.",
      resolve: ({ unopenable }) => unopenable,
    }),
    damaged: t.exposeInt("damaged", {
      description:
        "How many values do not open by the key that they name, or name none. No key helps: they have to be given again.",
    }),
    isComplete: t.exposeBoolean("isComplete", {
      description:
        "False: time was over, or somebody else was changing some of them. Call again: it goes on from there.",
    }),
    installation: t.field({ type: InstallationRef, resolve: () => ({}) }),
  }),
});

builder.mutationField("rotateEncryptionKey", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Seals every stored secret anew with the first of the configured key-encryption keys, while everything goes on. First " +
      "start every process with the new key, or those without it can open nothing. A repeat changes nothing. Audited.",
    errors: { types: [InvalidInput, EncryptionKeyMissing], union: { name: "RotateEncryptionKeyResult" } },
    args: { input: t.arg({ type: RotateEncryptionKeyInput, required: true }) },
    resolve: async (_root, { input }, { projectKeys, caller }) => {
      const { reason } = parseInput(inputSchema, input);
      return rotateEncryptionKey(projectKeys, { actor: caller.actor, reason });
    },
  }),
);
