// The frame of the page: who looks, which view is shown, what is live, and the keys.

import { faultWords, get, post, remove, whenSignedOut } from "./api.js";
import { fill, h, soon } from "./dom.js";
import { Live } from "./live.js";
import { here } from "./route.js";
import { empty, failure, notice, sentence, showKeys, tell, tellFault } from "./say.js";
import { clock } from "./time.js";
import { signIn } from "./sign-in.js";
import { nextTheme, showTheme } from "./look.js";
import { accounts } from "./accounts.js";
import { account } from "./account.js";
import { registrars } from "./registrars.js";
import { groups } from "./groups.js";
import { alerts } from "./alerts.js";
import { events } from "./events.js";

const VIEWS = { accounts, account, registrars, groups, alerts, events };
const SIGNED_OUT = "You are signed out: the daemon was restarted, or a long time has passed.";
const ORDER = ["accounts", "registrars", "groups", "alerts", "events"];
const main = document.querySelector("#main");

// What all views share.
const app = { mayAct: false, summary: null, before: null, listen };
let view = null;
let isSignedIn = false;

const live = new Live(onLink, onSaid);

function listen() {
  if (!isSignedIn || !view) return;
  const { topics = [], names } = view.wishes?.() ?? {};
  live.want([...new Set(["summary", "alerts", ...topics])], names);
}

function onLink(state, detail) {
  const word = document.querySelector("#link-word");
  const place = document.querySelector("#link");
  place.dataset.link = state;
  if (state === "open") {
    word.textContent = "live";
    notice("link", "bad", null);
    if (detail) catchUp();
    return;
  }
  word.textContent = "lost";
  // A blink is not worth a line.
  if (detail > 700) notice("link", "bad", "The connection to the daemon is lost. What you see may be old; the page tries again by itself.");
  checkSession();
}

// A stream that breaks does not say why: we may be signed out, or ask for an Account that is gone.
const checkSession = soon(1_000, async () => {
  if (!isSignedIn) return;
  try {
    await get("/session");
    await view?.refresh?.();
  } catch (fault) {
    if (fault.status === 401) askWho(SIGNED_OUT);
  }
});

async function catchUp() {
  await refreshSummary();
  try {
    await view?.refresh?.();
  } catch (fault) {
    // What cannot be reached is said above the view.
    if (fault.status) tellFault(fault);
  }
}

function onSaid(kind, said) {
  if (kind === "summary") onSummary({ ...app.summary, ...said });
  if (kind === "missed") {
    catchUp();
    return;
  }
  if (kind === "alerts") countAlerts();
  view?.on?.(kind, said);
}

const countAlerts = soon(300, refreshSummary);

async function refreshSummary() {
  try {
    onSummary(await get("/api/v1/summary"));
  } catch (fault) {
    if (fault.status) tellFault(fault);
  }
}

function onSummary(summary) {
  const before = app.summary;
  app.summary = summary;
  app.mayAct = summary.may_act ?? app.mayAct;
  document.body.dataset.role = app.mayAct ? "operator" : "viewer";
  if (before?.started && summary.started && before.started !== summary.started) {
    tell("doubtful", ["The daemon was restarted at ", clock(summary.started), "."]);
  }
  const badge = document.querySelector("#alert-count");
  badge.hidden = !summary.alerts;
  fill(badge, summary.alerts > 999 ? "999+" : (summary.alerts ?? 0));
  badge.setAttribute("aria-label", `${summary.alerts ?? 0} ongoing`);
  notice("state", ...stateNotice(summary.state));
  notice("viewer", "quiet", app.mayAct ? null : "You may look, not act: this is the token of a viewer.");
}

function stateNotice(state) {
  const why = state?.trouble ? `: ${state.trouble}` : "";
  if (state?.state === "off") return ["doubtful", `Nothing is kept on disk${why}. Registrations and history do not outlive a restart.`];
  if (state?.state === "failing") return ["bad", `The state cannot be written at present${why}. The daemon tries again.`];
  return ["quiet", null];
}

// ---- views

async function show() {
  if (!isSignedIn) return;
  const route = here();
  const same = view && view.name === route.view && view.key === (route.name || "");
  if (same && view.follow?.(route)) return;
  view?.close?.();
  const open = Object.hasOwn(VIEWS, route.view) && VIEWS[route.view];
  mark(route.view);
  if (!open) {
    view = null;
    title("Not found");
    fill(main, heading("Not found"), empty("There is no such view. ", h("a", { href: "#/accounts" }, "To the Accounts")));
    return;
  }
  const next = open(app, route);
  next.name = route.view;
  next.key = route.name || "";
  view = next;
  title(next.title);
  fill(main, next.node);
  window.scrollTo(0, 0);
  listen();
  try {
    await next.refresh();
  } catch (fault) {
    if (view === next && fault.name !== "AbortError") fill(main, heading(next.title), failure(fault, show));
  }
}

function heading(words) {
  return h("div", { class: "head" }, h("h1", null, words));
}

function title(words) {
  document.title = words ? `${words} · regent` : "regent";
}

function mark(name) {
  const shown = name === "account" ? "accounts" : name;
  for (const anchor of document.querySelectorAll("#nav a")) {
    if (anchor.dataset.view === shown) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
}

// ---- who looks

function askWho(why) {
  isSignedIn = false;
  live.close();
  view?.close?.();
  view = null;
  document.querySelector("#bar").hidden = true;
  for (const key of ["link", "state", "viewer"]) notice(key, "quiet", null);
  closeDialogs();
  document.querySelector("#toasts").replaceChildren();
  title("Sign in");
  fill(main, signIn(why, enter));
  main.querySelector("#token")?.focus();
}

function closeDialogs() {
  for (const open of document.querySelectorAll("dialog")) open.close();
}

async function enter() {
  const session = await get("/session");
  app.mayAct = session.may_act;
  onSummary({ ...(await get("/api/v1/summary")), may_act: session.may_act });
  isSignedIn = true;
  document.querySelector("#bar").hidden = false;
  await show();
}

async function start() {
  showTheme();
  const code = /^#code=(.+)$/.exec(location.hash)?.[1];
  // Whoever is signed in already needs no code, so that one that was used locks nobody out.
  const refusal = code ? await redeem(code) : null;
  try {
    await enter();
    if (refusal) tell("doubtful", `${refusal} You were signed in already.`);
  } catch (fault) {
    if (fault.status === 401) askWho(refusal);
    else fill(main, failure(fault, start));
  }
}

// Signs in by the code of a link; why that did not work, or null.
async function redeem(code) {
  // A code is good for once; it has no business in the history.
  history.replaceState(null, "", "#/accounts");
  try {
    await post("/session", { code: decodeURIComponent(code) });
    return null;
  } catch (fault) {
    return fault.status === 401 ? "That link was used, or is too old. `regent web` prints a new one." : sentence(faultWords(fault));
  }
}

async function signOut() {
  try {
    await remove("/session");
    app.summary = null;
    askWho("You are signed out.");
  } catch (fault) {
    tellFault(fault);
  }
}

// ---- keys

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key === "Escape" && event.target.matches('input[type="search"]')) {
    event.target.blur();
    return;
  }
  if (isTyping || !isSignedIn || document.querySelector("dialog[open]")) return;
  if (byKey(event.key, event.target)) event.preventDefault();
}

function byKey(key, target) {
  const place = ORDER[Number(key) - 1];
  if (place) {
    location.hash = `#/${place}`;
    return true;
  }
  switch (key) {
    case "?":
      showKeys();
      return true;
    case "/":
      main.querySelector('input[type="search"]')?.focus();
      return true;
    case "t":
      nextTheme();
      return true;
    case "j":
    case "k":
      return step(key === "j" ? 1 : -1);
    case "ArrowDown":
    case "ArrowUp": {
      // Arrows scroll a page, so they move only where a row has the focus or nothing has.
      const isFree = target === document.body || target === main || target.closest("tr");
      return isFree ? step(key === "ArrowDown" ? 1 : -1) : false;
    }
    default:
      return view?.press?.(key) ?? false;
  }
}

// The next row, by the link in it.
function step(by) {
  const rows = [...main.querySelectorAll("tbody tr a.open")];
  if (!rows.length) return false;
  const at = rows.findIndex((anchor) => anchor.closest("tr").contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next].focus();
  rows[next].closest("tr").scrollIntoView({ block: "nearest" });
  return true;
}

whenSignedOut(() => {
  if (isSignedIn) askWho(SIGNED_OUT);
});
window.addEventListener("hashchange", (event) => {
  app.before = new URL(event.oldURL).hash;
  // What a dialog asks belongs to the view that is left.
  closeDialogs();
  if (/^#code=/.test(location.hash)) start();
  else show();
});
window.addEventListener("online", () => live.hurry());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.hurry();
});
document.addEventListener("keydown", onKey);
document.querySelector("#skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.querySelector("#help").addEventListener("click", showKeys);
document.querySelector("#theme").addEventListener("click", nextTheme);
document.querySelector("#sign-out").addEventListener("click", signOut);
start();
