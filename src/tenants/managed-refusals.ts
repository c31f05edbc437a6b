import { Refusal } from "./refusals.ts";

/** The mutations that change a tenant's place, and keep the mapping true. */
export type TenantMutation = "offboardTenant" | "changePlace";

/** What is to be changed in Mem0 is a tenant's, and only a saga changes it. Nothing was sent. */
export class ManagedByTenant extends Refusal {
  override readonly name = "ManagedByTenant";
  readonly code = "MANAGED_BY_TENANT";
  readonly retryable = false;
  readonly tenantId: string;
  /** The mutation that does it with the mapping kept true. */
  readonly use: TenantMutation;

  constructor(tenantId: string, use: TenantMutation, message: string) {
    super(message);
    this.tenantId = tenantId;
    this.use = use;
  }
}
