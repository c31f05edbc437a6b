import pg from "pg";

/** Whose a statement is: the durable engine's, or ours. Transactions are told apart by their connection. */
export type Party = "engine" | "loci";

/** A kind of statement, and how often it was sent. */
export interface StatementKind {
  readonly party: Party;
  /** The text in one line, with lists of parameters shortened. */
  readonly text: string;
  readonly count: number;
  /** From the call of the driver to its answer, on average. */
  readonly meanMs: number;
}

/** Counts what this process sends to Postgres. Each statement is one round trip, as both parties use the driver. */
export interface StatementCount {
  /** How many so far. */
  total(): number;
  /** Counts no more. Answers the kinds, the most frequent first. */
  end(): readonly StatementKind[];
}

/** Counts from now on, until `end`. One at a time. It stands in the driver, so it makes every statement a bit slower. */
export function countStatements(): StatementCount {
  const original = pg.Client.prototype.query;
  const seen: Sent[] = [];
  const replacement = function (this: pg.Client, ...args: readonly unknown[]): unknown {
    const text = textOf(args[0]);
    if (text === null) return Reflect.apply(original, this, args);
    const begun = performance.now();
    const sent: Sent = { client: this, text: normalized(text), tookMs: null };
    const answered = () => {
      sent.tookMs = performance.now() - begun;
    };
    seen.push(sent);
    const answer: unknown = Reflect.apply(original, this, withCallback(args, answered));
    // Without a callback it is a promise. A failure is its caller's, and not ours to handle.
    if (answer instanceof Promise) answer.then(answered, answered);
    return answer;
  };
  const put = (value: unknown) =>
    Object.defineProperty(pg.Client.prototype, "query", { value, writable: true, configurable: true });
  put(replacement);
  return {
    total: () => seen.length,
    end: () => {
      put(original);
      // The engine has connections of its own, and names its schema in all it asks there.
      const engines = new Set(seen.filter(({ text }) => text.includes("dbos")).map(({ client }) => client));
      return kindsOf(seen, (client) => (engines.has(client) ? "engine" : "loci"));
    },
  };
}

/** A statement that was sent, and how long its answer took; null while there is none. */
interface Sent {
  readonly client: object;
  readonly text: string;
  tookMs: number | null;
}

function withCallback(args: readonly unknown[], answered: () => void): readonly unknown[] {
  return args.map((arg) => {
    if (typeof arg !== "function") return arg;
    return (...results: readonly unknown[]): unknown => {
      answered();
      return Reflect.apply(arg, undefined, results);
    };
  });
}

function kindsOf(seen: readonly Sent[], partyOf: (client: object) => Party): StatementKind[] {
  const kinds = new Map<string, { party: Party; text: string; took: (number | null)[] }>();
  for (const { client, text, tookMs } of seen) {
    const party = partyOf(client);
    const kind = kinds.get(`${party} ${text}`) ?? { party, text, took: [] };
    kind.took.push(tookMs);
    kinds.set(`${party} ${text}`, kind);
  }
  return [...kinds.values()]
    .map(({ party, text, took }) => {
      const answered = took.filter((ms) => ms !== null);
      const meanMs = answered.reduce((sum, ms) => sum + ms, 0) / answered.length;
      return { party, text, count: took.length, meanMs };
    })
    .sort((a, b) => b.count - a.count);
}

function textOf(query: unknown): string | null {
  if (typeof query === "string") return query;
  const isConfigured = typeof query === "object" && query !== null && "text" in query;
  return isConfigured && typeof query.text === "string" ? query.text : null;
}

function normalized(text: string): string {
  return text
    .replace(/--.*$/gm, " ")
    .replace(/\s+/g, " ")
    .replace(/\$\d+(::\w+)?(, ?\$\d+(::\w+)?)+/g, "$…")
    .replace(/(\(\$…\)|\(DEFAULT[^)]*\))(, ?(\(\$…\)|\(DEFAULT[^)]*\)))+/g, "$1…")
    .trim();
}

/** Shortens a statement to what one tells it by: columns to be read or inserted are left out. */
export function abridged(text: string, length: number): string {
  const short = text
    .replace(/"public"\./g, "")
    .replace(/"dbos"\./g, "dbos.")
    .replace(/"/g, "")
    .replace(/^SELECT (?:(?! FROM ).){40,}? FROM /, "SELECT … FROM ")
    .replace(/^(INSERT INTO [\w.]+ )\([^)]*\) ?(VALUES ?\([^)]*\)…?)?/, "$1… ")
    .replace(/RETURNING (?:\w+\.)*\w+ AS .*$|RETURNING \w+\.\w+(, .*)?$/, "RETURNING …")
    .replace(/\s+/g, " ");
  return short.length <= length ? short : `${short.slice(0, length - 1)}…`;
}
