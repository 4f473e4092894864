// All Accounts: a page of them at a time, as the daemon sorts and filters, each row live.

import { get, path } from "./api.js";
import { fill, h, row, settled, soon, table } from "./dom.js";
import { link, stay } from "./route.js";
import { empty, tellFault } from "./say.js";
import { strip } from "./strip.js";
import { running } from "./time.js";
import { PHASES, count, isRegistered, nextStep, phaseTone, phaseWords, statusMark, statusRest } from "./words.js";

const SIZES = [25, 50, 100];
const COLUMNS = [
  { key: "index", label: "#", class: "number", sort: "index" },
  { key: "name", label: "Account", class: "name", sort: "name", isName: true },
  { key: "groups", label: "Served → serving", class: "groups" },
  { key: "status", label: "Status", class: "status-cell", sort: "status" },
  { key: "backup", label: "Backup registrar used?", class: "backup" },
  { key: "registrar", label: "Registrar", class: "address", sort: "registrar" },
  { key: "since", label: "Since", class: "when", sort: "since" },
  { key: "next", label: "Next", class: "when next", sort: "next" },
  { key: "strip", label: "Last 24 h", class: "strip-cell" },
];
// A page that is sorted or filtered by what changes is fetched again when it does, but not more
// often than this.
const AGAIN = 1_000;
const STRIPS_AGAIN = 60_000;

export function accounts(app, route) {
  return new Accounts(app, route);
}

class Accounts {
  constructor(app, route) {
    this.app = app;
    this.title = "Accounts";
    this.rows = new Map();
    this.strips = new Map();
    this.hasHistory = true;
    this.page = null;
    this.stale = new Set();
    this.read(route.query);
    this.again = soon(AGAIN, () => this.quietly(() => this.load()));
    this.stripsAgain = soon(1_500, () => this.quietly(() => this.loadStrips([...this.stale])));
    this.timer = setInterval(() => this.quietly(() => this.loadStrips()), STRIPS_AGAIN);
    this.type = settled(200, () => this.set({ q: this.search.value, offset: 0 }, true));
    this.build();
  }

  read(query) {
    const number = (key, usual) => {
      const value = Number.parseInt(query.get(key) ?? "", 10);
      return Number.isFinite(value) && value >= 0 ? value : usual;
    };
    const size = number("limit", 50);
    this.wish = {
      q: query.get("q") ?? "",
      phase: query.get("phase") ?? "",
      group: query.get("group") ?? "",
      registrar: query.get("registrar") ?? "",
      sort: COLUMNS.some(({ sort }) => sort === query.get("sort")) ? query.get("sort") : "index",
      order: query.get("order") === "desc" ? "desc" : "asc",
      offset: number("offset", 0),
      limit: SIZES.includes(size) ? size : 50,
    };
  }

  build() {
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Filter by phase" });
    this.filters = h("div", { class: "filters" });
    this.search = h("input", {
      type: "search",
      id: "search",
      placeholder: "Find an Account by name or AOR",
      "aria-label": "Find an Account by name or AOR",
      "aria-keyshortcuts": "/",
      autocomplete: "off",
      spellcheck: "false",
      value: this.wish.q,
      oninput: this.type,
    });
    this.list = h("div", { class: "list", "aria-busy": "true" });
    this.pager = h("div", { class: "pager" });
    this.found = h("p", { class: "found", role: "status" });
    this.sorting = this.sortChoice();
    this.node = h(
      "div",
      { class: "view accounts" },
      h("div", { class: "head" }, h("h1", null, "Accounts"), this.search, this.sorting),
      this.chips,
      this.filters,
      this.list,
      h("div", { class: "foot" }, this.found, this.pager),
    );
  }

  // Cards have no headings to sort by.
  sortChoice() {
    const options = COLUMNS.filter(({ sort }) => sort).flatMap(({ label, sort }) =>
      ["asc", "desc"].map((order) => {
        const words = `${label === "#" ? "Index" : label}${order === "asc" ? " ↑" : " ↓"}`;
        return h("option", { value: `${sort} ${order}` }, words);
      }),
    );
    const onchange = (event) => {
      const [sort, order] = event.target.value.split(" ");
      this.set({ sort, order, offset: 0 });
    };
    return h("select", { class: "narrow-only", "aria-label": "Sort by", onchange }, options);
  }

  // Another address of this view: followed without building it anew.
  follow(route) {
    this.read(route.query);
    if (document.activeElement !== this.search) this.search.value = this.wish.q;
    this.quietly(() => this.load());
    return true;
  }

  set(change, isTyped = false) {
    Object.assign(this.wish, change);
    const parameters = this.parameters();
    if (isTyped) {
      stay("accounts", null, parameters);
      this.quietly(() => this.load());
    } else {
      location.hash = link("accounts", null, parameters);
    }
  }

  // What differs from the usual, for the address.
  parameters() {
    const usual = { q: "", phase: "", group: "", registrar: "", sort: "index", order: "asc", offset: 0, limit: 50 };
    return Object.fromEntries(Object.entries(this.wish).filter(([key, value]) => value !== usual[key]));
  }

  wishes() {
    return { topics: ["accounts"], names: [...this.rows.keys()] };
  }

  async quietly(what) {
    try {
      await what();
    } catch (fault) {
      tellFault(fault);
    }
  }

  async refresh() {
    await this.load();
  }

  async load() {
    this.again.cancel();
    this.asked?.abort();
    this.asked = new AbortController();
    const { q, phase, group, registrar, sort, order, offset, limit } = this.wish;
    const wanted = { matching: q, phase, group, registrar, sort, order, offset, limit };
    const page = await get(path("/api/v1/accounts", wanted), this.asked.signal);
    if (!page.accounts.length && page.matching && offset) {
      // The page that we were on is gone.
      this.set({ offset: Math.floor((page.matching - 1) / limit) * limit }, true);
      return;
    }
    this.page = page;
    this.showChips(page);
    this.showFilters();
    this.showRows(page.accounts);
    this.showPager(page);
    this.app.listen();
    this.loadStrips().catch(tellFault);
  }

  showChips({ total, phases }) {
    const chip = (key, words, number) =>
      h(
        "button",
        {
          type: "button",
          class: `chip ${key ? phaseTone(key) : ""}`,
          "aria-pressed": String(this.wish.phase === key),
          "data-phase": key || "all",
          onclick: () => this.set({ phase: this.wish.phase === key ? "" : key, offset: 0 }),
        },
        h("b", null, number.toLocaleString()),
        " ",
        words,
      );
    const known = PHASES.filter(([key]) => phases[key] || this.wish.phase === key);
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.dataset.phase : null;
    fill(this.chips, chip("", "all", total), known.map(([key, words]) => chip(key, words, phases[key] ?? 0)));
    if (focused) this.chips.querySelector(`[data-phase="${focused}"]`)?.focus();
  }

  showFilters() {
    const chip = (key, words) =>
      this.wish[key]
        ? h("button", { type: "button", class: "chip filter", onclick: () => this.set({ [key]: "", offset: 0 }) }, `${words} ${this.wish[key]}`, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "unseen" }, ", remove this filter"))
        : null;
    fill(this.filters, chip("group", "group"), chip("registrar", "registrar"));
  }

  showRows(list) {
    const focused = this.focused();
    this.rows.clear();
    this.list.setAttribute("aria-busy", "false");
    this.sorting.value = `${this.wish.sort} ${this.wish.order}`;
    if (!list.length) {
      fill(this.list, empty(...this.why()));
      return;
    }
    const made = list.map((account) => {
      const node = this.row(account);
      this.rows.set(account.name, { account, node });
      return node;
    });
    const columns = COLUMNS.map((column) => this.head(column));
    fill(this.list, table("Accounts", columns, made, { class: "rows cards" }));
    this.restore(focused);
  }

  why() {
    const { q, phase, group, registrar } = this.wish;
    if (!q && !phase && !group && !registrar) return ["No Account is configured. ", h("code", null, "regent configure account add"), " adds one."];
    const parts = [q && `found by “${q}”`, phase && phaseWords(phase), group && `of group ${group}`, registrar && `at ${registrar}`];
    const all = h("button", { type: "button", onclick: () => this.clear() }, "Show all");
    return [`No Account is ${parts.filter(Boolean).join(" and ")}. `, all];
  }

  clear() {
    this.search.value = "";
    this.set({ q: "", phase: "", group: "", registrar: "", offset: 0 });
  }

  head(column) {
    if (!column.sort) return column;
    const isOn = this.wish.sort === column.sort;
    const order = isOn && this.wish.order === "asc" ? "desc" : "asc";
    const arrow = isOn ? (this.wish.order === "asc" ? "▲" : "▼") : "";
    return {
      ...column,
      sort: isOn ? (this.wish.order === "asc" ? "ascending" : "descending") : "none",
      head: h(
        "button",
        { type: "button", class: "sort", "data-sort": column.sort, onclick: () => this.set({ sort: column.sort, order, offset: 0 }) },
        column.label === "#" ? h("span", null, "#", h("span", { class: "unseen" }, " index")) : column.label,
        h("span", { class: "arrow", "aria-hidden": "true" }, arrow),
      ),
    };
  }

  row(account) {
    const { name, index, served, serving, aor, registrar } = account;
    const rest = statusRest(account);
    const cells = [
      index,
      [h("a", { class: "open", href: link("account", name) }, name), h("span", { class: "sub" }, aor)],
      h("span", null, served, h("span", { class: "to", "aria-label": "to" }, " → "), serving),
      [statusMark(account), rest ? h("span", { class: "sub" }, rest) : null],
      account.registrar ? h("span", { class: account.backup_registrar_used ? "yes" : "no" }, account.backup_registrar_used ? "Yes" : "No") : "–",
      registrar ?? "–",
      this.since(account),
      nextStep(account),
      h("span", { class: "strip-place" }, this.drawn(name)),
    ];
    return row(COLUMNS, cells, { "data-account": name, "data-status": account.status, "data-phase": account.phase });
  }

  // Since when it is registered, or is not though it should be.
  since({ registered_since: up, down_since: down }) {
    const since = up ?? down;
    return since ? running(since, "for") : "–";
  }

  drawn(name) {
    const history = this.strips.get(name);
    return history ? strip(history, 24) : null;
  }

  async loadStrips(names) {
    const wanted = names ?? [...this.rows.keys()];
    this.stale.clear();
    if (!this.hasHistory || !wanted.length) return;
    let told;
    try {
      told = await get(path("/api/v1/history", { hours: 24, name: wanted }));
    } catch (fault) {
      if (fault.code !== "no-history") throw fault;
      this.hasHistory = false;
      this.list.classList.add("no-history");
      return;
    }
    for (const [name, history] of Object.entries(told.accounts)) {
      this.strips.set(name, { from: told.from, until: told.until, ...history });
      const shown = this.rows.get(name);
      if (!shown) continue;
      fill(shown.node.querySelector(".strip-place"), this.drawn(name));
    }
    // What was looked at long ago is not kept for ever.
    if (this.strips.size > 500) for (const name of this.strips.keys()) if (!this.rows.has(name)) this.strips.delete(name);
  }

  on(kind, said) {
    if (kind === "account") this.update(said.account ?? said);
    if (kind === "removed") this.again();
    if (kind === "summary") {
      this.showChips({ total: said.total, phases: said.phases });
      const isMoving = this.wish.phase || !["index", "name"].includes(this.wish.sort);
      if (isMoving || said.total !== this.page?.total) this.again();
    }
  }

  update(account) {
    const shown = this.rows.get(account.name);
    if (!shown) return;
    const hasTurned = shown.account.status !== account.status || shown.account.phase !== account.phase;
    const focused = this.focused();
    const node = this.row(account);
    if (hasTurned) {
      node.classList.add("turned");
      this.stale.add(account.name);
      this.stripsAgain();
    }
    shown.node.replaceWith(node);
    this.rows.set(account.name, { account, node });
    this.restore(focused);
  }

  // Whose row has the focus, so that it keeps it when the row is made anew.
  focused() {
    return this.list.contains(document.activeElement) ? document.activeElement.closest("tr[data-account]")?.dataset.account : null;
  }

  restore(name) {
    if (name && !this.list.contains(document.activeElement)) this.rows.get(name)?.node.querySelector("a.open").focus();
  }

  showPager({ matching }) {
    const { offset, limit } = this.wish;
    const last = Math.min(offset + limit, matching);
    fill(this.found, matching ? `${(offset + 1).toLocaleString()}–${last.toLocaleString()} of ${count(matching, "Account")}` : "");
    const turn = (words, key, isOff, by) =>
      h("button", { type: "button", disabled: isOff, "aria-keyshortcuts": key, "data-turn": key, onclick: () => this.turn(by) }, words);
    const sizes = SIZES.map((size) => h("option", { value: size, selected: size === limit }, `${size} rows`));
    fill(
      this.pager,
      turn("Previous", "[", offset === 0, -1),
      turn("Next", "]", last >= matching, 1),
      h("select", { "aria-label": "Rows on a page", onchange: (event) => this.set({ limit: Number(event.target.value), offset: 0 }) }, sizes),
    );
  }

  turn(by) {
    const { offset, limit } = this.wish;
    const next = offset + by * limit;
    if (next + limit <= 0 || next >= (this.page?.matching ?? 0)) return;
    this.set({ offset: Math.max(0, next) });
    window.scrollTo(0, 0);
  }

  press(key) {
    if (key !== "[" && key !== "]") return false;
    this.turn(key === "]" ? 1 : -1);
    return true;
  }

  close() {
    clearInterval(this.timer);
    this.again.cancel();
    this.stripsAgain.cancel();
    this.type.cancel();
    this.asked?.abort();
  }
}
