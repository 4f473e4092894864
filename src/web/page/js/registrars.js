// Registrars: the Proxy Sets with their members, and the round trips to each.

import { get } from "./api.js";
import { fill, h, row, soon, table } from "./dom.js";
import { plot } from "./plot.js";
import { link, stay } from "./route.js";
import { empty, tellFault } from "./say.js";
import { round, running } from "./time.js";
import { HEALTH_LEGEND, count, healthMark, toned } from "./words.js";

const COLUMNS = [
  { label: "Health", class: "health-cell" },
  { label: "Address", class: "address", isName: true },
  { label: "Name", class: "" },
  { label: "Since", class: "when" },
  { label: "Round trip", class: "number" },
  { label: "Bound", class: "number" },
  { label: "Priority", class: "number" },
  { label: "Weight", class: "number" },
  { label: "Current", class: "" },
];

export function registrars(app, route) {
  return new Registrars(app, route);
}

class Registrars {
  constructor(app, { query }) {
    this.app = app;
    this.title = "Registrars";
    this.hours = query.get("hours") === "168" ? 168 : 24;
    this.sets = new Map();
    this.again = soon(250, () => this.draw());
    this.timer = setInterval(() => this.loadPlots().catch(tellFault), 60_000);
    this.setsPlace = h("div", { "aria-busy": "true" });
    this.plots = h("div", { class: "plots" });
    const legend = HEALTH_LEGEND.map(([word, meaning]) => h("li", null, healthMark(word), h("span", { class: "sub" }, meaning)));
    this.node = h(
      "div",
      { class: "view registrars" },
      h("div", { class: "head" }, h("h1", null, "Registrars")),
      this.setsPlace,
      h("details", { class: "words" }, h("summary", null, "What the words mean"), h("ul", { class: "legend" }, legend)),
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "Round trips"), this.periods()), this.plots),
    );
  }

  periods() {
    const buttons = [24, 168].map((hours) => {
      const onclick = (event) => {
        this.hours = hours;
        stay("registrars", null, { hours: hours === 24 ? "" : hours });
        for (const other of event.currentTarget.parentElement.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
        this.loadPlots().catch(tellFault);
      };
      return h("button", { type: "button", "aria-pressed": String(this.hours === hours), "data-hours": hours, onclick }, hours === 24 ? "24 h" : "7 d");
    });
    return h("div", { class: "switch", role: "group", "aria-label": "Period" }, buttons);
  }

  wishes() {
    return { topics: ["proxy-sets"] };
  }

  async refresh() {
    const { proxy_sets: sets } = await get("/api/v1/proxy-sets");
    this.sets = new Map(sets.map((set) => [set.name, set]));
    this.draw();
    await this.loadPlots();
  }

  on(kind, said) {
    if (kind !== "proxy-set") return;
    const set = said.proxy_set ?? said;
    this.sets.set(set.name, set);
    this.again();
  }

  draw() {
    this.setsPlace.setAttribute("aria-busy", "false");
    const sets = [...this.sets.values()];
    if (!sets.length) {
      fill(this.setsPlace, empty("No Proxy Set is configured."));
      return;
    }
    const focused = document.activeElement?.getAttribute("href");
    const isInside = this.setsPlace.contains(document.activeElement);
    fill(this.setsPlace, sets.map((set) => this.set(set)));
    if (isInside && focused) this.setsPlace.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  set(set) {
    const isWatched = set.members.some(({ health }) => health !== "Unmonitored");
    const words = set.is_online === null ? toned("quiet", isWatched ? "not known" : "no keep-alive") : set.is_online ? toned("good", "online") : toned("bad", "offline");
    const rows = set.members.map((member) => this.member(member));
    return h(
      "section",
      { class: "card set", "data-set": set.name },
      h("div", { class: "card-head" }, h("h2", null, set.name), words, h("span", { class: "sub" }, count(set.members.length, "member"))),
      set.trouble ? h("p", { class: "hint doubtful" }, set.trouble) : null,
      rows.length ? table(`Members of ${set.name}`, COLUMNS, rows, { class: "rows cards members" }) : empty("It has no member at present."),
    );
  }

  member(member) {
    const { address, name, priority, weight, health, since, rtt_us: rtt, accounts_bound: bound, is_current: isCurrent } = member;
    const cells = [
      healthMark(health),
      h("code", null, address),
      name ?? "–",
      running(since, "for"),
      round(rtt),
      bound ? h("a", { class: "open", href: link("accounts", null, { registrar: address }) }, count(bound, "Account")) : "0",
      priority,
      weight,
      isCurrent ? toned("good", "current") : "–",
    ];
    return row(COLUMNS, cells, { "data-member": address, "data-health": health });
  }

  async loadPlots() {
    let told;
    try {
      told = await get(`/api/v1/registrars/round-trips?hours=${this.hours}`);
    } catch (fault) {
      if (fault.code !== "no-history" && fault.status !== 404) throw fault;
      fill(this.plots, empty("No round trips are kept: the daemon has no state directory."));
      return;
    }
    const period = { from: told.from, until: told.until, step: told.step_s, hours: this.hours };
    const figures = told.registrars.map((series) => plot(series.registrar, series, period));
    fill(this.plots, figures.length ? figures : empty("No registrar has answered yet."));
  }

  close() {
    clearInterval(this.timer);
    this.again.cancel();
  }
}
