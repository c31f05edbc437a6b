import { countBySealingKey } from "../memory-access/rewrap.ts";
import { builder } from "./builder.ts";
import { InstallationRef } from "./installation.ts";

/** A key-encryption key by what this process knows of it, and what the database holds of it. */
interface EncryptionKey {
  readonly keyId: string | null;
  readonly isKnown: boolean;
  readonly isSealing: boolean;
  readonly sealedValues: number;
}

const EncryptionKeyRef = builder.objectRef<EncryptionKey>("EncryptionKey").implement({
  description:
    "A key that stored secrets are sealed with. It is configuration: of the key itself nothing is stored.",
  fields: (t) => ({
    keyId: t.exposeString("keyId", {
      nullable: true,
      description:
        "Made from the key itself, so it is the same in every process. Null: what lies there says of none.",
    }),
    isKnown: t.exposeBoolean("isKnown", {
      description:
        "Whether the process that answers has it. What was sealed with one that no process has is lost.",
    }),
    isSealing: t.exposeBoolean("isSealing", {
      description: "Whether the process that answers seals with it from now on.",
    }),
    sealedValues: t.exposeInt("sealedValues", {
      description:
        "How many stored values are sealed with it. None: it can be taken out of the configuration.",
    }),
  }),
});

builder.objectField(InstallationRef, "encryptionKeys", (t) =>
  t.field({
    type: [EncryptionKeyRef],
    description:
      "The key-encryption keys that this process has or that something is sealed with; the one that seals first. Reads every " +
      "sealed value. See `rotateEncryptionKey`.",
    resolve: async (_root, _args, { prisma, projectKeys: { ring } }) => {
      const counts = await countBySealingKey({ prisma });
      const known = (ring?.keys ?? []).map(({ id }) => id);
      const keyIds = new Set([...known, ...counts.keys()]);
      return [...keyIds].map((keyId) => ({
        keyId,
        isKnown: keyId !== null && known.includes(keyId),
        isSealing: keyId !== null && keyId === ring?.sealing.id,
        sealedValues: counts.get(keyId) ?? 0,
      }));
    },
  }),
);
