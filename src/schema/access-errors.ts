import {
  EncryptionKeyMissing,
  ProjectKeyInvalid,
  ProjectKeyMismatch,
  ProjectKeyNotFound,
} from "../tenants/key-refusals.ts";
import { MemoryAccessMissing } from "../tenants/memory-refusals.ts";
import { builder } from "./builder.ts";
import { ErrorInterface } from "./errors.ts";

builder.objectType(MemoryAccessMissing, {
  name: "MemoryAccessMissing",
  description:
    "Nothing lets this memory call reach the tenant's own project, so it was not made. It never goes by another key.",
  interfaces: [ErrorInterface],
  fields: (t) => ({ howTo: t.exposeString("howTo", { description: "What to do about it." }) }),
});

builder.objectType(ProjectKeyMismatch, {
  name: "ProjectKeyMismatch",
  description: "Mem0 says that the API key is of another project than the tenant's. It was not stored.",
  interfaces: [ErrorInterface],
});

builder.objectType(ProjectKeyInvalid, {
  name: "ProjectKeyInvalid",
  description: "Mem0 does not take the API key. It was not stored.",
  interfaces: [ErrorInterface],
});

builder.objectType(ProjectKeyNotFound, {
  name: "ProjectKeyNotFound",
  description: "There is no project key with this id.",
  interfaces: [ErrorInterface],
});

builder.objectType(EncryptionKeyMissing, {
  name: "EncryptionKeyMissing",
  description:
    "API keys are stored sealed, and Loci was started without what seals them. Everything else works.",
  interfaces: [ErrorInterface],
  fields: (t) => ({ howTo: t.exposeString("howTo", { description: "What to do about it." }) }),
});
