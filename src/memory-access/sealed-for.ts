import type { KeyOwner } from "../tenants/key-proofs.ts";
import type { SealedFor } from "./sealed-secret.ts";

/** What the key of a row is sealed for. */
export function sealedForOf({ owner, id }: { readonly owner: KeyOwner; readonly id: string }): SealedFor {
  return { purpose: owner === "PROJECT" ? "project-key" : "account-key", id };
}
