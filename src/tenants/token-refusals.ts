import { Refusal } from "./refusals.ts";

/** No token has this id. */
export class ApiTokenNotFound extends Refusal {
  override readonly name = "ApiTokenNotFound";
  readonly code = "API_TOKEN_NOT_FOUND";
  readonly retryable = false;

  constructor() {
    super("There is no API token with this id.");
  }
}

/** The token is not taken any more, so nothing can follow from it. */
export class ApiTokenEnded extends Refusal {
  override readonly name = "ApiTokenEnded";
  readonly code = "API_TOKEN_ENDED";
  readonly retryable = false;
  /** Of its row. */
  readonly tokenId: string;

  constructor(tokenId: string, because: string) {
    super(`The token is not valid any more. ${because} Make another one.`);
    this.tokenId = tokenId;
  }
}
