import { type Pause, readPause } from "../tenants/pause.ts";
import { builder } from "./builder.ts";

const PauseRef = builder.objectRef<Pause>("Pause").implement({
  description:
    "No process starts or goes on with an operation. What is asked for is accepted, and waits. See `resumeProvisioning`.",
  fields: (t) => ({
    since: t.expose("since", { type: "DateTime" }),
    because: t.exposeString("because"),
  }),
});

/** What makes this database one installation of Loci, as callers see it. */
export const InstallationRef = builder.objectRef<object>("Installation").implement({
  description: "This installation of Loci.",
  fields: (t) => ({
    paused: t.field({
      type: PauseRef,
      nullable: true,
      description: "Whether, since when and why provisioning is paused. Null: it goes on.",
      resolve: (_root, _args, { prisma }) => readPause(prisma),
    }),
  }),
});

builder.queryField("installation", (t) =>
  t.field({ authScopes: { can: "control:read" }, type: InstallationRef, resolve: () => ({}) }),
);
