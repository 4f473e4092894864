// Served groups: who sits behind us, how it is with each, and how its Accounts are.

import { get } from "./api.js";
import { fill, h, row, settled, soon, table } from "./dom.js";
import { link, stay } from "./route.js";
import { empty, tellFault } from "./say.js";
import { PHASES, count, healthMark, phaseTone } from "./words.js";

const COLUMNS = [
  { label: "Health", class: "health-cell" },
  { label: "Group", class: "name", isName: true },
  { label: "Proxy Set", class: "" },
  { label: "Members", class: "" },
  { label: "Accounts", class: "" },
];
// More rows than a screen has are not drawn at once.
const ROWS = 100;
const AGAIN = 1_000;

export function groups(app, route) {
  return new Groups(app, route);
}

class Groups {
  constructor(app, { query }) {
    this.app = app;
    this.title = "Served groups";
    this.all = [];
    this.shown = ROWS;
    this.again = soon(AGAIN, () => this.load().catch(tellFault));
    this.list = h("div", { "aria-busy": "true" });
    this.type = settled(150, () => {
      stay("groups", null, { q: this.search.value });
      this.shown = ROWS;
      this.draw();
    });
    this.search = h("input", { type: "search", placeholder: "Find a group", "aria-label": "Find a group", "aria-keyshortcuts": "/", autocomplete: "off", value: query.get("q") ?? "", oninput: this.type });
    this.node = h("div", { class: "view groups" }, h("div", { class: "head" }, h("h1", null, "Served groups"), this.search), this.list);
  }

  wishes() {
    return { topics: ["proxy-sets"] };
  }

  refresh() {
    return this.load();
  }

  async load() {
    const { groups: all } = await get("/api/v1/groups");
    // The others are registered at, and stand among the registrars.
    this.all = all.filter(({ role }) => role !== "serving");
    this.draw();
  }

  // What a group is follows from its members and its Accounts.
  on(kind) {
    if (kind === "proxy-set" || kind === "summary") this.again();
  }

  draw() {
    this.list.setAttribute("aria-busy", "false");
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.all.filter(({ name }) => name.toLowerCase().includes(wanted));
    if (!found.length) {
      fill(this.list, empty(this.all.length ? `No group is named like “${this.search.value}”.` : "No group is served."));
      return;
    }
    const focused = this.list.contains(document.activeElement) ? document.activeElement.closest("tr")?.dataset.group : null;
    const rows = found.slice(0, this.shown).map((group) => this.row(group));
    const left = found.length - this.shown;
    const more = h("button", { type: "button", onclick: () => this.more() }, `Show ${Math.min(left, ROWS)} more of ${count(left, "group")}`);
    fill(this.list, table("Served groups", COLUMNS, rows, { class: "rows cards" }), left > 0 ? h("p", { class: "foot" }, more) : null);
    if (focused) this.list.querySelector(`tr[data-group="${CSS.escape(focused)}"] a`)?.focus();
  }

  more() {
    this.shown += ROWS;
    this.draw();
  }

  row(group) {
    const { phases, accounts: total } = group;
    const chips = PHASES.filter(([key]) => phases[key]).map(([key, words]) =>
      h("a", { class: `chip ${phaseTone(key)}`, href: link("accounts", null, { group: group.name, phase: key }) }, h("b", null, phases[key]), ` ${words}`),
    );
    const members = group.members.map(({ address, health }) => h("li", null, healthMark(health), " ", h("code", null, address)));
    const cells = [
      healthMark(group.health),
      [h("a", { class: "open", href: link("accounts", null, { group: group.name }) }, group.name), h("span", { class: "sub" }, count(total, "Account"))],
      [group.proxy_set, group.detail ? h("span", { class: "sub" }, group.detail) : null],
      members.length ? h("ul", { class: "plain" }, members) : "–",
      h("span", { class: "chips" }, chips),
    ];
    return row(COLUMNS, cells, { "data-group": group.name, "data-health": group.health });
  }

  close() {
    this.again.cancel();
    this.type.cancel();
  }
}
