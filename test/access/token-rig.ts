import { errorFields } from "../main-job.ts";
import type { World } from "../world.ts";

/** What tests of tokens ask for, and get. */

/** A token as the API shows it. */
export interface TokenView {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly actor: string;
  readonly tenant: { readonly key: string } | null;
  readonly isReadOnly: boolean;
  readonly entityType: string | null;
  readonly entityName: string | null;
  readonly createdBy: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly replacedAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
}

/** An answer of one of the three mutations. */
export interface TokenAnswer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly problems?: readonly { readonly field: string; readonly message: string }[];
  readonly apiToken?: TokenView;
  readonly token?: string;
}

/** A token that was made. */
export interface MadeToken {
  readonly token: string;
  readonly apiToken: TokenView;
}

/** What tests ask for of a token. */
export const tokenFields = `id kind label actor tenant { key } isReadOnly entityType entityName createdBy expiresAt
  lastUsedAt replacedAt revokedAt revokedBy`;

/** Does something to tokens as the admin, whatever comes of it. */
export async function tokenVerb(
  world: Pick<World, "send">,
  verb: "createApiToken" | "rotateApiToken" | "revokeApiToken",
  input: object,
): Promise<TokenAnswer> {
  const type = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
  const payload =
    verb === "revokeApiToken"
      ? `... on RevokeApiTokenPayload { apiToken { ${tokenFields} } }`
      : `... on ApiTokenPayload { token apiToken { ${tokenFields} } }`;
  const { answer } = await world.send<{ answer: TokenAnswer }>(
    `mutation ($input: ${type}Input!) { answer: ${verb}(input: $input) { __typename ${payload} ${errorFields} } }`,
    { input },
  );
  return answer;
}

/** Makes a token, or takes another's place with it. */
export async function madeBy(answering: Promise<TokenAnswer>): Promise<MadeToken> {
  const answer = await answering;
  const { token, apiToken } = answer;
  if (token === undefined || apiToken === undefined) throw new Error(JSON.stringify(answer));
  return { token, apiToken };
}

/** A new token. */
export function newToken(world: Pick<World, "send">, input: object): Promise<MadeToken> {
  return madeBy(tokenVerb(world, "createApiToken", { label: "test", reason: "A test.", ...input }));
}

/** An answer of the API to the bearer of a token. */
export interface Heard<Data> {
  readonly status: number;
  /** As it came, but for how long calls of Mem0 took. */
  readonly body: string;
  readonly data: Data | null;
  /** The codes of the errors, if any. */
  readonly codes: readonly string[];
}

/** Sends a document by a token. */
export async function sendAs<Data = Record<string, unknown>>(
  { url }: Pick<World, "url">,
  token: string,
  query: string,
  variables: object = {},
): Promise<Heard<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      ...{ authorization: `Bearer ${token}`, "content-type": "application/json" },
      accept: query.startsWith("subscription") ? "text/event-stream" : "application/json",
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.text()).replace(/"waitedMs":\d+/, '"waitedMs":0');
  const [json = "{}"] = /\{.*\}/s.exec(body) ?? [];
  const { data = null, errors = [] } = JSON.parse(json) as {
    data?: Data | null;
    errors?: { extensions?: { code?: string } }[];
  };
  return {
    ...{ status: response.status, body, data },
    codes: errors.map(({ extensions }) => extensions?.code ?? ""),
  };
}
