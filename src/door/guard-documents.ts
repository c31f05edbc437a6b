import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
} from "graphql";
import { isAsyncIterable, type Plugin } from "graphql-yoga";
import type { Caller } from "../access/caller.ts";
import { PriceList } from "./cost.ts";
import { hasMoreValues } from "./count-values.ts";
import type { DoorOptions } from "./door-options.ts";
import { costLimits, variableValuesMax } from "./limits.ts";
import { DocumentReader } from "./read-document.ts";
import { doorRefusal, invalidRequest, withCode } from "./refusals.ts";
import { sentHash, type TrustedDocuments } from "./trusted-documents.ts";

/** What of a request the guard looks at, beside what Yoga puts there. */
type Guarded = {
  readonly caller: Caller;
  /** Said by the guard: whether it changes nothing, so that it may be broken off at any time. */
  isQuery?: boolean;
};

type GuardOptions = Pick<DoorOptions, "isDevelopment" | "trustedDocuments">;

/**
 * Refuses documents before any resolver runs: by their size and shape, by whether they fit the schema, by what they would cost,
 * and those of a tenant's callers that are not trusted where only such are. Tells `extensions.cost` in every answer that has
 * got that far; what a subscription tells, later, has none.
 *
 * What is wrong with a document, and the schema itself, is told in development and to callers who have `control:read`. All others
 * get one and the same error for whatever does not fit the schema.
 */
export function guardDocuments(
  schema: GraphQLSchema,
  { isDevelopment, trustedDocuments }: GuardOptions,
): Plugin<Guarded, Guarded> {
  const priceList = new PriceList(schema);
  const reader = new DocumentReader(schema);
  const isTold = ({ scopes }: Caller) => isDevelopment || scopes.has("control:read");
  return {
    onParams: ({ params, setParams, context: { caller } }) => {
      if (hasMoreValues(params.variables, variableValuesMax))
        throw doorRefusal("TOO_MANY_VALUES", `Variables hold at most ${variableValuesMax} values.`);
      if (trustedDocuments === null) return;
      const query = trustedQuery(trustedDocuments, params, caller);
      if (query !== undefined) setParams({ ...params, query });
    },
    onParse: ({ params: { source }, context: { caller, request, params }, ...parsing }) => {
      const { document, isIntrospecting } = readFor(reader, String(source), isTold(caller));
      if (isIntrospecting && !isTold(caller)) throw invalidRequest();
      const operation = getOperationAST(document, params.operationName);
      if (!operation) {
        const message = "Name one of the document's operations as `operationName`.";
        throw isTold(caller) ? doorRefusal("OPERATION_RESOLUTION_FAILURE", message) : invalidRequest();
      }
      if (request.method === "GET" && operation.operation !== "query") throw notByGet();
      parsing.extendContext({ isQuery: operation.operation === "query" });
      parsing.setParsedDocument(document);
    },
    onValidate: ({ context: { caller, params }, setResult }) => {
      const { problems } = reader.read(params.query ?? "");
      setResult(problems.length === 0 || isTold(caller) ? [...problems] : [invalidRequest()]);
    },
    onExecute: ({ args, context: { caller }, setResultAndStopExecution }) => {
      const judged = judgeCost(priceList, args, caller, isTold(caller));
      if (judged instanceof GraphQLError) return setResultAndStopExecution({ errors: [judged] });
      const { cost, refusal } = judged;
      if (refusal !== null) return setResultAndStopExecution({ errors: [refusal], extensions: { cost } });
      return {
        onExecuteDone: ({ result, setResult }) => {
          if (!isAsyncIterable(result)) setResult({ ...result, extensions: { ...result.extensions, cost } });
        },
      };
    },
    onSubscribe: ({ args, context: { caller }, setResultAndStopExecution }) => {
      const judged = judgeCost(priceList, args, caller, isTold(caller));
      const error = judged instanceof GraphQLError ? judged : judged.refusal;
      if (error !== null) setResultAndStopExecution({ errors: [error] });
    },
  };
}

/** The same for everybody where it is about size, and no more than told where it is about words. */
function readFor(reader: DocumentReader, source: string, isTold: boolean) {
  try {
    return reader.read(source);
  } catch (error) {
    if (!(error instanceof GraphQLError) || error.extensions["code"] !== undefined) throw error;
    // What graphql-js throws has no code: it is a syntax error.
    throw isTold ? withCode(error, "GRAPHQL_PARSE_FAILED") : invalidRequest();
  }
}

function notByGet(): GraphQLError {
  return new GraphQLError("Only a query can be asked by GET.", {
    extensions: { code: "BAD_REQUEST", http: { status: 405, headers: { allow: "POST" }, spec: false } },
  });
}

/** What is to be executed instead of a hash. Undefined: the document that was sent. @throws {GraphQLError} when that is not trusted */
function trustedQuery(
  trusted: TrustedDocuments,
  { query, extensions }: { readonly query?: unknown; readonly extensions?: unknown },
  caller: Caller,
): string | undefined {
  const isBound = caller.tenantId !== null;
  const hash = sentHash(extensions);
  const known = hash === null ? undefined : trusted.get(hash);
  const isSent = query !== undefined && query !== null;
  if (!isSent && known !== undefined) return known;
  if (isBound || (!isSent && hash !== null))
    throw doorRefusal(
      "PERSISTED_QUERY_NOT_IN_LIST",
      "Send the SHA-256 of a document that is trusted here, and no document.",
    );
  return undefined;
}

interface Judged {
  readonly cost: { readonly requested: number; readonly limit: number };
  readonly refusal: GraphQLError | null;
}

interface ExecutionArgs {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: { readonly [name: string]: unknown } | null | undefined;
}

/** What an operation costs, and whether that is too much; or why it cannot be told. */
function judgeCost(
  priceList: PriceList,
  { schema, document, operationName, variableValues }: ExecutionArgs,
  caller: Caller,
  isTold: boolean,
): Judged | GraphQLError {
  const operation = getOperationAST(document, operationName);
  if (!operation) return invalidRequest();
  const { variableDefinitions = [] } = operation;
  const read = getVariableValues(schema, variableDefinitions, { ...variableValues }, { maxErrors: 1 });
  const [bad = null] = read.errors ?? [];
  if (bad !== null) return isTold ? withCode(bad, "BAD_REQUEST") : invalidRequest();
  const limit = caller.scopes.has("control:read") ? costLimits.privileged : costLimits.others;
  const requested = priceList.costOf(document, operation, read.coerced ?? {});
  const message = "The operation would cost more than it may: ask for less at once.";
  return {
    cost: { requested, limit },
    refusal: requested > limit ? doorRefusal("TOO_COSTLY", message) : null,
  };
}
