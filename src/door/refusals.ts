import { GraphQLError } from "graphql";

/**
 * An error of the door: a code, a sentence that says nothing of the schema, and the HTTP status, whichever media type was
 * asked for.
 */
export function doorRefusal(code: string, message: string, status = 400): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, spec: false } } });
}

const messageMax = 500;

/** The same error with a code and HTTP 400. A message that quotes what was sent is cut. */
export function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, source, positions, nodes } = error;
  return new GraphQLError(message.length > messageMax ? `${message.slice(0, messageMax)}…` : message, {
    extensions: { code, http: { status: 400, spec: false } },
    ...{ nodes: nodes ?? null, source: source ?? null, positions: positions ?? null },
  });
}

/** The one answer to whatever is wrong with a document, for callers who are to learn nothing of the schema from it. */
export function invalidRequest(): GraphQLError {
  return doorRefusal("BAD_REQUEST", "The request is not valid.");
}
