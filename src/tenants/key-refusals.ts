import { Refusal } from "./refusals.ts";

/** Why an API key is not taken, or not found. None of them holds any of it. */

/** Mem0 says that the key is of another project than the tenant's. Which one is not told. */
export class ProjectKeyMismatch extends Refusal {
  override readonly name = "ProjectKeyMismatch";
  readonly code = "PROJECT_KEY_MISMATCH";
  readonly retryable = false;

  constructor() {
    super(
      "This API key is of another project than the tenant's, so it was not stored. Create one in Mem0's dashboard while the " +
        "tenant's own project is selected: its id is the upstreamId of the PROJECT among the tenant's resources.",
    );
  }
}

/** Mem0 does not take the key. */
export class ProjectKeyInvalid extends Refusal {
  override readonly name = "ProjectKeyInvalid";
  readonly code = "PROJECT_KEY_INVALID";
  readonly retryable = false;

  constructor() {
    super(
      "Mem0 says that this is not a valid API key, so it was not stored. It may be mistyped, or revoked.",
    );
  }
}

/** No key has this id. */
export class ProjectKeyNotFound extends Refusal {
  override readonly name = "ProjectKeyNotFound";
  readonly code = "PROJECT_KEY_NOT_FOUND";
  readonly retryable = false;

  constructor() {
    super("There is no project key with this id.");
  }
}

/** This installation has nothing to seal keys with, and stores none in the clear. */
export class EncryptionKeyMissing extends Refusal {
  override readonly name = "EncryptionKeyMissing";
  readonly code = "ENCRYPTION_KEY_MISSING";
  readonly retryable = false;
  /** What to do about it, for people. */
  readonly howTo =
    "Make 32 random bytes (openssl rand -base64 32), and start every process of Loci with them in LOCI_ENCRYPTION_KEY. Keep " +
    "them outside the database: without them no stored key opens.";

  constructor() {
    super("API keys are stored sealed, and LOCI_ENCRYPTION_KEY is not set.");
  }
}
