// One Account: its story, its strip, what happened to it, and its SIP messages.

import { accountPath, get, path, post } from "./api.js";
import { facts, fill, h, soon } from "./dom.js";
import { eventRow } from "./happening.js";
import { showLadder } from "./ladder.js";
import { link, stay } from "./route.js";
import { ask, empty, tell, tellFault } from "./say.js";
import { wideStrip } from "./strip.js";
import { clock, now, round, running, seconds } from "./time.js";
import { endsSoon, isFailing, isRegistered, nextStep, outcomeWords, statusMark, statusRest } from "./words.js";

const EVENTS = 20;
const MESSAGES = 40;

export function account(app, route) {
  return new Story(app, route);
}

class Story {
  constructor(app, { name, query }) {
    this.app = app;
    this.account = null;
    this.id = name;
    this.title = name;
    this.hours = query.get("hours") === "168" ? 168 : 24;
    this.pastAgain = soon(400, () => this.loadPast().catch(tellFault));
    this.timer = setInterval(() => this.loadStrip().catch(tellFault), 60_000);
    this.isBusy = false;
    this.build(name);
  }

  build(name) {
    this.mark = h("p", { class: "big-status" });
    this.line = h("p", { class: "detail" });
    this.buttons = ["register", "refresh", "unregister"].map((verb) => this.button(verb));
    this.cards = h("div", { class: "cards-grid" });
    this.stripPlace = h("div", { class: "strip-card" });
    this.eventsPlace = h("div", null);
    this.ladderPlace = h("div", null);
    const period = [24, 168].map((hours) => this.period(hours));
    this.node = h(
      "div",
      { class: "view account" },
      h("a", { class: "back", href: "#/accounts", onclick: (event) => this.back(event) }, "← Accounts"),
      h("div", { class: "head" }, h("h1", null, name), h("div", { class: "buttons orders" }, this.buttons)),
      this.mark,
      this.line,
      this.cards,
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "Registration over time"), h("div", { class: "switch", role: "group", "aria-label": "Period" }, period)), this.stripPlace),
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "What happened"), h("a", { href: link("events", null, { account: name }) }, "All of it")), this.eventsPlace),
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "Last SIP messages")), this.ladderPlace),
    );
  }

  // To the very page of the list that one came from, where there is one.
  back(event) {
    if (history.length > 1 && this.cameFromList()) {
      event?.preventDefault();
      history.back();
    }
  }

  cameFromList() {
    return this.app.before?.startsWith("#/accounts") ?? false;
  }

  period(hours) {
    const onclick = (event) => {
      this.hours = hours;
      stay("account", this.id, { hours: hours === 24 ? "" : hours });
      for (const other of event.currentTarget.parentElement.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
      this.loadStrip().catch(tellFault);
    };
    return h("button", { type: "button", "aria-pressed": String(this.hours === hours), "data-hours": hours, onclick }, hours === 24 ? "24 h" : "7 d");
  }

  button(verb) {
    const words = { register: "Register", refresh: "Refresh", unregister: "Un-register" };
    const kind = { register: "primary", refresh: "", unregister: "danger" };
    return h("button", { type: "button", class: kind[verb], "data-order": verb, onclick: () => this.order(verb) }, words[verb]);
  }

  wishes() {
    return this.account ? { topics: ["accounts", "events"], names: [this.id] } : { topics: ["events"] };
  }

  async refresh() {
    this.show(await get(accountPath(this.id)));
    this.app.listen();
    await Promise.all([this.loadPast(), this.loadStrip()]);
  }

  on(kind, said) {
    if (kind === "account") {
      const account = said.account?.name ? said.account : said;
      if (account.name !== this.id) return;
      const hasTurned = account.phase !== this.account?.phase;
      this.show(account);
      this.pastAgain();
      if (hasTurned) this.loadStrip().catch(tellFault);
    }
    if (kind === "event" && said.account === this.id) this.pastAgain();
    if (kind === "removed" && (said.account ?? said) === this.id) {
      this.account = null;
      this.app.listen();
      fill(this.mark, "This Account was removed from the configuration.");
      for (const button of this.buttons) button.disabled = true;
    }
  }

  show(account) {
    this.account = account;
    const rest = statusRest(account);
    fill(this.mark, statusMark(account), rest ? h("span", { class: "sub" }, rest) : null, h("code", null, account.aor));
    fill(this.line, account.detail ?? "");
    this.line.hidden = !account.detail;
    fill(this.cards, this.binding(account), this.attempt(account), this.place(account));
    this.allow();
  }

  allow() {
    for (const button of this.buttons) {
      button.disabled = this.isBusy || !this.app.mayAct;
      button.title = this.app.mayAct ? "" : "A viewer may look, not act";
    }
  }

  binding(account) {
    const holds = isRegistered(account);
    const place = account.rank ? ` (${account.rank === 1 ? "the first" : `number ${account.rank}`} of its set)` : "";
    const pairs = [
      [holds ? "Bound at" : "Last tried at", account.registrar ? [h("code", null, account.registrar), place] : "no registrar"],
      ["Backup registrar used?", account.registrar ? (account.backup_registrar_used ? "Yes" : "No") : "–"],
      ["Registered", account.registered_since ? [running(account.registered_since, "for"), ", since ", clock(account.registered_since)] : account.down_since ? ["no, ", running(account.down_since, "for"), ", since ", clock(account.down_since)] : "no"],
      ["Binding ends", account.binding_until ? [running(account.binding_until, "in"), ", at ", clock(account.binding_until)] : "–"],
      ["Expiry", `asked ${seconds(account.asked)}, granted ${seconds(account.granted)}`],
      ["Round trip", account.rtt_us === null ? "–" : round(account.rtt_us)],
    ];
    const hint = endsSoon(account) ? h("p", { class: "hint doubtful" }, "The binding ends soon unless a refresh is answered.") : null;
    return h("section", { class: "card" }, h("h2", null, "Binding"), facts(pairs), hint);
  }

  attempt(account) {
    const { last_answer: answer, failures, temporary } = account;
    const trouble = temporary === null ? null : temporary ? "may pass by itself" : "somebody must act: it does not pass by itself";
    const pairs = [
      ["Under way", this.underWay(account)],
      ["Last answer", answer ? [h("b", { class: answer.code < 300 ? "good-text" : "bad-text" }, answer.code), ` ${answer.reason}, `, running(answer.at, "ago")] : "none yet"],
      ["Last error", account.last_error],
      ["Last success", account.last_success ? running(account.last_success, "ago") : null],
      ["Failures since the last 200", failures || null],
      ["The trouble", trouble],
      ["Next", nextStep(account)],
      ["Retry-After", account.retry_after_until ? ["in force, ends ", running(account.retry_after_until, "in")] : null],
      ["Refreshes", isFailing(account) ? "fail at present; the binding stands until it ends" : null],
    ];
    return h("section", { class: "card" }, h("h2", null, "Attempt"), facts(pairs), this.avoided(account), this.answers(account));
  }

  underWay({ attempt }) {
    if (!attempt) return null;
    const { purpose, registrar, since, sends, until } = attempt;
    return [`${purpose} at `, h("code", null, registrar), `, sent ${sends} ${sends === 1 ? "time" : "times"} since `, clock(since), ", until ", clock(until)];
  }

  // The newest first; what came over and over is one line.
  answers({ answers = [] }) {
    if (answers.length < 2) return null;
    const entries = answers.map(({ code, reason, registrar, at, count }) =>
      h("li", null, h("b", { class: code < 300 ? "good-text" : "bad-text" }, code), ` ${reason}, `, h("code", null, registrar), ", ", running(at, "ago"), count > 1 ? ` (${count} times)` : null),
    );
    return [h("h3", null, "Last answers"), h("ul", { class: "answers" }, entries)];
  }

  avoided({ avoided }) {
    if (!avoided.length) return null;
    const entries = avoided.map(({ registrar, until }) => h("li", null, h("code", null, registrar), " is free again ", running(until, "in")));
    return [h("h3", null, "Avoided registrars"), h("ul", null, entries)];
  }

  place(account) {
    const pairs = [
      ["Served group", h("a", { href: link("accounts", null, { group: account.served }) }, account.served)],
      ["Serving group", account.serving],
      ["Local address", account.local ? h("code", null, account.local) : "–"],
      ["As the registrar sees us", account.public_address ? h("code", null, account.public_address) : null],
      ["Digest", account.algorithm],
      ["Shortest expiry there", account.min_expires ? seconds(account.min_expires) : null],
      ["Path", this.listed(account.routes?.path)],
      ["Service-Route", this.listed(account.routes?.service_route)],
      ["Numbers of the carrier", this.listed(account.routes?.associated_uris)],
      ["Index", account.index],
    ];
    return h("section", { class: "card" }, h("h2", null, "Place"), facts(pairs));
  }

  listed(values) {
    return values?.length ? values.map((value) => h("code", { class: "way" }, value)) : null;
  }

  async loadStrip() {
    const { hours } = this;
    try {
      const history = await get(accountPath(this.id, `/history?hours=${hours}`));
      // The answer to what was asked before may come last.
      if (hours === this.hours) fill(this.stripPlace, wideStrip(history, hours));
    } catch (fault) {
      if (fault.code !== "no-history") throw fault;
      fill(this.stripPlace, noHistory());
    }
  }

  async loadPast() {
    await Promise.all([this.loadEvents(), this.loadMessages()]);
  }

  async loadEvents() {
    try {
      const { events } = await get(path("/api/v1/events", { name: this.id, limit: EVENTS }));
      const rows = events.reverse().map((entry) => eventRow(entry, false));
      fill(this.eventsPlace, rows.length ? h("ol", { class: "events" }, rows) : empty("Nothing has happened yet."));
    } catch (fault) {
      if (fault.code !== "no-history") throw fault;
      fill(this.eventsPlace, noHistory());
    }
  }

  async loadMessages() {
    const told = await get(accountPath(this.id, `/messages?limit=${MESSAGES}`));
    showLadder(this.ladderPlace, told.messages);
  }

  async order(verb) {
    if (verb === "unregister") {
      const words = "Its binding at the registrar is removed, and calls to it stop. It stays away, over restarts too, until somebody says Register.";
      if (!(await ask(`Un-register ${this.id}?`, words, "Un-register"))) return;
    }
    const force = verb === "register" && this.mustWait();
    if (force) {
      const words = "The registrar asked for a pause that is not over yet. Whoever ignores that may be refused, or blocked.";
      if (!(await ask(`Register ${this.id} all the same?`, words, "Register"))) return;
    }
    this.isBusy = true;
    this.allow();
    try {
      const told = await post(accountPath(this.id, `/${verb}`), { force, wait: true });
      tell(...outcomeWords(told));
    } catch (fault) {
      tellFault(fault);
    } finally {
      this.isBusy = false;
      this.allow();
    }
  }

  // Whether a Retry-After is in force, which an order without more words would not break.
  mustWait() {
    const until = this.account?.retry_after_until;
    return Boolean(until) && Date.parse(until) > now();
  }

  press(key) {
    if (key !== "u") return false;
    if (this.cameFromList()) history.back();
    else location.hash = "#/accounts";
    return true;
  }

  close() {
    clearInterval(this.timer);
    this.pastAgain.cancel();
  }
}

function noHistory() {
  return empty("No history is kept: the daemon has no state directory.");
}
