// Served groups: who sits behind us, how it is with each, and how its Accounts are.

import { get } from "./api.js";
import { fill, h, row, settled, soon, table } from "./dom.js";
import { link, stay } from "./route.js";
import { empty } from "./say.js";
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

export function groups(app, route) {
  return new Groups(app, route);
}

class Groups {
  constructor(app, { query }) {
    this.app = app;
    this.title = "Served groups";
    this.all = new Map();
    this.shown = ROWS;
    this.again = soon(500, () => this.draw());
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
    return { topics: ["groups"] };
  }

  async refresh() {
    const told = await get("/api/v1/groups");
    this.all = new Map(told.groups.map((group) => [group.name, group]));
    this.draw();
  }

  on(kind, said) {
    if (kind !== "group") return;
    const group = said.group ?? said;
    this.all.set(group.name, group);
    this.again();
  }

  draw() {
    this.list.setAttribute("aria-busy", "false");
    const wanted = this.search.value.trim().toLowerCase();
    const found = [...this.all.values()].filter(({ name }) => name.toLowerCase().includes(wanted));
    if (!found.length) {
      fill(this.list, empty(this.all.size ? `No group is named like “${this.search.value}”.` : "No group is served."));
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
    const phases = group.phases ?? group.accounts ?? {};
    const total = Object.values(phases).reduce((sum, number) => sum + number, 0);
    const chips = PHASES.filter(([key]) => phases[key]).map(([key, words]) =>
      h("a", { class: `chip ${phaseTone(key)}`, href: link("accounts", null, { group: group.name, phase: key }) }, h("b", null, phases[key]), ` ${words}`),
    );
    const members = (group.members ?? []).map((member) => {
      const address = member.address ?? member;
      return h("li", null, member.health ? healthMark(member.health) : null, " ", h("code", null, address));
    });
    const cells = [
      healthMark(group.health),
      [h("a", { class: "open", href: link("accounts", null, { group: group.name }) }, group.name), h("span", { class: "sub" }, count(total, "Account"))],
      group.proxy_set ?? h("span", { class: "quiet-text" }, "none: it can only be registered for"),
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
