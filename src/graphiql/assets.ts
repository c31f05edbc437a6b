import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname } from "node:path";

/** One file of the page: what it is, and how to have its content. */
export interface AssetSource {
  readonly contentType: string;
  /** Gives the content. Repeats give the same; only the first one for GraphiQL's own files takes time (about 0.1 s). */
  read(): string;
}

const require = createRequire(import.meta.url);
const graphiqlPackage = "@graphql-yoga/render-graphiql";

/**
 * The files that run in the browser are plain JavaScript and CSS, which the TypeScript build neither reads nor copies.
 * `src/graphiql/` and `dist/graphiql/` lie equally deep, so both find them in the one place where they are.
 */
const browserFolder = new URL("../../src/graphiql/browser/", import.meta.url);

/** Only text: GraphiQL's fonts and icons are inside its style sheet. */
const contentTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml; charset=utf-8",
};

/** GraphiQL's package holds its files as strings; under these names the page asks for them. */
const graphiqlFiles = {
  "graphiql.js": "js",
  "graphiql.css": "css",
  "editorWorkerService.worker.js": "editorWorkerService",
  "graphql.worker.js": "graphqlWorker",
  "json.worker.js": "jsonWorker",
} as const satisfies Record<string, keyof typeof import("@graphql-yoga/render-graphiql/graphiql")>;

/**
 * Finds every file the page may ask for, by name. `version` changes whenever one of them does (our own files by their
 * content, GraphiQL's by its package's version), so a path that holds it may be cached for ever.
 *
 * @throws {Error} when GraphiQL's package is not installed, or a file of ours has an ending without a content type.
 */
export function collectAssets(): {
  readonly version: string;
  readonly sources: ReadonlyMap<string, AssetSource>;
} {
  const sources = new Map<string, AssetSource>();
  // The manifest of an npm package always has a version (npm refuses to publish one without).
  const manifest = require(`${graphiqlPackage}/package.json`) as { readonly version: string };
  const hash = createHash("sha256").update(manifest.version);
  for (const name of readdirSync(browserFolder).sort()) {
    const content = readFileSync(new URL(name, browserFolder), "utf8");
    hash.update(`\0${name}\0${content}`);
    sources.set(name, { contentType: contentTypeOf(name), read: () => content });
  }
  for (const [name, key] of Object.entries(graphiqlFiles)) {
    sources.set(name, { contentType: contentTypeOf(name), read: () => readGraphiql()[key] });
  }
  return { version: hash.digest("hex").slice(0, 16), sources };
}

/** Node keeps the module after the first call, so this costs time once. */
function readGraphiql(): typeof import("@graphql-yoga/render-graphiql/graphiql") {
  // `require` is untyped; this is the package's own declaration of the same path.
  return require(`${graphiqlPackage}/graphiql`) as typeof import("@graphql-yoga/render-graphiql/graphiql");
}

function contentTypeOf(name: string): string {
  const contentType = contentTypes[extname(name)];
  if (contentType === undefined) throw new Error(`no content type is known for src/graphiql/browser/${name}`);
  return contentType;
}
