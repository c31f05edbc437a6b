import { forgetEverything } from "./tab-storage.js";
import { keepToken, readToken } from "./token.js";

const bar = document.querySelector("#token-bar");
const form = document.querySelector("#token-form");
const input = document.querySelector("#token");
const status = document.querySelector("#token-status");
const forget = document.querySelector("#forget-token");

/** What the bar says in each state; the states in `open` show the form. */
const words = {
  absent: "",
  missing: "The server wants a token (HTTP 401). Paste it, then press Play again.",
  malformed:
    "That cannot be a token: it has spaces or special characters in it. Copy the whole token, nothing else.",
  refused: "The server refused this token (HTTP 401), so it was dropped. Paste the right one.",
  untried: "Token set. Asking the server …",
  accepted: "Token accepted. It stays in this browser tab until you close the tab or forget it.",
  unreachable: "Token set, but the server does not answer. Is it running?",
};
const open = new Set(["absent", "missing", "malformed", "refused"]);

/** Shows a state of the token: one of the keys of `words`. */
export function showToken(state) {
  const isOpen = open.has(state);
  bar.dataset.token = state;
  status.textContent = words[state];
  form.hidden = !isOpen;
  forget.hidden = isOpen;
  input.toggleAttribute("aria-invalid", isOpen && state !== "absent");
  if (isOpen && state !== "absent") input.focus();
}

/** Makes the bar work. Called once, when the page opens. */
export function startTokenBar() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const isKept = keepToken(input.value);
    input.value = "";
    showToken(isKept ? "untried" : "malformed");
  });
  forget.addEventListener("click", forgetEverything);
  showToken(readToken() === null ? "absent" : "untried");
  if (readToken() === null) input.focus();
}
