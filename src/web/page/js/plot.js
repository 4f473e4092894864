// Round trips to one registrar: the median as a line, the shortest and the longest as a band.

import { h, svg } from "./dom.js";
import { clock, inDays, inMinutes, round } from "./time.js";

const HEIGHT = 132;
const EDGE = { left: 52, right: 10, top: 10, bottom: 22 };

// A figure that draws itself as wide as it is, again when that changes.
export function plot(name, series, period) {
  const readout = h("p", { class: "readout", "aria-hidden": "true" }, "\u00a0");
  const stage = h("div", { class: "stage" });
  const words = plotWords(series.points, period.hours);
  const figure = h(
    "figure",
    { class: "plot", "data-registrar": series.registrar },
    h("figcaption", null, h("b", null, name), h("span", null, words)),
    stage,
    readout,
    asTable(series.points),
  );
  let width = 0;
  const watch = new ResizeObserver(() => {
    const next = Math.floor(stage.clientWidth);
    if (!next || next === width) return;
    width = next;
    stage.replaceChildren(draw(series.points, { ...period, width, name, words, readout }));
  });
  watch.observe(stage);
  return figure;
}

// The plot in a sentence.
function plotWords(points, hours) {
  const period = hours === 24 ? "last 24 hours" : "last 7 days";
  const answered = points.filter(({ count }) => count > 0);
  if (!answered.length) return `no answer in the ${period}`;
  const medians = answered.map(({ median_us: median }) => median).sort((a, b) => a - b);
  const least = answered.reduce((least, { min_us: min }) => Math.min(least, min), Infinity);
  const most = answered.reduce((most, { max_us: max }) => Math.max(most, max), 0);
  const middle = medians[Math.floor(medians.length / 2)];
  return `${period}: median ${round(middle)}, from ${round(least)} to ${round(most)}`;
}

function draw(points, { from, until, step, hours, width, name, words, readout }) {
  const [start, end] = [Date.parse(from), Date.parse(until)];
  const answered = points.filter(({ count }) => count > 0).map((point) => ({ ...point, time: Date.parse(point.at) }));
  const top = ceiling(answered.reduce((most, { max_us: max }) => Math.max(most, max), 0));
  const x = (time) => EDGE.left + ((time - start) / Math.max(1, end - start)) * (width - EDGE.left - EDGE.right);
  const y = (micros) => HEIGHT - EDGE.bottom - (micros / top) * (HEIGHT - EDGE.top - EDGE.bottom);
  const drawing = svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `Round trips to ${name}, ${words}` });
  drawing.append(...grid({ top, start, end, hours, width, x, y }));
  // Where nothing was answered there is a gap, not a line.
  for (const piece of pieces(answered, step * 2_500)) {
    const at = (key) => piece.map((point) => `${x(point.time).toFixed(1)},${y(point[key]).toFixed(1)}`);
    if (piece.length === 1) {
      const [point] = piece;
      drawing.append(svg("line", { class: "range", x1: x(point.time), x2: x(point.time), y1: y(point.min_us), y2: y(point.max_us) }));
      drawing.append(svg("circle", { class: "dot", cx: x(point.time).toFixed(1), cy: y(point.median_us).toFixed(1), r: 2 }));
      continue;
    }
    drawing.append(svg("polygon", { class: "band", points: [...at("max_us"), ...at("min_us").reverse()].join(" ") }));
    drawing.append(svg("polyline", { class: "median", points: at("median_us").join(" ") }));
  }
  follow(drawing, answered, { x, readout });
  return drawing;
}

function grid({ top, start, end, hours, width, x, y }) {
  const lines = [0, top / 2, top].flatMap((value) => [
    svg("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
    svg("text", { class: "mark", x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, mark(value)),
  ]);
  const steps = width < 480 ? 3 : 6;
  for (let at = 0; at < steps; at += 1) {
    const time = start + ((end - start) * at) / steps;
    const text = hours === 24 ? inMinutes(time) : inDays(time);
    lines.push(svg("text", { class: "mark", x: x(time), y: HEIGHT - 6 }, text));
  }
  return lines;
}

// A round number, short enough for the edge.
function mark(micros) {
  if (!micros) return "0";
  return micros < 1_000_000 ? round(micros) : `${micros / 1_000_000} s`;
}

// The next round number above.
function ceiling(micros) {
  const goal = Math.max(micros, 1_000);
  const power = 10 ** Math.floor(Math.log10(goal));
  return [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= goal);
}

function pieces(points, gap) {
  const found = [];
  for (const point of points) {
    const last = found.at(-1);
    if (last && point.time - last.at(-1).time <= gap) last.push(point);
    else found.push([point]);
  }
  return found;
}

// Tells of the point below a pointer.
function follow(drawing, points, { x, readout }) {
  drawing.addEventListener("pointermove", (event) => {
    const place = event.clientX - drawing.getBoundingClientRect().left;
    let best = null;
    for (const point of points) {
      if (!best || Math.abs(x(point.time) - place) < Math.abs(x(best.time) - place)) best = point;
    }
    if (best) readout.replaceChildren(clock(best.at), ` ${range(best)}, ${best.count} answers`);
  });
  drawing.addEventListener("pointerleave", () => readout.replaceChildren("\u00a0"));
}

const range = ({ median_us: median, min_us: min, max_us: max }) => `median ${round(median)}, ${round(min)} to ${round(max)}`;

// By the hour, since nobody reads 288 rows.
function asTable(points) {
  const hours = new Map();
  for (const point of points.filter(({ count }) => count > 0)) {
    const hour = point.at.slice(0, 13);
    const sum = hours.get(hour) ?? { at: point.at, count: 0, min_us: Infinity, max_us: 0, medians: [] };
    sum.count += point.count;
    sum.min_us = Math.min(sum.min_us, point.min_us);
    sum.max_us = Math.max(sum.max_us, point.max_us);
    sum.medians.push(point.median_us);
    hours.set(hour, sum);
  }
  const rows = [...hours.values()].reverse().map((sum) => {
    const median = sum.medians.sort((a, b) => a - b)[Math.floor(sum.medians.length / 2)];
    return h("tr", null, h("td", null, clock(sum.at)), [sum.count, round(median), round(sum.min_us), round(sum.max_us)].map((cell) => h("td", null, cell)));
  });
  const heads = ["Hour from", "Answers", "Median", "Shortest", "Longest"].map((word) => h("th", { scope: "col" }, word));
  return h(
    "details",
    { class: "as-table" },
    h("summary", null, "The same as a table"),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Round trips by the hour" },
      h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, rows)),
    ),
  );
}
