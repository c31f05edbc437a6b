import type { KeyState, TenantStatus } from "../generated/prisma/enums.ts";
import { breachCode } from "./isolation-breach.ts";
import type { Db } from "./mapping.ts";

/** How long a proof counts: a key of which ping has not answered for so long is not used. */
const proofLastsMs = 86_400_000;

/** What memory calls need a memory access for: all of them. Those without a body go by the key alone (see `AccessWay`). */
const callsWithBody = ["add", "search", "list", "update", "exports", "feedback"] as const;
const callsWithoutBody = ["get", "delete", "history", "entities", "events"] as const;
const allCalls = [...callsWithBody, ...callsWithoutBody];

/** What the platform's own key stands for, as ping told it at the start. */
export interface PlatformIdentity {
  readonly orgId: string;
  readonly projectId: string;
}

/** A key that may let into the tenant's project, with what is known of it now. */
interface HeldKey {
  readonly id: string;
  readonly sealedKey: unknown;
  readonly state: KeyState;
  readonly refutedBecause: string | null;
  /** How long it may be used from now on, in milliseconds; not at all where that is not above 0. Null: it was never proved. */
  readonly usableForMs: number | null;
}

/** All that decides a tenant's memory access, read in one statement. */
export interface AccessRow {
  readonly tenantId: string;
  readonly status: TenantStatus;
  /** The upstream ids of the tenant's own project, while it is PRESENT, and of the organization that it lies in. */
  readonly projectId: string | null;
  readonly orgId: string | null;
  /** Attached to that project and not forgotten; the current one first, then those that retire, the newest first. */
  readonly keys: readonly HeldKey[];
  /** The customer's account that the tenant was signed up onto. Null: none. */
  readonly account: (HeldKey & PlatformIdentity) | null;
}

/** Reads what decides the memory access of tenants. One round trip; who is not there is not in the answer. */
export async function readAccessRows(db: Db, tenantIds: readonly string[]): Promise<AccessRow[]> {
  return db.$queryRaw<AccessRow[]>`
    SELECT t.id AS "tenantId", t.status::text AS status, p.upstream_id AS "projectId", o.upstream_id AS "orgId",
      coalesce(k.keys, '[]'::jsonb) AS keys,
      CASE WHEN a.id IS NOT NULL THEN jsonb_build_object('id', a.id, 'sealedKey', a.sealed_key, 'state', a.key_state,
        'refutedBecause', a.refuted_because, 'orgId', a.org_id, 'projectId', a.project_id,
        'usableForMs', extract(epoch FROM a.proved_at + ${proofLastsMs}::int * interval '1 ms' - now()) * 1000) END AS account
    FROM tenant t
    LEFT JOIN resource p ON p.tenant_id = t.id AND p.kind = 'PROJECT' AND p.name = 'main' AND p.state = 'PRESENT'
    LEFT JOIN resource o ON o.id = p.parent_id
    LEFT JOIN mem0_account a ON a.id = t.account_id AND a.role::text = 'CUSTOMER'
    LEFT JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('id', k.id, 'sealedKey', k.sealed_key, 'state', k.state,
        'refutedBecause', k.refuted_because, 'usableForMs',
        extract(epoch FROM least(k.retires_at, k.proved_at + ${proofLastsMs}::int * interval '1 ms') - now()) * 1000)
        ORDER BY k.retires_at IS NOT NULL, k.id DESC) AS keys
      FROM project_key k
      WHERE k.resource_id = p.id AND k.tenant_id = t.id AND k.state <> 'DETACHED'
        AND (k.retires_at IS NULL OR k.retires_at > now())) k ON true
    WHERE t.id = ANY(${[...tenantIds]}::text[])`;
}

/** Whose key it goes by. PROJECT: one attached to the tenant. ACCOUNT: a customer's own. PLATFORM: ours. */
export type AccessHolder = "PROJECT" | "ACCOUNT" | "PLATFORM";

/** One way into a tenant's own project that is proved now. */
export interface AccessWay {
  readonly holder: AccessHolder;
  /** Of the key's row. The platform's has none. */
  readonly keyId: string | null;
  readonly sealedKey: unknown;
  readonly orgId: string;
  readonly projectId: string;
  /**
   * BOUND_KEY: the key is of this very project. BODY_OVERRIDE: of another project of the same organization, and a pair of ids
   * in the body leads to this one; calls without a body cannot be led (Mem0 maintainers' notes, observed live).
   */
  readonly via: "BOUND_KEY" | "BODY_OVERRIDE";
  /** How long it counts from the reading of the rows on, in milliseconds; above 0. */
  readonly usableForMs: number;
}

/** Whether memory calls can reach the tenant's own project. */
export type MemoryAccessState = "MISSING" | "BODY_OVERRIDE" | "BOUND_KEY" | "REFUTED";

/** What lets memory calls reach a tenant's own project, and what is missing for it. */
export interface JudgedAccess {
  readonly tenantId: string;
  readonly state: MemoryAccessState;
  /** The memory calls that would be refused. */
  readonly missingFor: readonly string[];
  /** What is the case, a sentence for people. */
  readonly message: string;
  /** What to do about it, for people. */
  readonly howTo: string;
  /** The ways in, the one to try first in front. Empty unless BOUND_KEY or BODY_OVERRIDE. */
  readonly ways: readonly AccessWay[];
}

const makeKey =
  "Mem0 has no API that makes API keys, and the key alone decides which project a memory call reaches. Create a key for this " +
  "tenant's project in Mem0's dashboard (Settings > API keys), and attach it with the mutation attachProjectKey.";

const attachAnother =
  "create another one for this tenant's project in Mem0's dashboard (Settings > API keys), and attach it with the mutation " +
  "attachProjectKey.";

const linkAgain =
  "let the customer create another one for the same project in Mem0's dashboard (Settings > API keys), and link it with the " +
  "mutation linkMem0Account: it takes the place of the account's key.";

/**
 * Judges what lets into a tenant's project now. A tenant with keys of its own goes by them alone: where all of them failed
 * their proof, no other key takes their place.
 */
export function judgeAccess(row: AccessRow, platform: PlatformIdentity): JudgedAccess {
  const { status, projectId, orgId } = row;
  if (status !== "ACTIVE") {
    const howTo =
      status === "PROVISIONING"
        ? `${makeKey} That can be done once the tenant is ACTIVE.`
        : "Nothing: its memories cannot be reached any more.";
    return closedAccess(row, "MISSING", `The tenant is ${status}.`, howTo);
  }
  if (projectId === null || orgId === null) {
    const howTo = "Look at the tenant's `resources`: an operator has to find out what became of its project.";
    return closedAccess(row, "MISSING", "The tenant's project is not known to be there.", howTo);
  }
  const home = { orgId, projectId };
  if (row.keys.length > 0)
    return byKeys(row, row.keys, (key) => wayBy("PROJECT", key, home, home), attachAnother);
  if (row.account !== null) {
    const { account } = row;
    if (account.orgId === orgId)
      return byKeys(row, [account], (key) => wayBy("ACCOUNT", key, home, account), linkAgain);
  } else if (platform.orgId === orgId) {
    const key = { id: null, sealedKey: null, usableForMs: proofLastsMs };
    return open(row, [wayBy("PLATFORM", key, home, platform)]);
  }
  const howTo = `${makeKey} Until then Loci makes no memory call for this tenant.`;
  return closedAccess(row, "MISSING", "There is no API key of the tenant's project.", howTo);
}

const afterBreach =
  "Find out how the memories crossed. Then attach a key with attachProjectKey, or link it again with linkMem0Account: no proof opens " +
  "the door by itself.";

function byKeys(
  row: AccessRow,
  keys: readonly HeldKey[],
  wayOf: (key: HeldKey & { usableForMs: number }) => AccessWay,
  insteadOf: string,
): JudgedAccess {
  const usable = keys.flatMap((key) => {
    const { state, usableForMs } = key;
    return state === "PROVED" && usableForMs !== null && usableForMs > 0
      ? [wayOf({ ...key, usableForMs })]
      : [];
  });
  if (usable.length > 0) return open(row, usable);
  const because = keys.find(({ refutedBecause }) => refutedBecause !== null)?.refutedBecause;
  const message = because ?? "Mem0 has not answered a proof of the tenant's API key for 24 hours.";
  if (message.startsWith(breachCode)) return closedAccess(row, "REFUTED", message, afterBreach);
  const howTo = `The proof is repeated on a schedule, and a good one opens the door again. If the key was revoked, ${insteadOf}`;
  return closedAccess(row, "REFUTED", message, howTo);
}

function wayBy(
  holder: AccessHolder,
  key: { readonly id: string | null; readonly sealedKey: unknown; readonly usableForMs: number },
  { orgId, projectId }: PlatformIdentity,
  of: PlatformIdentity,
): AccessWay {
  const via = of.projectId === projectId ? "BOUND_KEY" : "BODY_OVERRIDE";
  const { id, sealedKey, usableForMs } = key;
  return { holder, keyId: id, sealedKey, orgId, projectId, via, usableForMs };
}

function open({ tenantId }: AccessRow, ways: readonly AccessWay[]): JudgedAccess {
  if (ways.some(({ via }) => via === "BOUND_KEY")) {
    const message = "There is a proved API key of the tenant's project.";
    return {
      tenantId,
      state: "BOUND_KEY",
      missingFor: [],
      message,
      howTo: "Nothing: every memory call can be made.",
      ways,
    };
  }
  const message =
    "The key at hand is of another project of the same organization, and serves only calls that carry a body.";
  const howTo = `For the other calls: ${makeKey}`;
  return { tenantId, state: "BODY_OVERRIDE", missingFor: callsWithoutBody, message, howTo, ways };
}

/** An access that lets no memory call in, and why. */
export function closedAccess(
  { tenantId }: AccessRow,
  state: "MISSING" | "REFUTED",
  message: string,
  howTo: string,
): JudgedAccess {
  return { tenantId, state, missingFor: allCalls, message, howTo, ways: [] };
}
