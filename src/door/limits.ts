/**
 * What a GraphQL document may be, before anything of it is executed. All are far above what the examples, GraphiQL and the tests
 * send. Counts are of one operation, with its fragments written out.
 */
export const documentLimits = {
  /** UTF-16 units of the document. Data travels in variables. */
  charactersMax: 100_000,
  /** Lexical tokens of the document; comments are none. */
  tokensMax: 4_000,
  /** Brackets of any kind within each other. A filter of 20 within 20, written out, has some 45. */
  nestingMax: 100,
  /** Fields below each other, without those of the introspection. */
  depthMax: 12,
  /** Fields below `__schema` or `__type`, it included. The query of GraphiQL has 15. */
  introspectionDepthMax: 20,
  /** `__schema` and `__type`: each of them may list the whole schema. */
  introspectionsMax: 3,
  /** Of fields with arguments or fields below them, which could be asked again and again that way. */
  aliasesMax: 30,
  directivesMax: 20,
  /** Fields of the root: each is a query of its own. */
  rootFieldsMax: 20,
  /** All fields: comparing those of one name with each other, as GraphQL must, takes the square of it. */
  fieldsMax: 500,
} as const;

/** How many values variables may hold, objects and lists among them. Deleting 10,000 memories takes as many and a few. */
export const variableValuesMax = 20_000;

/**
 * What fields are worth: one of them is about what a row of Postgres costs. There is one price for whoever has `control:read`,
 * whose pages go over all tenants; a tenant's and the other tokens do less in one request.
 */
export const prices = {
  /** Any field. */
  field: 1,
  /** A field that calls Mem0, for each call. */
  upstreamField: 50,
  /** Each of the ids that a field is given to look up, whatever is asked of what it finds. */
  lookedUp: 10,
  /** Things in a list whose length no argument says. */
  unsizedList: 10,
  /** Things in a connection whose size nobody gave. */
  connection: 20,
  /** What a search finds when nobody says how much. */
  topK: 10,
} as const;

/** How much one operation may cost, in `prices`. */
export const costLimits = { privileged: 50_000, others: 20_000 } as const;

/** Documents that are kept read, at most; and their tokens all together, some 400 bytes each. */
export const keptDocuments = { countMax: 1_000, tokensMax: 100_000 } as const;

/** Failed attempts to authenticate by one remote address, in a minute. */
export const failuresPerMinute = 100;

/** Addresses and credentials that are remembered for having been let in, and for how long, in milliseconds. */
export const letIn = { countMax: 10_000, keptMs: 3_600_000 } as const;
