import { ClientError, type TypedDocumentString } from "graphql-request";

/** What Loci answers in place of a result where something stands against it. Every refusal of the schema has these. */
export interface Refusal {
  /** The stable word to tell refusals apart by. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** Whether the same request may work later. */
  readonly retryable: boolean;
}

/** A query of one field of a tenant. */
export type TenantQuery<Field extends string, Result, Variables extends object> = TypedDocumentString<
  { readonly tenant: Readonly<Record<Field, Result | Refusal>> | null },
  Variables & { readonly tenantKey: string }
>;

/** A mutation, which takes one input. */
export type Mutation<Field extends string, Payload, Input extends object> = TypedDocumentString<
  Readonly<Record<Field, Payload | Refusal>>,
  { readonly input: Input }
>;

/** A refusal, thrown. */
export class LociRefused extends Error {
  override readonly name = "LociRefused";
  readonly code: string;
  readonly isRetryable: boolean;

  constructor({ code, message, retryable }: Refusal) {
    super(`${code}: ${message}`);
    this.code = code;
    this.isRetryable = retryable;
  }
}

/** Whether this is a refusal. It is by its `code`, which documents here ask of nothing else. */
export function isRefusal(answer: object): answer is Refusal {
  return "code" in answer;
}

/**
 * The result of a field that may be refused.
 * @throws {LociRefused} when it was
 */
export function accepted<Result extends object>(answer: Result | Refusal): Result {
  if (isRefusal(answer)) throw new LociRefused(answer);
  return answer;
}

/**
 * The tenant that was asked for.
 * @throws {LociRefused} when nobody was ever signed up under its key
 */
export function existing<Tenant>(tenant: Tenant | null): Tenant {
  if (tenant !== null) return tenant;
  throw new LociRefused({
    code: "TENANT_NOT_FOUND",
    message: "There is no tenant of this key.",
    retryable: false,
  });
}

/**
 * What went wrong, for a log. graphql-request puts the whole request into the message of its own error, texts and keys and all,
 * so that one is told by its status alone.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof ClientError) return `Loci answered ${error.response.status} without a result.`;
  return error instanceof Error ? error.message : String(error);
}
