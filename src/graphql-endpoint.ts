import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { GraphQLError } from "graphql";
import { createYoga, isAsyncIterable, type Plugin } from "graphql-yoga";
import type { Logger } from "pino";
import { abortingCalls, abortingDoor } from "./abort-reads.ts";
import type { Caller } from "./access/caller.ts";
import { withTenantSession } from "./database/tenant-session.ts";
import { closedDoor, type DoorOptions } from "./door/door-options.ts";
import { guardDocuments } from "./door/guard-documents.ts";
import { Mem0Error } from "./mem0/errors.ts";
import { createAccessLoader } from "./memory-access/access-loader.ts";
import { createStepDurations } from "./provisioning/step-durations.ts";
import type { Context } from "./schema/builder.ts";
import { isNestedTooDeep, nestingMax } from "./schema/nesting.ts";
import { schema } from "./schema/schema.ts";
import { UpstreamMeter } from "./schema/upstream-meter.ts";
import { isDatabaseOutage } from "./tenants/database-outage.ts";

/** A request that was authenticated and whose body was read. Whatever is neither GET nor POST is refused by Yoga. */
export interface GraphqlRequest {
  readonly request: IncomingMessage;
  readonly body: Buffer;
  /** What faults are told and logged by. */
  readonly requestId: string;
  /** Who was let in. */
  readonly caller: Caller;
  /** Aborted when the client has gone, and nobody wants the answer. */
  readonly gone: AbortSignal;
  /** Aborted when the answer is to be given without waiting for operations any longer. */
  readonly wait: AbortSignal;
}

/** GraphQL over HTTP, by Yoga. */
export interface GraphqlEndpoint {
  /** Executes a request. Faults come back masked, with the request's id to find them in the log by. */
  fetch(request: GraphqlRequest): Promise<Response>;
}

interface ServerContext {
  readonly wait: AbortSignal;
  readonly gone: AbortSignal;
  readonly requestId: string;
  readonly caller: Caller;
  /** See `guardDocuments`. */
  readonly isQuery?: boolean;
}

/**
 * Makes the endpoint. What resolvers work with is `world`, and for each request who asks. Of the door's options, what is left out
 * is as in `closedDoor`.
 */
export function createGraphqlEndpoint(
  world: Pick<Context, "prisma" | "provisioning" | "engine" | "watch" | "door" | "projectKeys" | "apiTokens">,
  log: Logger,
  door: Partial<DoorOptions> = {},
): GraphqlEndpoint {
  const durations = createStepDurations(world.prisma);
  // Yoga does not tell which request an error belongs to.
  const requestIds = new AsyncLocalStorage<string>();
  const yoga = createYoga<ServerContext>({
    schema,
    graphqlEndpoint: "/graphql",
    graphiql: false,
    landingPage: false,
    // By default Yoga would let every origin in, and take forms, which a browser sends without asking first.
    cors: false,
    multipart: false,
    batching: false,
    logging: false,
    // The guard keeps what it has read, by its size; Yoga would keep whatever it is sent.
    parserAndValidationCache: false,
    plugins: [
      guardDocuments(schema, { ...closedDoor, ...door }),
      refuseDeepVariables,
      breakOffQueries,
      tellUpstreamCost,
    ],
    maskedErrors: { maskError: (error) => maskError(error, requestIds.getStore() ?? randomUUID(), log) },
    context: ({ wait, gone, requestId, caller, isQuery = false }): Context => {
      const prisma = prismaFor(world, caller);
      return {
        ...{ ...world, prisma, requestId, durations, caller },
        ...(isQuery ? endingWith(gone, world) : {}),
        meter: new UpstreamMeter(),
        accessLoader: createAccessLoader({ ...world.projectKeys, prisma }),
        signal: wait,
      };
    },
  });
  return {
    fetch: async ({ request, body, requestId, caller, gone, wait }) => {
      const { method = "GET", headers } = request;
      const init = {
        method,
        headers: {
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
          // The server lets in nothing but JSON, which Yoga does not know by all of its names.
          ...(method === "POST" ? { "content-type": "application/json" } : {}),
        },
        signal: gone,
        ...(method === "POST" ? { body: new Uint8Array(body) } : {}),
      };
      const url = `http://loci.internal${request.url ?? "/graphql"}`;
      const answer = await requestIds.run(requestId, async () =>
        yoga.fetch(url, init, { wait, gone, requestId, caller }),
      );
      return readWithin(answer, (read) => requestIds.run(requestId, read));
    },
  };
}

/**
 * What resolvers read by: for a tenant's own caller the database itself shows them that tenant alone. The audit writes on
 * `provisioning`'s client, and the door decides by one statement of its own for the id in the credential.
 */
function prismaFor({ prisma }: Pick<Context, "prisma">, { tenantId }: Caller): Context["prisma"] {
  return tenantId === null ? prisma : withTenantSession(prisma, tenantId);
}

/** What a query reads Mem0 by ends with the request. What a mutation calls does not. */
function endingWith(gone: AbortSignal, { door, provisioning }: Pick<Context, "door" | "provisioning">) {
  return {
    door: abortingDoor(door, gone),
    provisioning: { ...provisioning, mem0: abortingCalls(provisioning.mem0, gone) },
  };
}

/** Starts no more resolvers of a query that nobody waits for any more. A mutation goes on to its end. */
const breakOffQueries: Plugin<ServerContext> = {
  onExecute: ({ args, context: { gone, isQuery } }) => {
    // The executor takes a signal, which Envelop's type does not know.
    if (isQuery === true) Object.assign(args, { signal: gone });
  },
};

/** Filters lie in each other without end, and what is too deep would overflow the stack before any rule of ours is asked. */
const refuseDeepVariables: Plugin<Context> = {
  onParams: ({ params, setResult }) => {
    if (!isNestedTooDeep(params.variables)) return;
    const message = `Variables must not be nested deeper than ${nestingMax}.`;
    setResult({ errors: [new GraphQLError(message, { extensions: { code: "BAD_REQUEST" } })] });
  },
};

/** Says in the response what its calls of Mem0 cost. Subscriptions, whose responses have no end, leave it out. */
const tellUpstreamCost: Plugin<Context> = {
  onExecute: ({ context: { meter } }) => ({
    onExecuteDone: ({ result, setResult }) => {
      const cost = meter.cost();
      if (cost === null || isAsyncIterable(result)) return;
      setResult({ ...result, extensions: { ...result.extensions, upstream: cost } });
    },
  }),
};

/** What comes after the first result of a subscription is executed when it is read, and has to be read under its request. */
function readWithin(answer: Response, within: (read: () => Promise<void>) => Promise<void>): Response {
  const { body, status, headers } = answer;
  if (body === null || headers.get("content-type") !== "text/event-stream") return answer;
  const reader = body.getReader();
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) =>
    within(async () => {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    });
  // Nothing is read ahead: what a slow client does not take is not made.
  const stream = new ReadableStream(
    { pull, cancel: (reason) => reader.cancel(reason) },
    { highWaterMark: 0 },
  );
  return new Response(stream, { status, headers });
}

/** Whether an error was meant for the caller: a GraphQLError that wraps nothing but its like. */
function isForCaller(error: unknown): error is GraphQLError {
  if (!(error instanceof GraphQLError)) return false;
  return error.originalError === undefined || isForCaller(error.originalError);
}

/** A fault is logged once, here, and told to the caller by a correlation id alone: the request's id. */
function maskError(error: unknown, correlationId: string, log: Logger): Error {
  if (isForCaller(error)) return error;
  const { originalError = error, path = null, nodes = null } = error instanceof GraphQLError ? error : {};
  // Yoga reads what stands in a URL or a form by JSON.parse, whose error quotes what it read; a resolver's has a path.
  if (originalError instanceof SyntaxError && path === null) {
    return new GraphQLError("`variables` and `extensions` must be JSON.", {
      extensions: { code: "BAD_REQUEST", http: { status: 400 } },
    });
  }
  log.error({ err: originalError, correlationId, path }, "graphql fault");
  if (!(originalError instanceof Mem0Error) && isDatabaseOutage(originalError)) {
    const message =
      "The database is away for the moment; ask again. A mutation may have been done: the same idempotency key tells.";
    return new GraphQLError(message, {
      ...(nodes === null ? {} : { nodes }),
      path,
      extensions: { code: "DATABASE_UNAVAILABLE", retryable: true, correlationId },
    });
  }
  return new GraphQLError(`Internal error. The log tells more, under ${correlationId}.`, {
    ...(nodes === null ? {} : { nodes }),
    path,
    extensions: { code: "INTERNAL_SERVER_ERROR", correlationId },
  });
}
