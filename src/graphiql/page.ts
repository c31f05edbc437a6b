import { type AssetSource, collectAssets } from "./assets.ts";

/** A tab that a person finds open the first time: a document that does something as it stands. */
export interface PresetTab {
  /** The tab's title. It has to be the operation's name in `query`: GraphiQL titles a tab by that name alone. */
  readonly name: string;
  /** The document. Every {@link FRESH_KEY} in it becomes a random key of its own when the tabs are made. */
  readonly query: string;
  /** The variables as JSON text; none when left out. */
  readonly variables?: string;
}

/** One file that the page asks for, ready to be sent. */
export interface GraphiqlAsset {
  readonly contentType: string;
  readonly body: Buffer | string;
  /** The value for `Cache-Control`. Every asset's path holds a hash of what is behind it, so this never goes stale. */
  readonly cacheControl: string;
}

/** What {@link loadGraphiql} needs to know. */
export interface GraphiqlOptions {
  /** Path of the GraphQL endpoint on the page's own origin, such as `/graphql`; another origin is blocked by the page's policy. */
  readonly endpoint: string;
  /** Plain text, shown as the page's title and in its bar. */
  readonly title: string;
  readonly presets: readonly PresetTab[];
}

/**
 * Stands in a preset where an idempotency key belongs. The page puts a fresh random key (32 hexadecimal digits) in place
 * of each occurrence when it makes the tabs, so that Play works at once and two people never share a key.
 */
export const FRESH_KEY = "{{fresh idempotency key}}";

/**
 * The page may run scripts of our own origin alone: nothing inline, no `eval`, no other host. Styles are the exception:
 * the editor (Monaco) makes `<style>` elements and `style` attributes as it runs and offers no nonce for them. Its fonts
 * and icons are `data:` URLs inside its style sheet.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * Makes GraphiQL ready to be served by this process alone: no request of the page leaves its origin, and it works
 * without internet.
 *
 * `page` and `headers` answer `GET <endpoint>` with `Accept: text/html`, and need no token: nothing in them is secret.
 * `asset(path)` takes the path of a request (without its query) and gives the file behind it, or null where there is
 * none; every such path starts with `/graphiql/`. The editor itself (some 9 MB) is read into memory at the first request
 * for it, which takes about 0.1 s, so that starting the server costs nothing.
 *
 * @throws {Error} when a preset's name is not the name of its operation, or when GraphiQL's package is not installed.
 */
export function loadGraphiql(options: GraphiqlOptions): {
  readonly page: string;
  readonly headers: Record<string, string>;
  asset(path: string): GraphiqlAsset | null;
} {
  for (const preset of options.presets) requireNamedOperation(preset);
  const { version, sources } = collectAssets();
  const folder = `/graphiql/${version}/`;
  return {
    page: renderPage(options, folder),
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": contentSecurityPolicy,
      "cross-origin-opener-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      // The same path answers API clients with JSON.
      vary: "accept",
    },
    asset: (path) => (path.startsWith(folder) ? toAsset(sources.get(path.slice(folder.length))) : null),
  };
}

function toAsset(source: AssetSource | undefined): GraphiqlAsset | null {
  if (source === undefined) return null;
  return {
    contentType: source.contentType,
    body: source.read(),
    cacheControl: "public, max-age=31536000, immutable",
  };
}

function requireNamedOperation({ name, query }: PresetTab): void {
  const operation = /^\s*(?:query|mutation|subscription)\s+(\w+)/m.exec(query);
  if (operation?.[1] !== name) {
    throw new Error(`the preset tab "${name}" holds an operation named "${operation?.[1] ?? ""}"`);
  }
}

function renderPage({ endpoint, title, presets }: GraphiqlOptions, folder: string): string {
  // The page's script finds its own files relative to itself, so these are the only paths it needs.
  const settings = { endpoint, presets, freshKey: FRESH_KEY };
  const name = escapeHtml(title);
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${name}</title>
  <link rel="icon" type="image/svg+xml" href="${folder}icon.svg">
  <link rel="stylesheet" href="${folder}page.css">
  <link rel="stylesheet" href="${folder}graphiql.css">
  <script type="application/json" id="settings">${escapeJson(JSON.stringify(settings))}</script>
  <script defer src="${folder}graphiql.js"></script>
  <script type="module" src="${folder}page.js"></script>
</head>
<body>
  <header id="token-bar" data-token="absent">
    <strong class="brand"><img src="${folder}icon.svg" alt="" width="24" height="24">${name}</strong>
    <form id="token-form" autocomplete="off">
      <label for="token">Paste the admin token that <code>npm start</code> printed; it is also in the file
        <code>admin-token</code> of the data folder.</label>
      <span class="token-entry">
        <input id="token" type="text" placeholder="admin token" autocomplete="off" autocapitalize="off"
          spellcheck="false" aria-describedby="token-status">
        <button type="submit">Use token</button>
      </span>
    </form>
    <p id="token-status" role="status"></p>
    <button id="forget-token" type="button" hidden>Forget token</button>
  </header>
  <noscript>This page needs JavaScript. The API itself does not: send a POST to ${escapeHtml(endpoint)}.</noscript>
  <main id="graphiql"></main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Keeps a `</script>` inside a string from ending the element that holds the JSON; the JSON means the same. */
function escapeJson(json: string): string {
  return json.replaceAll("<", "\\u003c");
}
