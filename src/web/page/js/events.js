// What has happened, the newest first, live.

import { get, path } from "./api.js";
import { fill, h, settled } from "./dom.js";
import { KINDS, eventRow } from "./happening.js";
import { link, stay } from "./route.js";
import { empty, tellFault } from "./say.js";

const PAGE = 100;
// A tab that is left open overnight does not grow without end, but for what was asked for.
const MOST = 1_000;

export function events(app, route) {
  return new Events(app, route);
}

class Events {
  constructor(app, { query }) {
    this.app = app;
    this.title = "Events";
    this.wish = { account: query.get("account") ?? "", kind: query.get("kind") ?? "" };
    this.oldest = null;
    this.newest = 0;
    this.room = MOST;
    this.list = h("ol", { class: "events", "aria-label": "Events, the newest first" });
    this.none = h("div", null);
    this.foot = h("p", { class: "foot" });
    this.type = settled(250, () => this.set({ account: this.account.value.trim() }));
    this.build();
  }

  build() {
    this.account = h("input", { type: "search", placeholder: "Of one Account, by its whole name", "aria-label": "Of one Account, by its whole name", "aria-keyshortcuts": "/", autocomplete: "off", value: this.wish.account, oninput: this.type });
    const options = KINDS.map(([key, words]) => h("option", { value: key, selected: key === this.wish.kind }, words));
    this.kind = h("select", { "aria-label": "Of one kind", onchange: () => this.set({ kind: this.kind.value }) }, h("option", { value: "" }, "of every kind"), options);
    this.node = h("div", { class: "view events-view" }, h("div", { class: "head" }, h("h1", null, "Events"), this.account, this.kind), this.list, this.none, this.foot);
  }

  set(change) {
    this.wish = { ...this.wish, ...change };
    stay("events", null, this.wish);
    this.refresh().catch(tellFault);
  }

  follow({ query }) {
    this.wish = { account: query.get("account") ?? "", kind: query.get("kind") ?? "" };
    this.account.value = this.wish.account;
    this.kind.value = this.wish.kind;
    this.refresh().catch(tellFault);
    return true;
  }

  wishes() {
    return { topics: ["events"] };
  }

  // Those before the one of this id, which many may share their time with.
  async fetch(before) {
    const { account, kind } = this.wish;
    const told = await get(path("/api/v1/events", { name: account, kind, before, limit: PAGE }));
    return told.events;
  }

  async refresh() {
    let found;
    try {
      found = await this.fetch();
    } catch (fault) {
      if (fault.code !== "no-history") throw fault;
      fill(this.none, empty("No history is kept: the daemon has no state directory. What happens from now on is shown here."));
      return;
    }
    this.newest = found.at(-1)?.id ?? this.newest;
    this.oldest = found[0]?.id ?? null;
    this.room = MOST;
    fill(this.list, [...found].reverse().map((entry) => eventRow(entry, true)));
    fill(this.none, found.length ? null : empty(...this.why()));
    this.showFoot(found.length === PAGE);
  }

  why() {
    if (!this.wish.account && !this.wish.kind) return ["Nothing has happened yet."];
    return ["Nothing of that kind has happened. ", h("a", { href: link("events") }, "Show all")];
  }

  showFoot(hasMore) {
    fill(this.foot, hasMore ? h("button", { type: "button", onclick: (event) => this.older(event.currentTarget) }, "Older") : null);
  }

  async older(button) {
    button.disabled = true;
    try {
      const { oldest, wish } = this;
      const found = await this.fetch(oldest);
      // Something else may have been asked for meanwhile, or what these follow on may have gone.
      if (oldest !== this.oldest || wish !== this.wish) return;
      this.oldest = found[0]?.id ?? oldest;
      this.list.append(...[...found].reverse().map((entry) => eventRow(entry, true)));
      this.room = Math.max(MOST, this.list.childElementCount);
      this.showFoot(found.length === PAGE);
    } catch (fault) {
      tellFault(fault);
      button.disabled = false;
    }
  }

  on(kind, said) {
    if (kind !== "event") return;
    const entry = said.event ?? said;
    const { account, kind: wanted } = this.wish;
    if ((account && entry.account !== account) || (wanted && entry.kind !== wanted)) return;
    if (entry.id && entry.id <= this.newest) return;
    this.newest = entry.id || this.newest;
    fill(this.none, null);
    const node = eventRow(entry, true);
    node.classList.add("turned");
    this.list.prepend(node);
    this.trim();
  }

  // What has gone can be asked for again.
  trim() {
    if (this.list.childElementCount <= this.room) return;
    while (this.list.childElementCount > this.room) this.list.lastElementChild.remove();
    this.oldest = Number(this.list.lastElementChild.dataset.event) || this.oldest;
    this.showFoot(true);
  }

  close() {
    this.type.cancel();
  }
}
