import { createHmac, timingSafeEqual } from "node:crypto";
import type { Context } from "./builder.ts";

/**
 * What of a tenant's project has an id in GraphQL. Such an id carries the tenant, and a seal of this installation: nobody else
 * can make one, not even around a Mem0 id that he knows from elsewhere. So nothing depends on whether Mem0 keeps a key from
 * what lies in another project (inferred; see docs/unproved.md). Mem0's own ids are shown, and taken nowhere.
 */
export type ProjectThing = "Memory" | "MemoryEvent" | "MemoryExport";

/** What ids are sealed with: the installation's secret. */
export type IdSealer = Pick<Context, "provisioning">;

/** A tenant, and what its ids are sealed with. */
export interface IdScope {
  readonly tenantId: string;
  readonly sealer: IdSealer;
}

/** 96 bits. */
const sealBytes = 12;
const sealLength = 16;

/** The id in GraphQL of something in a tenant's project. The same thing has the same id always. */
export function projectThingId(
  sealer: IdSealer,
  thing: ProjectThing,
  tenantId: string,
  mem0Id: string,
): string {
  const named = `${tenantId}:${mem0Id}`;
  return Buffer.from(`${thing}:${sealOf(sealer, `${thing}:${named}`)}:${named}`).toString("base64url");
}

/**
 * Mem0's id of what an id in GraphQL means within a tenant. Null for everything else: another tenant's, another kind of
 * thing's, and what we never gave out. Who may not have a thing learns no more than who asks for what is not there.
 */
export function mem0IdOf(sealer: IdSealer, thing: ProjectThing, tenantId: string, id: string): string | null {
  // No id of ours is longer, and what is longer is not worth taking apart.
  if (id.length > 200) return null;
  const [, mem0Id = ""] =
    /:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(Buffer.from(id, "base64url").toString()) ?? [];
  if (mem0Id === "") return null;
  // One id has one form: what reads alike but is written otherwise is not it.
  const expected = Buffer.from(projectThingId(sealer, thing, tenantId, mem0Id));
  const given = Buffer.from(id);
  return expected.length === given.length && timingSafeEqual(expected, given) ? mem0Id : null;
}

function sealOf({ provisioning: { markerSecret } }: IdSealer, what: string): string {
  const digest = createHmac("sha256", markerSecret).update(`id in GraphQL\0${what}`).digest();
  return digest.subarray(0, sealBytes).toString("base64url").slice(0, sealLength);
}
