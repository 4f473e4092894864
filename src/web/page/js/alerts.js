// Alerts: what goes on, what is not delivered yet, and who is told.

import { get, path, post, remove } from "./api.js";
import { fill, h, row, soon, table } from "./dom.js";
import { link } from "./route.js";
import { ask, empty, tell, tellFault } from "./say.js";
import { subscribe } from "./subscribe.js";
import { clock, running } from "./time.js";
import { count } from "./words.js";

const ONGOING = [
  { label: "Label", class: "name", isName: true },
  { label: "Identity", class: "identity" },
  { label: "Source IP", class: "address" },
  { label: "User Agent", class: "" },
  { label: "Email", class: "" },
  { label: "Timeout Limit", class: "" },
  { label: "Send Timeout Email", class: "" },
  { label: "Started", class: "when" },
];
const WAITING = [
  { label: "Alert", class: "name", isName: true },
  { label: "Notice", class: "" },
  { label: "To", class: "" },
  { label: "For", class: "when" },
  { label: "Tried", class: "number" },
  { label: "Next try", class: "when" },
  { label: "Why", class: "why" },
];
const WANTED = [
  { label: "Name", class: "name", isName: true },
  { label: "Told by", class: "" },
  { label: "Identities", class: "" },
  { label: "Resolution", class: "" },
  { label: "Timeout", class: "" },
  { label: "Limit", class: "" },
  { label: "Actions", class: "actions" },
];
// What a page takes.
const ROWS = 200;

// What has the focus keeps it when it is drawn anew.
function redraw(place, ...nodes) {
  const active = place.contains(document.activeElement) ? key(document.activeElement) : null;
  fill(place, ...nodes);
  if (active) [...place.querySelectorAll("a, button")].find((node) => key(node) === active)?.focus();
}

function key(node) {
  return node.getAttribute("aria-label") ?? `${node.closest("tr")?.dataset.by ?? ""} ${node.textContent}`;
}

export function alerts(app) {
  return new Alerts(app);
}

class Alerts {
  constructor(app) {
    this.app = app;
    this.title = "Alerts";
    this.offset = 0;
    this.all = 0;
    this.again = soon(300, () => this.load().catch(tellFault));
    this.timer = setInterval(() => this.again(), 15_000);
    this.ongoing = h("div", { "aria-busy": "true" });
    this.waiting = h("section", { class: "card", hidden: true });
    this.wanted = h("div", null);
    this.create = h("button", { type: "button", class: "primary", id: "new-alert", onclick: () => this.edit(null) }, "New alert");
    this.node = h(
      "div",
      { class: "view alerts" },
      h("div", { class: "head" }, h("h1", null, "Alerts"), this.create),
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "Ongoing alerts")), this.ongoing),
      this.waiting,
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "Subscriptions")), this.wanted),
    );
  }

  wishes() {
    return { topics: ["alerts"] };
  }

  on(kind) {
    if (kind === "alerts" || kind === "summary") this.again();
  }

  async refresh() {
    await this.load();
  }

  async load() {
    const { offset } = this;
    const page = (from) => get(path("/api/v1/alerts", { offset: from || null, limit: ROWS }));
    const [told, first, subscriptions] = await Promise.all([page(offset), offset ? page(0) : null, get("/api/v1/subscriptions")]);
    if (offset !== this.offset) return;
    this.all = told.ongoing;
    if (offset && offset >= told.ongoing) {
      this.goTo(Math.max(0, Math.ceil(told.ongoing / ROWS) - 1) * ROWS);
      return;
    }
    this.showOngoing(told);
    this.showWaiting(first ?? told);
    this.showWanted(subscriptions.subscriptions ?? subscriptions);
    this.create.disabled = !this.app.mayAct;
    this.create.title = this.app.mayAct ? "" : "A viewer may look, not act";
  }

  showOngoing({ alerts: list, ongoing }) {
    this.ongoing.setAttribute("aria-busy", "false");
    if (!list.length) {
      redraw(this.ongoing, empty("No alert goes on."));
      return;
    }
    const rows = list.map((alert) =>
      row(
        ONGOING,
        [
          h("a", { class: "open", href: link("account", alert.label) }, alert.label),
          h("code", null, alert.identity),
          alert.source_ip ?? "–",
          alert.user_agent,
          alert.email ?? (alert.webhook ? "(webhook)" : "–"),
          alert.time_limit,
          alert.send_timeout ? "Yes" : "No",
          [clock(alert.started), h("span", { class: "sub" }, running(alert.started, "ago"))],
        ],
        { "data-alert": alert.label, "data-by": alert.subscription },
      ),
    );
    redraw(this.ongoing, table("Ongoing alerts", ONGOING, rows, { class: "rows cards" }), this.pager(ongoing, list.length));
  }

  // Where there are more than a table takes.
  pager(all, shown) {
    if (all <= ROWS) return null;
    const last = this.offset + shown;
    const turn = (words, sign, isOff, by) => h("button", { type: "button", disabled: isOff, "aria-keyshortcuts": sign, "data-turn": sign, onclick: () => this.turn(by) }, words);
    return h(
      "div",
      { class: "foot" },
      h("p", { class: "found", role: "status" }, `${(this.offset + 1).toLocaleString()}–${last.toLocaleString()} of ${count(all, "alert")}`),
      h("div", { class: "pager" }, turn("Previous", "[", this.offset === 0, -1), turn("Next", "]", last >= all, 1)),
    );
  }

  turn(by) {
    const next = this.offset + by * ROWS;
    if (next < 0 || next >= this.all) return;
    this.goTo(next);
    window.scrollTo(0, 0);
  }

  goTo(offset) {
    this.offset = offset;
    this.load().catch(tellFault);
  }

  press(sign) {
    if (sign !== "[" && sign !== "]") return false;
    this.turn(sign === "]" ? 1 : -1);
    return true;
  }

  showWaiting({ deliveries: list, waiting }) {
    this.waiting.hidden = !list.length;
    if (!list.length) return;
    // Those of one subscription leave one after the other, the oldest first.
    const ahead = new Set();
    const isFirst = ({ subscription, means }) => {
      const way = JSON.stringify([subscription, means]);
      return !ahead.has(way) && Boolean(ahead.add(way));
    };
    const rows = list.map((notice) => {
      const isNext = isFirst(notice) || notice.next_try;
      const why = isNext ? "under way" : "an earlier one leaves first";
      return row(WAITING, [
        notice.subscription,
        `${notice.event.replace("-", " ")}, ${count(notice.accounts, "Account")}`,
        [notice.to ?? "–", h("span", { class: "sub" }, notice.means)],
        running(notice.given, "for"),
        notice.tried,
        notice.next_try ? running(notice.next_try, "in") : isNext ? "now" : "later",
        notice.trouble ? h("span", { class: "bad-text" }, notice.trouble) : why,
      ]);
    });
    const left = waiting - list.length;
    redraw(this.waiting, h("div", { class: "card-head" }, h("h2", null, "Not delivered yet")), table("Notices that are not delivered yet", WAITING, rows, { class: "rows cards" }), left > 0 ? h("p", { class: "foot" }, `and ${left.toLocaleString()} more`) : null);
  }

  showWanted(list) {
    this.known = list;
    if (!list.length) {
      fill(this.wanted, empty("Nobody is told when an Account is lost. “New alert” changes that."));
      return;
    }
    redraw(this.wanted, table("Subscriptions", WANTED, list.map((wanted) => this.subscription(wanted)), { class: "rows cards" }));
  }

  subscription(wanted) {
    const { name, email, webhook_host: host, accounts } = wanted;
    const ways = [email, host ? `webhook at ${host}` : null].filter(Boolean);
    const button = (words, kind, what) => h("button", { type: "button", class: kind, disabled: !this.app.mayAct, "aria-label": `${words} ${name}`, "data-do": words.toLowerCase(), onclick: what }, words);
    const cells = [
      name,
      ways.map((way) => h("span", { class: "way" }, way)),
      accounts === null ? "all" : h("span", { title: accounts.join(", ") }, accounts.length <= 3 ? accounts.join(", ") : count(accounts.length, "Account")),
      wanted.resolution ? "Yes" : "No",
      wanted.timeout ? "Yes" : "No",
      wanted.time_limit,
      h("span", { class: "buttons" }, button("Edit", "", () => this.edit(wanted)), button("Test", "", (event) => this.test(name, event.currentTarget)), button("Delete", "danger", () => this.forget(name))),
    ];
    return row(WANTED, cells, { "data-subscription": name });
  }

  edit(wanted) {
    subscribe(wanted, this.known?.map(({ name }) => name) ?? [], (words) => {
      tell("good", words);
      this.again();
    });
  }

  async test(name, button) {
    button.disabled = true;
    tell("quiet", `A test of ${name} is under way.`);
    try {
      const told = await post(`/api/v1/subscriptions/${encodeURIComponent(name)}/test`);
      for (const { means, to, trouble } of told.tests ?? told) {
        if (trouble) tell("bad", `The test by ${means} to ${to} did not arrive: ${trouble}.`);
        else tell("good", `The test by ${means} arrived at ${to}.`);
      }
    } catch (fault) {
      tellFault(fault);
    } finally {
      button.disabled = false;
    }
  }

  async forget(name) {
    const words = "Nobody is told by it any more. What goes on and what waits for it is dropped.";
    if (!(await ask(`Delete the subscription ${name}?`, words, "Delete"))) return;
    try {
      await remove(`/api/v1/subscriptions/${encodeURIComponent(name)}`);
      tell("good", `The subscription ${name} is deleted.`);
      this.again();
    } catch (fault) {
      tellFault(fault);
    }
  }

  close() {
    clearInterval(this.timer);
    this.again.cancel();
  }
}
