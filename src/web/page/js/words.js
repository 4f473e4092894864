// What the daemon's words look like to people: a tone, a shape and a text, never a colour alone.

import { h, svg } from "./dom.js";
import { now, running } from "./time.js";

const SHAPES = {
  good: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm-1 10L3.800 7.800l1.300-1.300L7 8.400l3.900-3.900 1.300 1.300z",
  doubtful: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zM7.100 4h1.800v5H7.100zm0 6.200h1.800V12H7.100z",
  bad: "M8 .8L15.800 15H.2zM7.200 6v4.600h1.600V6zm0 5.800v1.600h1.600v-1.600z",
  quiet: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.800a5.200 5.200 0 1 1 0 10.400A5.200 5.200 0 0 1 8 2.800zM5 7.200h6v1.600H5z",
  busy: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.800v10.400A5.200 5.200 0 0 1 8 2.800z",
};

function shape(tone) {
  return svg(
    "svg",
    { viewBox: "0 0 16 16", width: 14, height: 14, class: "shape", "aria-hidden": "true" },
    svg("path", { d: SHAPES[tone], "fill-rule": "evenodd" }),
  );
}

// Phases in the order in which they deserve a look, with their words and tones.
export const PHASES = [
  ["registered", "registered", "good"],
  ["waiting-to-retry", "waiting to retry", "bad"],
  ["no-port", "no port", "bad"],
  ["avoided", "avoided", "doubtful"],
  ["waiting-for-another-account", "waiting for another Account", "doubtful"],
  ["held", "held", "doubtful"],
  ["registering", "registering", "busy"],
  ["unregistering", "unregistering", "busy"],
  ["unregistered", "unregistered", "quiet"],
  ["authentication-only", "authentication only", "quiet"],
  ["standby", "standby", "quiet"],
];

export function phaseWords(key) {
  return PHASES.find(([known]) => known === key)?.[1] ?? String(key).replaceAll("-", " ");
}

export function phaseTone(key) {
  return PHASES.find(([known]) => known === key)?.[2] ?? "quiet";
}

export const isRegistered = (account) => account.status === "Registered";

// Registered, but the last refresh was not answered as it should be.
export const isFailing = (account) => isRegistered(account) && account.failures > 0;

// The word of a phone's page: Registered, the error number, or Not Registered.
export function statusMark(account) {
  const isError = /^\d+$/.test(account.status);
  const tone = isFailing(account) ? "doubtful" : isRegistered(account) ? "good" : isError ? "bad" : phaseTone(account.phase) === "busy" ? "busy" : "quiet";
  const title = isError ? `SIP error ${account.status}` : null;
  return h("span", { class: `status ${tone}`, title, "data-tone": tone }, shape(tone), h("b", null, account.status));
}

// What stands beside it: the phase, where that says more.
export function statusRest(account) {
  if (isFailing(account)) return "refresh failing";
  if (isRegistered(account) && account.phase === "registered") return null;
  if (account.status === "Not Registered" && account.phase === "unregistered") return "by an operator";
  return phaseWords(account.phase);
}

export function phaseMark(key) {
  const tone = phaseTone(key);
  return h("span", { class: `status ${tone}` }, shape(tone), phaseWords(key));
}

// A tone with a text.
export function toned(tone, text) {
  return h("span", { class: `status ${tone}` }, shape(tone), text);
}

// What an Account does next; `when` stands between the words where a time is known.
const STEPS = {
  register: "registers",
  refresh: "refresh",
  retry: "tries again",
  answer: "waits for an answer",
  turn: "waits for its turn",
  "avoidance-over": "a registrar is free",
  port: "looks for a port",
  interface: "waits for the local address",
  address: "looks up the registrar",
  "another-account": "when another gets an answer",
  "served-group": "when the served group is up",
  store: "when the state is written",
  operator: "on an operator’s word",
};

// What an Account does next, and when.
export function nextStep({ next_action: next }) {
  if (!next) return "–";
  const words = STEPS[next.what] ?? next.what.replaceAll("-", " ");
  if (!next.at) return words;
  // Of an answer the time says only when it counts as none.
  if (next.what === "answer") return h("span", null, words, ", at most ", running(next.at, "for"));
  return h("span", null, `${words} `, running(next.at, "in"));
}

// The six words for a registrar or a group, each with the colour that it has on an operator's
// screen. Who has no status has no mark.
const HEALTH = {
  OK: ["ok", "answers in time"],
  LAGGED: ["lagged", "answers late"],
  UNREACHABLE: ["unreachable", "does not answer"],
  UNKNOWN: ["unknown", "has not answered for more than an hour"],
  Unmonitored: ["unmonitored", "keep-alive is off"],
  "NO STATUS": ["no-status", "not probed yet"],
};

export function healthMark(word) {
  const [kind, meaning] = HEALTH[word] ?? ["no-status", ""];
  const mark = kind === "no-status" ? null : h("span", { class: `bullet ${kind}`, "aria-hidden": "true" });
  return h("span", { class: "health", title: meaning, "data-health": word }, mark, h("b", null, word));
}

export const HEALTH_LEGEND = Object.entries(HEALTH).map(([word, [, meaning]]) => [word, meaning]);

const plural = new Intl.PluralRules("en");

// `1 Account`, `2 Accounts`.
export function count(number, noun) {
  return `${number.toLocaleString()} ${noun}${plural.select(number) === "one" ? "" : "s"}`;
}

export const yesNo = (flag) => (flag ? "yes" : "no");

// What came of an order, in a sentence and with a tone.
export function outcomeWords(told) {
  switch (told.outcome) {
    case "registered":
      return ["good", `${told.account} is registered at ${told.registrar} for ${told.granted} s.`];
    case "unregistered":
      return ["good", `${told.account} is un-registered.`];
    case "rejected":
      return ["bad", `${told.account}: the registrar said ${told.code} ${told.reason}.`];
    case "failed":
      return ["bad", `${told.account}: ${told.failure === "timed-out" ? "no answer" : "the registrar cannot be reached"}.`];
    case "not-sent":
      return ["doubtful", `${told.account}: nothing was sent: ${told.why}.`];
    case "gone":
      return ["doubtful", `${told.account} was removed meanwhile.`];
    default:
      return ["quiet", `${told.account}: the order is given.`];
  }
}

// A binding that is near its end deserves a look.
export function endsSoon(account) {
  return isFailing(account) && account.binding_until && Date.parse(account.binding_until) - now() < 300_000;
}
