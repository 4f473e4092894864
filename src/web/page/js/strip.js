// What became of a registration over a day or a week, as a strip, and the same in words.

import { h, svg } from "./dom.js";
import { clock, inDays, inMinutes, span } from "./time.js";

// The worst is drawn last and highest, so that neither a short outage nor a missing sense of
// colour hides it.
const STATES = [
  ["unknown", "unknown", 2, 19],
  ["up", "registered", 12, 8],
  ["unregistered", "un-registered", 9, 3],
  ["failing", "refresh failing", 7, 13],
  ["down", "not registered", 0, 20],
];
const WIDTH = 1_000;
const HEIGHT = 20;
// Nothing but what is usual may become invisible.
const LEAST = 5;
// The first registration after a start takes a moment, which is no outage.
const START = 60_000;

export const STRIP_LEGEND = ["up", "failing", "down", "unregistered", "unknown"].map((key) => {
  const [, words] = STATES.find(([state]) => state === key);
  return [key, words];
});

// How long each state lasted, in milliseconds.
function shares(spans) {
  const sums = {};
  for (const { from, until, state } of spans) {
    sums[state] = (sums[state] ?? 0) + (Date.parse(until) - Date.parse(from));
  }
  return sums;
}

// Whether a span is the time that the first registration after a start took.
function isStart(spans, at) {
  const [before, span, after] = [spans[at - 1], spans[at], spans[at + 1]];
  const isShort = Date.parse(span.until) - Date.parse(span.from) < START;
  return span.state === "down" && isShort && before?.state === "unknown" && after?.state === "up";
}

// The strip in a sentence.
export function stripWords(history, hours) {
  const spans = history.spans.filter((_, at, all) => !isStart(all, at));
  const sums = shares(spans);
  const known = Object.entries(sums).reduce((sum, [state, time]) => (state === "unknown" ? sum : sum + time), 0);
  const outages = spans.filter(({ state }) => state === "down").length;
  const period = hours === 24 ? "Last 24 hours" : `Last ${hours / 24} days`;
  if (!known) return `${period}: nothing is known`;
  const up = (sums.up ?? 0) + (sums.failing ?? 0);
  const parts = [`registered ${percent(up / known)} of the time that is known`];
  if (sums.down) parts.push(`not registered for ${span(sums.down)} in ${outages === 1 ? "one outage" : `${outages} outages`}`);
  if (sums.failing) parts.push(`refreshes failed for ${span(sums.failing)}`);
  if (sums.unregistered) parts.push(`un-registered for ${span(sums.unregistered)}`);
  if (sums.unknown) parts.push(`nothing is known of ${span(sums.unknown)}`);
  return `${period}: ${parts.join(", ")}`;
}

function percent(share) {
  if (share >= 1) return "100 %";
  // Never 100 % where there was an outage.
  return `${Math.min(99.99, share * 100).toFixed(share > 0.99 ? 2 : 1)} %`;
}

// The strip itself.
export function strip(history, hours) {
  const from = Date.parse(history.from);
  const scale = WIDTH / Math.max(1, Date.parse(history.until) - from);
  const words = stripWords(history, hours);
  const block = ({ from: start, until, state }, least) => {
    const [, , y, height] = STATES.find(([known]) => known === state) ?? STATES[0];
    const x = (Date.parse(start) - from) * scale;
    const width = Math.max((Date.parse(until) - Date.parse(start)) * scale, least);
    return svg("rect", { class: `span-${state}`, x: Math.min(x, WIDTH - least).toFixed(1), y, width: width.toFixed(1), height });
  };
  const { spans } = history;
  const drawn = STATES.flatMap(([state]) =>
    spans.flatMap((it, at) => {
      if (it.state !== state) return [];
      return block(it, state === "up" || state === "unknown" || isStart(spans, at) ? 0 : LEAST);
    }),
  );
  // What is now is seen, however short it is, and nothing of before lies on it.
  const last = spans.at(-1);
  if (last) drawn.push(svg("rect", { class: "span-ground", x: WIDTH - LEAST, y: 0, width: LEAST, height: HEIGHT }), block(last, LEAST));
  return svg(
    "svg",
    { class: "strip", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words },
    svg("title", null, words),
    drawn,
  );
}

// A strip with its axis, its legend and the same as a table.
export function wideStrip(history, hours) {
  const from = Date.parse(history.from);
  const until = Date.parse(history.until);
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = from + (until - from) * part;
    return h("span", null, part === 1 ? "now" : hours === 24 ? inMinutes(at) : inDays(at));
  });
  return h(
    "figure",
    { class: "wide-strip" },
    strip(history, hours),
    h("div", { class: "axis", "aria-hidden": "true" }, marks),
    h("figcaption", null, `${stripWords(history, hours)}.`),
    legend(),
    asTable(history),
  );
}

export function legend() {
  const entries = STRIP_LEGEND.map(([key, words]) => h("li", null, h("span", { class: `key ${key}`, "aria-hidden": "true" }), words));
  return h("ul", { class: "legend" }, entries);
}

function asTable(history) {
  const newest = history.spans.slice(-200).reverse();
  const rows = newest.map(({ from, until, state }) => {
    const words = STATES.find(([known]) => known === state)?.[1] ?? state;
    const length = span(Date.parse(until) - Date.parse(from));
    return h("tr", null, h("td", null, clock(from)), h("td", null, clock(until)), h("td", null, words), h("td", null, length));
  });
  const heads = ["From", "Until", "State", "For"].map((word) => h("th", { scope: "col" }, word));
  return h(
    "details",
    { class: "as-table" },
    h("summary", null, "The same as a table"),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "States of the registration" },
      h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, rows)),
    ),
  );
}
