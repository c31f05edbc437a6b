import DataLoader from "dataloader";
import type { ProjectKey } from "../generated/prisma/client.ts";
import { type JudgedAccess, readAccessRows } from "../tenants/memory-access.ts";
import { readKeysOf } from "../tenants/project-keys.ts";
import { judgeHere } from "./judge-here.ts";
import type { ProjectKeys } from "./project-keys.ts";

/** What is shown of tenants' memory access. Tenants of one page are read together. */
export interface AccessLoader {
  /** What lets into the tenant's project now, judged as the door does. Null: there is no such tenant. */
  readonly access: DataLoader<string, JudgedAccess | null>;
  /** The tenant's keys, the newest first, at most `keysShownMax`. */
  readonly keys: DataLoader<string, readonly ProjectKey[]>;
}

/** Nothing is remembered: a later mutation of the same request may have changed it. */
const together = { cache: false };

/** Makes the loaders of one request. */
export function createAccessLoader({
  prisma,
  platform,
  ring,
}: Pick<ProjectKeys, "prisma" | "platform" | "ring">): AccessLoader {
  return {
    access: new DataLoader(async (tenantIds: readonly string[]) => {
      const rows = await readAccessRows(prisma, tenantIds);
      const byTenant = new Map(rows.map((row) => [row.tenantId, judgeHere(row, platform, ring)]));
      return tenantIds.map((id) => byTenant.get(id) ?? null);
    }, together),
    keys: new DataLoader(async (tenantIds: readonly string[]) => {
      const keys = await readKeysOf(prisma, tenantIds);
      return tenantIds.map((id) => keys.filter(({ tenantId }) => tenantId === id));
    }, together),
  };
}
