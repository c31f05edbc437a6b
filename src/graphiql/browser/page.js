import { createFetcher } from "./send-query.js";
import { readChosenTab, tabStorage } from "./tab-storage.js";
import { showToken, startTokenBar } from "./token-bar.js";

const settings = JSON.parse(document.querySelector("#settings").textContent);

// GraphiQL takes a query from the address, and a reload would send the address again: neither a stranger's link nor a
// token in it has any business here.
if (location.search !== "" || location.hash !== "") history.replaceState(null, "", location.pathname);

startTokenBar();

// The editor starts its workers by these addresses; without them it would make them from inline text, which the page's
// policy forbids.
globalThis.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_moduleId, label) => new URL(`./${label}.worker.js`, import.meta.url).href,
};

// Switches the dragging of tabs off (page.css says why): what drags listens to this event, what selects does not.
document.addEventListener(
  "pointerdown",
  (event) => {
    if (event.target.closest(".graphiql-tab") !== null) event.stopPropagation();
  },
  { capture: true },
);

const presets = settings.presets.map(toTab);
const chosen = readChosenTab() ?? presets[0];

globalThis.YogaGraphiQL.renderYogaGraphiQL(document.querySelector("#graphiql"), {
  fetcher: createFetcher({ endpoint: settings.endpoint, showToken }),
  storage: tabStorage,
  defaultTabs: presets.length === 0 ? undefined : presets,
  query: chosen?.query ?? "",
  variables: chosen?.variables ?? "",
  // The bar above sends the one header there is; an editor for headers would put it into the tabs.
  isHeadersEditorEnabled: false,
  shouldPersistHeaders: false,
  // Left alone, this package writes every edited query into the address.
  onEditQuery: () => {},
  // The editor for variables takes a third of the height; it opens by itself only where a preset needs it.
  defaultEditorToolsVisibility: settings.presets.some((preset) => preset.variables !== undefined)
    ? "variables"
    : false,
  plugins: [],
  logo: "",
  title: "",
});

function toTab({ query, variables }) {
  return { query: query.replaceAll(settings.freshKey, createKey), variables: variables ?? null };
}

/** 128 random bits. `crypto.randomUUID` would do, but exists only on https and loopback addresses. */
function createKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
