import type { Mem0Account } from "../generated/prisma/client.ts";
import { type Ping, ping } from "../mem0/ping.ts";
import { builder } from "./builder.ts";
import { InstallationRef } from "./installation.ts";
import { answeringMem0, mem0Failures } from "./mem0-failures.ts";

const Mem0Ping = builder.objectRef<Ping>("Mem0Ping").implement({
  description: "What Mem0 says of the platform's API key just now.",
  fields: (t) => ({
    organizationId: t.exposeString("orgId", {
      description: "The organization that the key is bound to. No tenant's, and never deleted through Loci.",
    }),
    projectId: t.exposeString("projectId"),
    userEmail: t.exposeString("userEmail", { description: "The platform's own account." }),
  }),
});

builder.queryField("mem0Ping", (t) =>
  t.field({
    authScopes: { can: "mem0:read" },
    type: Mem0Ping,
    description:
      "Whether Mem0 answers, and what it says of the platform's API key. One call of Mem0, which is not metered.",
    errors: { types: [...mem0Failures], union: { name: "Mem0PingResult" } },
    resolve: (_root, _args, { provisioning, meter }) =>
      answeringMem0(() => ping(provisioning.mem0, { onCall: meter.count })),
  }),
);

const PlatformAccount = builder.objectRef<Mem0Account>("PlatformAccount").implement({
  description:
    "The platform's Mem0 account, as it was when this installation first met it, and what was learned of it since.",
  fields: (t) => ({
    upstream: t.exposeString("upstream", { description: "Mem0's base URL, or `emulator`." }),
    organizationId: t.exposeString("orgId"),
    projectId: t.exposeString("projectId"),
    userEmail: t.exposeString("userEmail"),
    organizationListIsProved: t.exposeBoolean("organizationListSeesCreated", {
      description:
        "Whether the list of organizations was ever seen to show what this account created. Before, a create whose answer was " +
        "lost NEEDS_ATTENTION when nothing is found.",
    }),
    projectListIsProved: t.exposeBoolean("projectListSeesCreated", {
      description: "The same for the list of projects.",
    }),
  }),
});

builder.objectField(InstallationRef, "platformAccount", (t) =>
  t.field({
    type: PlatformAccount,
    resolve: (_root, _args, { prisma, provisioning }) =>
      prisma.mem0Account.findUniqueOrThrow({ where: { id: provisioning.account.id } }),
  }),
);
