// SIP messages as a ladder: we stand left, the other side right, the newest on top, as what happened
// stands above it.

import { clean, fill, h } from "./dom.js";
import { empty } from "./say.js";
import { micros, round, stamp } from "./time.js";

// Shows the messages. A rung that is there already stays as it is, opened or with the focus.
export function showLadder(place, messages) {
  if (!messages.length) {
    fill(place, empty("No message is kept. Those of the last minutes are, while there is room in the trace (trace_memory_mib)."));
    return;
  }
  const before = place.querySelector(".ladder");
  const known = new Map([...(before?.children ?? [])].map((node) => [node.dataset.number, node]));
  const list = before ?? h("ol", { class: "ladder" });
  const wanted = told(messages).map(([message, words]) => known.get(String(message.number)) ?? rung(message, words));
  wanted.reverse();
  const stays = new Set(wanted);
  for (const node of known.values()) if (!stays.has(node)) node.remove();
  wanted.forEach((node, at) => {
    if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
  });
  if (!before) fill(place, list);
}

// Each message with what matters in it, and with what it has to do with those before it.
function told(messages) {
  const requests = new Map();
  return messages.map((message) => {
    const { kind, text, at } = message;
    if (kind === "note" || text === undefined || text === null) return [message, []];
    const head = text.split(/\r?\n\r?\n/, 1)[0];
    const value = (...names) => names.map((name) => header(head, name)).find((it) => it !== undefined);
    const cseq = value("CSeq");
    const number = cseq ? `CSeq ${Number.parseInt(cseq, 10)}` : null;
    const branch = /;\s*branch=([^;,\s]+)/i.exec(value("Via", "v") ?? "")?.[1];
    const key = branch && `${branch} ${cseq}`;
    if (/^SIP\/2\.0 /.test(head)) {
      const since = requests.get(key)?.at;
      return [message, [since && `after ${round(micros(at) - micros(since))}`, number]];
    }
    const sends = (requests.get(key)?.sends ?? 0) + 1;
    if (key) requests.set(key, { at: requests.get(key)?.at ?? at, sends });
    const asked = head.startsWith("REGISTER ") ? expiry(value("Contact", "m"), value("Expires")) : null;
    const credentials = value("Authorization", "Proxy-Authorization") !== undefined;
    return [message, [number, sends > 1 && `again (${sends})`, credentials && "credentials", asked]];
  });
}

// The value of a header field where it is first.
function header(head, name) {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*)$`, "im").exec(head)?.[1];
}

// What a REGISTER asks for; what stands at the Contact is what counts.
function expiry(contact, expires) {
  const own = /;\s*expires=(\d+)/i.exec(contact ?? "")?.[1];
  const seconds = Number.parseInt(own ?? expires, 10);
  if (Number.isNaN(seconds)) return null;
  return seconds === 0 ? "removes the binding" : `asks ${seconds} s`;
}

function rung(message, words) {
  const { kind, number, at, text, hex, local, remote } = message;
  if (kind === "note") return h("li", { class: "note", "data-number": number }, stamp(at), h("span", null, text ?? ""));
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
        stamp(at),
        h("span", { class: "arrow", "aria-hidden": "true" }, h("span", null, isSent ? "→" : "←")),
        h("span", { class: "unseen" }, isSent ? "sent: " : "received: "),
        h("span", { class: `first ${tone(first)}` }, first),
        h("span", { class: "words" }, words.filter(Boolean).join(", ")),
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
