import {
  type AccessRow,
  closedAccess,
  type JudgedAccess,
  judgeAccess,
  type PlatformIdentity,
} from "../tenants/memory-access.ts";
import type { KeyRing } from "./key-ring.ts";
import { isSealedBy } from "./sealed-secret.ts";

/** What to do about a key that cannot be unsealed. */
export const howToUnseal =
  "Start Loci with the LOCI_ENCRYPTION_KEY that the key was sealed with (several can be given, separated by commas), or give " +
  "the key again: a tenant's own with the mutation attachProjectKey, a customer's account's with linkMem0Account.";

/**
 * Judges what lets into a tenant's project, for a process that has this key ring: a way whose key was sealed by none of it is
 * none here. The door and what is shown of it go by this.
 */
export function judgeHere(row: AccessRow, platform: PlatformIdentity, ring: KeyRing | null): JudgedAccess {
  const judged = judgeAccess(row, platform);
  const ways = judged.ways.filter(
    ({ holder, sealedKey }) => holder === "PLATFORM" || (ring !== null && isSealedBy(ring, sealedKey)),
  );
  if (ways.length > 0 || judged.ways.length === 0) return { ...judged, ways };
  const why =
    ring === null
      ? "LOCI_ENCRYPTION_KEY is not set."
      : "The key that it was sealed with is not in LOCI_ENCRYPTION_KEY.";
  return closedAccess(row, "MISSING", `The tenant's API key cannot be opened. ${why}`, howToUnseal);
}
