import { Refusal } from "./refusals.ts";

/** Why a customer's own Mem0 account is not linked, not unlinked, or not signed up onto. None holds any of its key. */

/** The key is not one of a customer's own account, so it is not linked. Nothing was stored. */
export class AccountNotLinkable extends Refusal {
  override readonly name = "AccountNotLinkable";
  readonly code = "ACCOUNT_NOT_LINKABLE";
  readonly retryable = false;
}

/** No linked account has this id. */
export class AccountNotFound extends Refusal {
  override readonly name = "AccountNotFound";
  readonly code = "ACCOUNT_NOT_FOUND";
  readonly retryable = false;

  constructor() {
    super("There is no linked Mem0 account with this id.");
  }
}

/** The account's key is forgotten, or failed its last proof. */
export class AccountNotUsable extends Refusal {
  override readonly name = "AccountNotUsable";
  readonly code = "ACCOUNT_NOT_USABLE";
  readonly retryable = false;
}

/** A tenant that is not closed is on this account, or in its organization or project. */
export class AccountInUse extends Refusal {
  override readonly name = "AccountInUse";
  readonly code = "ACCOUNT_IN_USE";
  readonly retryable = false;
  readonly tenantId: string;

  constructor(tenantId: string, message: string) {
    super(message);
    this.tenantId = tenantId;
  }
}

/** The tenant is on its customer's own account, whose place is not Loci's to change. */
export class PlaceNotManaged extends Refusal {
  override readonly name = "PlaceNotManaged";
  readonly code = "PLACE_NOT_MANAGED";
  readonly retryable = false;
  readonly tenantId: string;

  constructor(tenantId: string) {
    super(
      "The tenant is on its customer's own Mem0 account. Loci neither made that place nor changes it; the customer does, in Mem0.",
    );
    this.tenantId = tenantId;
  }
}
