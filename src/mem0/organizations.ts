import { z } from "zod";
import { embeddedMembers, type Member } from "./members.ts";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import {
  acknowledgement,
  optionalDate,
  optionalFlag,
  optionalText,
  requiredDate,
  upstreamId,
  wireList,
} from "./wire-fields.ts";

/** An organization as Mem0 shows it to the owner of the key. */
export interface Organization {
  readonly orgId: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly updatedAt: Date | null;
  readonly members: readonly Member[];
  /** Whether the key's account is its owner. */
  readonly isOwner: boolean | null;
  /** The role of the key's account in it. */
  readonly userRole: string | null;
  readonly isDefault: boolean | null;
}

const organizationAnswer: z.ZodType<Organization> = z
  .object({
    org_id: upstreamId,
    name: z.string(),
    created_at: requiredDate,
    updated_at: optionalDate,
    members: embeddedMembers,
    is_owner: optionalFlag,
    user_role: optionalText,
    is_default: optionalFlag,
  })
  .transform((wire) => ({
    orgId: wire.org_id,
    name: wire.name,
    createdAt: wire.created_at,
    updatedAt: wire.updated_at,
    members: wire.members,
    isOwner: wire.is_owner,
    userRole: wire.user_role,
    isDefault: wire.is_default,
  }));

const createdAnswer = z.object({ org_id: upstreamId }).transform((wire) => ({ orgId: wire.org_id }));

/**
 * Creates an organization; the key's account becomes its owner (inferred). Neither idempotent nor unique by name: a
 * repeat makes a second one (Mem0 OpenAPI), so look before repeating one that may have happened. A new organization
 * comes with a project named `default-project`. It cannot be renamed. `POST /api/v1/orgs/organizations/`.
 *
 * @throws {Mem0Refused} 400 for a bad name.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function createOrganization(
  mem0: Mem0,
  input: { readonly name: string },
  options?: CallOptions,
): Promise<{ readonly orgId: string }> {
  const path = mem0Path("/api/v1/orgs/organizations/", {});
  return mem0.send({ method: "POST", path, body: { name: input.name }, answer: createdAnswer, options });
}

/**
 * All organizations of the key's account, not paged; whether the key's own project narrows the list is not known.
 * `GET /api/v1/orgs/organizations/`.
 *
 * @throws {Mem0Refused | Mem0Limited | Mem0Unanswered}
 */
export async function listOrganizations(mem0: Mem0, options?: CallOptions): Promise<Organization[]> {
  const path = mem0Path("/api/v1/orgs/organizations/", {});
  return mem0.send({ method: "GET", path, answer: wireList(organizationAnswer), options });
}

/**
 * One organization. `GET /api/v1/orgs/organizations/{org_id}/`.
 *
 * @throws {Mem0Refused} 404 when there is none, and also when the key's account is not a member: no proof that it is
 * gone.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function getOrganization(
  mem0: Mem0,
  orgId: string,
  options?: CallOptions,
): Promise<Organization> {
  const path = organizationPath(orgId);
  return mem0.send({ method: "GET", path, answer: organizationAnswer, options });
}

/**
 * Deletes an organization with all its projects (Mem0 docs organization/delete-org). A repeat gets 404.
 * `DELETE /api/v1/orgs/organizations/{org_id}/`.
 *
 * @throws {Mem0Refused} 403 without the right to, 404 as for `getOrganization`.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function deleteOrganization(mem0: Mem0, orgId: string, options?: CallOptions): Promise<void> {
  const path = organizationPath(orgId);
  return mem0.send({ method: "DELETE", path, answer: acknowledgement, options });
}

function organizationPath(orgId: string) {
  return mem0Path("/api/v1/orgs/organizations/{org_id}/", { org_id: orgId });
}
