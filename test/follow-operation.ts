import type { World } from "./world.ts";

/** A subscription over server-sent events, as a client reads it. */
export interface Following {
  readonly response: Response;
  /** The next result; null when the server has said that it is complete. */
  next(): Promise<FollowedResult | null>;
  /** All results up to the end. */
  rest(): Promise<FollowedResult[]>;
  /** How often the server only showed that it is there. */
  beats(): number;
  /** Goes away without a word, as a client does that is cut off. */
  leave(): void;
}

/** What comes with each event. */
export interface FollowedResult {
  readonly data?: { readonly operationUpdated: FollowedOperation } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
}

/** What tests look at of an operation that is followed. */
export interface FollowedOperation {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly tenant: { readonly status: string };
  readonly steps: readonly { readonly name: string; readonly status: string }[];
}

const document = `subscription ($id: ID!) { operationUpdated(id: $id) {
  id status reason tenant { status } steps { name status } } }`;

/** Subscribes to an operation, by its id in the API. */
export async function followOperation(
  { url, token }: Pick<World, "url" | "token">,
  id: string,
): Promise<Following> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      ...{ "content-type": "application/json", accept: "text/event-stream" },
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query: document, variables: { id } }),
    signal: leaving.signal,
  });
  let beats = 0;
  const results = readResults(response, () => {
    beats += 1;
  });
  const next = async () => (await results.next()).value ?? null;
  return {
    response,
    next,
    rest: async () => {
      const rest: FollowedResult[] = [];
      for (let result = await next(); result !== null; result = await next()) rest.push(result);
      return rest;
    },
    beats: () => beats,
    leave: () => leaving.abort(),
  };
}

async function* readResults(response: Response, onBeat: () => void) {
  if (response.body === null) throw new Error("An answer without a body.");
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const [first = "", second = ""] = event.split("\n");
      if (first === ":") onBeat();
      else if (first === "event: complete") return;
      else if (first === "event: next") yield JSON.parse(second.replace(/^data: /, "")) as FollowedResult;
      else throw new Error(`Neither a result nor the end: ${event}`);
    }
  }
  throw new Error("It ended without saying that it is complete.");
}
