/**
 * Where GraphiQL keeps its tabs and theme: sessionStorage, so that a reload loses nothing and closing the tab leaves
 * nothing behind. After `forgetEverything` it takes no more writes, because GraphiQL saves its tabs a moment after a
 * change and would otherwise put them back before the page is gone.
 */
let isForgotten = false;

export const tabStorage = {
  getItem: (key) => sessionStorage.getItem(key),
  setItem: (key, value) => {
    if (!isForgotten) sessionStorage.setItem(key, value);
  },
  removeItem: (key) => sessionStorage.removeItem(key),
  clear: () => {
    for (const key of Object.keys(sessionStorage))
      if (key.startsWith("graphiql:")) sessionStorage.removeItem(key);
  },
  get length() {
    return Object.keys(sessionStorage).filter((key) => key.startsWith("graphiql:")).length;
  },
};

/**
 * The tab that was chosen when GraphiQL last saved, or undefined. GraphiQL goes on with it only when it is told its
 * content; left to itself it opens an empty tab beside the others at every reload.
 */
export function readChosenTab() {
  const { tabs, activeTabIndex } = JSON.parse(tabStorage.getItem("graphiql:tabState") ?? "{}");
  return tabs?.[activeTabIndex];
}

/** Empties the storage, token and tabs alike, and starts the page anew, so that answers on the screen go as well. */
export function forgetEverything() {
  isForgotten = true;
  sessionStorage.clear();
  location.reload();
}
