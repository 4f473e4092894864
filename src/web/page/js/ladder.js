// SIP messages as a ladder: we stand left, the other side right, the newest below.

import { clean, h } from "./dom.js";
import { empty } from "./say.js";
import { clock } from "./time.js";

// The messages; those whose numbers are in `opened` are shown whole.
export function ladder(messages, opened) {
  if (!messages.length) return empty("No message is kept. Those of the last minutes are, while there is room in the trace (trace_memory_mib).");
  return h("ol", { class: "ladder" }, messages.map((message) => rung(message, opened)));
}

function rung(message, opened) {
  const { kind, number, at, text, hex, local, remote } = message;
  if (kind === "note") return h("li", { class: "note" }, clock(at), h("span", null, text ?? ""));
  const first = text === undefined || text === null ? "bytes that are no text" : firstLine(text);
  const isSent = kind === "sent";
  const ends = isSent ? `${local ?? "here"} → ${remote ?? "there"}` : `${local ?? "here"} ← ${remote ?? "there"}`;
  return h(
    "li",
    { class: isSent ? "sent" : "received" },
    h(
      "details",
      { "data-number": number, open: opened.has(String(number)) },
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
  return text.split(/\r?\n/).map(clean).join("\n");
}
