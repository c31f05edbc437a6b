import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  Lexer,
  parse,
  Source,
  TokenKind,
  validate,
} from "graphql";
import { LRUCache } from "lru-cache";
import { documentLimits, keptDocuments } from "./limits.ts";
import { measureDocument } from "./measure-document.ts";
import { doorRefusal, withCode } from "./refusals.ts";

/** A document within all limits, which may still not fit the schema. */
export interface ReadDocument {
  readonly document: DocumentNode;
  /** What of it does not fit the schema. Empty: it may be executed. */
  readonly problems: readonly GraphQLError[];
  /** Whether it asks for the schema. */
  readonly isIntrospecting: boolean;
  readonly tokens: number;
}

const opening: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** Reads documents, and keeps those that were good: the cheaper a check the earlier, and each ends the reading. */
export class DocumentReader {
  readonly #schema: GraphQLSchema;
  readonly #kept = new LRUCache<string, ReadDocument>({
    max: keptDocuments.countMax,
    maxSize: keptDocuments.tokensMax,
    sizeCalculation: ({ tokens }, source) => 1 + tokens + Math.ceil(source.length / 200),
  });

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** @throws {GraphQLError} when it cannot be parsed, or is beyond `documentLimits` */
  read(source: string): ReadDocument {
    const kept = this.#kept.get(source);
    if (kept !== undefined) return kept;
    const tokens = countTokens(source);
    const document = parse(source);
    const { isIntrospecting } = measureDocument(document);
    const problems = validate(this.#schema, document, undefined, { maxErrors: 10 }).map((problem) =>
      withCode(problem, "GRAPHQL_VALIDATION_FAILED"),
    );
    const read = { document, problems, isIntrospecting, tokens };
    this.#kept.set(source, read);
    return read;
  }
}

/** Counts before anything is built, and refuses what the parser could not follow to its end: it calls itself at each bracket. */
function countTokens(source: string): number {
  const { charactersMax, tokensMax, nestingMax } = documentLimits;
  if (source.length > charactersMax)
    throw doorRefusal("DOCUMENT_TOO_LONG", `A document has at most ${charactersMax} characters.`);
  const lexer = new Lexer(new Source(source));
  let nesting = 0;
  for (let tokens = 0; ; tokens += 1) {
    const { kind } = lexer.advance();
    if (kind === TokenKind.EOF) return tokens;
    if (tokens >= tokensMax)
      throw doorRefusal("TOO_MANY_TOKENS", `A document has at most ${tokensMax} tokens.`);
    if (opening.has(kind)) nesting += 1;
    if (closing.has(kind)) nesting -= 1;
    if (nesting > nestingMax)
      throw doorRefusal("TOO_DEEP", `Brackets must not lie deeper in each other than ${nestingMax}.`);
  }
}
