// Times in the zone of whoever looks, with the time in UTC behind them, and spans that go on.
//
// Times are the daemon's. `follow` learns how far the clock of this machine is off, so that a
// countdown ends when the daemon acts.

import { h } from "./dom.js";

let ahead = 0;

// Learns what the daemon's clock says.
export function follow(at) {
  const theirs = Date.parse(at);
  if (Number.isFinite(theirs)) ahead = theirs - Date.now();
}

export function now() {
  return Date.now() + ahead;
}

// Logs count hours to 24, and a page that is read beside them does too.
const HOURS = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DATE = { month: "short", day: "numeric" };
const CLOCK = new Intl.DateTimeFormat(undefined, { ...HOURS, second: "2-digit" });
const EXACT = new Intl.DateTimeFormat(undefined, { ...HOURS, second: "2-digit", fractionalSecondDigits: 3 });
const MINUTE = new Intl.DateTimeFormat(undefined, HOURS);
const DATED = new Intl.DateTimeFormat(undefined, { ...DATE, ...HOURS });
const FULL = new Intl.DateTimeFormat(undefined, { year: "numeric", ...DATE, ...HOURS, second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });

export const inMinutes = (at) => MINUTE.format(at);
export const inDays = (at) => DAY.format(at);

// A time of today as its clock, another with its date.
function shown(at) {
  const isToday = new Date(at).toDateString() === new Date(now()).toDateString();
  return (isToday ? CLOCK : DATED).format(at);
}

export function utc(at) {
  return new Date(at).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

// An instant: `10:00:00`, or with its date.
export function clock(text, isFull = false) {
  const at = Date.parse(text);
  if (!Number.isFinite(at)) return h("span", null, "–");
  return h("time", { datetime: text, title: utc(at) }, isFull ? FULL.format(at) : shown(at));
}

// An instant to the millisecond, for what follows upon another within few.
export function stamp(text) {
  const at = Date.parse(text);
  if (!Number.isFinite(at)) return h("span", null, "–");
  return h("time", { datetime: text, title: `${FULL.format(at)} (${utc(at)})` }, EXACT.format(at));
}

// An instant in microseconds, which a Date does not have.
export function micros(text) {
  const below = /\.\d{3}(\d{1,3})/.exec(text)?.[1] ?? "";
  return Date.parse(text) * 1_000 + Number(below.padEnd(3, "0"));
}

// How long ago, or in how long, an instant is; it goes on by itself. `form` is "ago", "in" or
// "for".
export function running(text, form) {
  const at = Date.parse(text);
  if (!Number.isFinite(at)) return h("span", null, "–");
  const title = `${FULL.format(at)} (${utc(at)})`;
  const node = h("time", { datetime: text, title, "data-tick": form }, words(at, form));
  return node;
}

function words(at, form) {
  const left = at - now();
  if (form === "in") return left < 1_000 ? "now" : `in ${span(left)}`;
  return form === "ago" ? `${span(-left)} ago` : span(-left);
}

// A span in its two largest units: `2 h 5 min`.
export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const [minutes, hours, days] = [seconds / 60, seconds / 3_600, seconds / 86_400].map(Math.floor);
  const two = (large, unit, small, other) => (small ? `${large} ${unit} ${small} ${other}` : `${large} ${unit}`);
  if (days) return two(days, "d", hours % 24, "h");
  if (hours) return two(hours, "h", minutes % 60, "min");
  if (minutes) return two(minutes, "min", seconds % 60, "s");
  return `${seconds} s`;
}

// Seconds of a grant in words, or a dash.
export function seconds(count) {
  return count === null || count === undefined ? "–" : `${count} s`;
}

// A time in microseconds as milliseconds.
export function round(micros) {
  if (micros === null || micros === undefined) return "–";
  const millis = micros / 1_000;
  const digits = millis < 1 ? 2 : millis < 10 ? 1 : 0;
  return `${millis.toFixed(digits)} ms`;
}

function tick() {
  if (document.hidden) return;
  for (const node of document.querySelectorAll("time[data-tick]")) {
    const next = words(Date.parse(node.dateTime), node.dataset.tick);
    if (node.textContent !== next) node.textContent = next;
  }
}

setInterval(tick, 1_000);
document.addEventListener("visibilitychange", tick);
