// What the page says beside its views: outcomes, standing notices, questions, and the keys.

import { clean, fill, h } from "./dom.js";
import { faultWords } from "./api.js";

const PATIENCE = 8_000;

// A text with its commands, which the daemon puts between backticks, as such.
export function prose(text) {
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 ? h("code", null, part) : part));
}

// The daemon's words as a sentence of their own.
export function sentence(text) {
  const end = /[.?!]$/.test(text) ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}

// Tells an outcome for a while; a reader of the screen hears it.
export function tell(tone, text) {
  const toast = h("div", { class: `toast ${tone}`, "data-tone": tone }, h("p", null, typeof text === "string" ? prose(text) : text));
  const close = h("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => toast.remove() }, "×");
  toast.append(close);
  const all = document.querySelector("#toasts");
  all.append(toast);
  while (all.childElementCount > 4) all.firstElementChild.remove();
  // Bad news stays until somebody has seen it.
  if (tone !== "bad") setTimeout(() => toast.remove(), PATIENCE);
}

export function tellFault(fault) {
  if (fault.name === "AbortError") return;
  tell("bad", `That did not work: ${faultWords(fault)}.`);
}

const standing = new Map();

// Sets or, without a text, takes away a notice that stands above the view.
export function notice(key, tone, text) {
  if (!text) standing.delete(key);
  else standing.set(key, [tone, clean(text)]);
  const shown = [...standing].map(([key, [tone, text]]) => `${key}|${tone}|${text}`).join("\n");
  const place = document.querySelector("#notices");
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  fill(
    place,
    [...standing].map(([key, [tone, text]]) => h("p", { class: `notice ${tone}`, "data-notice": key, role: tone === "bad" ? "alert" : "status" }, prose(text))),
  );
}

// A dialog that is gone from the page when it is closed. Focus returns by itself to where it was.
export function dialog(title, ...content) {
  const id = `dialog-${document.querySelectorAll("dialog").length}`;
  const node = h("dialog", { "aria-labelledby": id }, h("h2", { id }, title), content);
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  node.showModal();
  return node;
}

// Asks before something that others would notice; true if it is to be done.
export function ask(title, text, word) {
  return new Promise((resolve) => {
    let isMeant = false;
    const decide = (meant) => () => {
      isMeant = meant;
      node.close();
    };
    const node = dialog(
      title,
      h("p", null, text),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "danger", "data-answer": "yes", onclick: decide(true) }, word),
        h("button", { type: "button", "data-answer": "no", autofocus: true, onclick: decide(false) }, "Cancel"),
      ),
    );
    node.addEventListener("close", () => resolve(isMeant));
  });
}

const KEYS = [
  ["/", "search"],
  ["j or ↓, k or ↑", "next, previous row"],
  ["Enter", "open the row"],
  ["[ and ]", "previous, next page of Accounts"],
  ["1 to 5", "Accounts, Registrars, Served groups, Alerts, Events"],
  ["u", "from an Account back to where you were"],
  ["t", "light, dark, or as the system has it"],
  ["Esc", "leave the search, close a dialog"],
  ["?", "this list"],
];

export function showKeys() {
  if (document.querySelector("dialog[open]")) return;
  const rows = KEYS.map(([keys, what]) => h("div", null, h("dt", null, h("kbd", null, keys)), h("dd", null, what)));
  const node = dialog(
    "Keys",
    h("dl", { class: "keys" }, rows),
    h("div", { class: "buttons" }, h("button", { type: "button", autofocus: true, onclick: () => node.close() }, "Close")),
  );
}

// What stands in place of a list that is empty.
export function empty(text, ...more) {
  return h("p", { class: "empty" }, text, more);
}

// What stands in place of a view that cannot be shown.
export function failure(fault, again) {
  const isGone = fault.code === "unknown-account";
  return h(
    "div",
    { class: "empty", role: "alert" },
    h("p", null, prose(sentence(fault.message))),
    fault.hint ? h("p", { class: "hint" }, prose(sentence(fault.hint))) : null,
    isGone ? h("p", null, h("a", { href: "#/accounts" }, "To the Accounts")) : h("button", { type: "button", onclick: again }, "Try again"),
  );
}
