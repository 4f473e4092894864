// SIP messages as a ladder: we stand left, the other side right, the newest below.

import { clean, fill, h } from "./dom.js";
import { empty } from "./say.js";
import { clock } from "./time.js";

// Shows the messages. A rung that is there already stays as it is, opened or with the focus.
export function showLadder(place, messages) {
  if (!messages.length) {
    fill(place, empty("No message is kept. Those of the last minutes are, while there is room in the trace (trace_memory_mib)."));
    return;
  }
  const before = place.querySelector(".ladder");
  const known = new Map([...(before?.children ?? [])].map((node) => [node.dataset.number, node]));
  const list = before ?? h("ol", { class: "ladder" });
  const wanted = messages.map((message) => known.get(String(message.number)) ?? rung(message));
  const stays = new Set(wanted);
  for (const node of known.values()) if (!stays.has(node)) node.remove();
  wanted.forEach((node, at) => {
    if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
  });
  if (!before) fill(place, list);
}

function rung(message) {
  const { kind, number, at, text, hex, local, remote } = message;
  if (kind === "note") return h("li", { class: "note", "data-number": number }, clock(at), h("span", null, text ?? ""));
  const first = text === undefined || text === null ? "bytes that are no text" : firstLine(text);
  const isSent = kind === "sent";
  const ends = isSent ? `${local ?? "here"} → ${remote ?? "there"}` : `${local ?? "here"} ← ${remote ?? "there"}`;
  return h(
    "li",
    { class: isSent ? "sent" : "received", "data-number": number },
    h(
      "details",
      null,
      h(
        "summary",
        null,
        clock(at),
        h("span", { class: "arrow", "aria-hidden": "true" }, h("span", null, isSent ? "→" : "←")),
        h("span", { class: "unseen" }, isSent ? "sent: " : "received: "),
        h("span", { class: `first ${tone(first)}` }, first),
        h("span", { class: "ends" }, ends),
      ),
      h("pre", { tabindex: "0" }, whole(text, hex)),
    ),
  );
}

// The start line, without the version that every message has.
function firstLine(text) {
  const line = clean(text.split(/\r?\n/, 1)[0]);
  return line.replace(/^SIP\/2\.0 /, "").replace(/ SIP\/2\.0$/, "");
}

function tone(line) {
  const code = Number(/^\d{3}/.exec(line)?.[0]);
  if (!code) return "";
  return code < 300 ? "good-text" : code === 401 || code === 407 ? "" : "bad-text";
}

function whole(text, hex) {
  if (text === undefined || text === null) return (hex ?? "").replace(/(.{64})/g, "$1\n");
  // Only what ends a line may do so.
  return text.trimEnd().split(/\r?\n/).map(clean).join("\n");
}
