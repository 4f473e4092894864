// Something that happened, as a line.

import { h } from "./dom.js";
import { link } from "./route.js";
import { clock } from "./time.js";
import { phaseTone, phaseWords } from "./words.js";

export const KINDS = [
  ["phase", "phase changes"],
  ["refresh-failed", "failed refreshes"],
  ["refreshed", "refreshes that work again"],
  ["moved", "moves to another registrar"],
  ["member", "registrars that come and go"],
  ["alert", "alerts"],
  ["warning", "warnings"],
  ["order", "orders"],
  ["reload", "reloads"],
  ["listen-failed", "sockets that could not be bound"],
  ["start", "starts"],
  ["stop", "stops"],
  ["store", "state and history on disk"],
];

const ALERT_TONES = { lost: "bad", "timed-out": "bad", "given-up": "bad", resolved: "good" };

// What happened, in a few words.
function what({ kind, to }) {
  if (kind === "phase") return phaseWords(to ?? "");
  if (kind === "member") return to ?? "member";
  return kind.replaceAll("-", " ");
}

function tone({ kind, to, code }) {
  if (kind === "phase") return to === "waiting-to-retry" && ![401, 403, 407].includes(code) ? "doubtful" : phaseTone(to);
  if (kind === "member") return to === "online" ? "good" : "bad";
  if (kind === "refreshed") return "good";
  if (kind === "alert") return ALERT_TONES[to] ?? "quiet";
  if (kind === "listen-failed") return "bad";
  if (["warning", "refresh-failed", "store"].includes(kind)) return "doubtful";
  return "quiet";
}

// Details, as far as they are not said by then.
function rest({ kind, from, registrar, code, uid, text }) {
  if (kind === "phase" && !text) return `was ${phaseWords(from ?? "")}`;
  if (kind === "moved" && registrar) return `to ${registrar} from ${from ?? "another"}`;
  if (kind === "member" && registrar) return `${registrar} of ${text}`;
  if (registrar && (kind === "refresh-failed" || (kind === "phase" && code >= 300))) return `${text}, at ${registrar}`;
  return uid === null || uid === undefined ? text : `${text}, by user ${uid}`;
}

// A line of a list of events; `isNamed` says whether it tells whom it is about.
export function eventRow(entry, isNamed) {
  const whom = entry.account ? h("a", { class: "open", href: link("account", entry.account) }, entry.account) : h("span", { class: "quiet-text" }, "the daemon");
  return h(
    "li",
    { class: "event", "data-event": entry.id, "data-kind": entry.kind },
    clock(entry.at),
    isNamed ? h("span", { class: "whom" }, whom) : null,
    h("span", { class: `tag ${tone(entry)}` }, what(entry)),
    h("span", { class: "rest" }, rest(entry)),
  );
}
