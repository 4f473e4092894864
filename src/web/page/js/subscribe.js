// The form behind “New alert”: whom to tell, about whom, and what.

import { faultWords, get, path, post, put } from "./api.js";
import { fill, h, settled } from "./dom.js";
import { dialog, prose, sentence } from "./say.js";

const LIMITS = [
  ["1h", "1 hour"],
  ["2h", "2 hours"],
  ["6h", "6 hours"],
  ["12h", "12 hours"],
  ["24h", "24 hours"],
];
const FOUND = 20;

// Opens the form for a subscription, or for a new one; `done` gets a sentence when it is saved.
export function subscribe(wanted, taken, done) {
  const form = new Form(wanted, taken, done);
  form.node = dialog(wanted ? `Alert ${wanted.name}` : "New alert", form.build());
  form.node.classList.add("wide");
  form.node.querySelector("input")?.focus();
}

class Form {
  constructor(wanted, taken, done) {
    this.wanted = wanted;
    this.taken = taken;
    this.done = done;
    this.chosen = new Set(wanted?.accounts ?? []);
    this.isNamed = Boolean(wanted);
    this.find = settled(200, () => this.search());
  }

  build() {
    const { wanted } = this;
    this.email = this.input("email", "email", wanted?.email ?? "", { autocomplete: "email", oninput: () => this.suggest() });
    this.webhook = this.input("webhook", "url", "", { placeholder: wanted?.webhook_host ? `unchanged: ${wanted.webhook_host}` : "https://" });
    this.secret = this.input("secret", "password", "", { autocomplete: "new-password" });
    this.name = this.input("name", "text", wanted?.name ?? "", { required: true, maxlength: 60, disabled: Boolean(wanted), oninput: () => (this.isNamed = true) });
    this.dropHook = h("input", { type: "checkbox", id: "alert-drop" });
    this.told = h("p", { class: "told", role: "alert" });
    this.save = h("button", { type: "submit", class: "primary" }, wanted ? "Save" : "Subscribe");
    return h(
      "form",
      { class: "subscribe", onsubmit: (event) => this.submit(event) },
      this.whom(),
      this.identities(),
      this.what(),
      this.field("name", "Name of this subscription", this.name, wanted ? "A name stays." : "It stands in the configuration and in the list of alerts."),
      this.told,
      h("div", { class: "buttons" }, this.save, h("button", { type: "button", onclick: () => this.node.close() }, "Cancel")),
    );
  }

  input(key, type, value, more) {
    return h("input", { id: `alert-${key}`, name: key, type, value, autocomplete: "off", spellcheck: "false", ...more });
  }

  field(key, label, input, hint) {
    if (hint) input.setAttribute("aria-describedby", `alert-${key}-hint`);
    return h("div", { class: "field" }, h("label", { for: `alert-${key}` }, label), input, hint ? h("p", { class: "hint", id: `alert-${key}-hint` }, hint) : null);
  }

  whom() {
    const { wanted } = this;
    const drop = wanted?.webhook_host ? h("label", { class: "choice" }, this.dropHook, `no webhook any more (now at ${wanted.webhook_host})`) : null;
    return h(
      "fieldset",
      null,
      h("legend", null, "Who is told"),
      this.field("email", "Subscriber e-mail address", this.email, null),
      h(
        "details",
        { class: "more", open: Boolean(wanted?.webhook_host) },
        h("summary", null, "A webhook, beside or in place of mails"),
        this.field("webhook", "Webhook address", this.webhook, "JSON is posted there."),
        this.field("secret", "Secret that signs what is posted", this.secret, wanted?.webhook_host ? "Empty: as it is." : "Empty: not signed."),
        drop,
      ),
    );
  }

  identities() {
    const { wanted } = this;
    const isAll = !wanted || wanted.accounts === null;
    this.all = h("input", { type: "radio", name: "identities", value: "all", checked: isAll, onchange: () => this.showPicker() });
    this.some = h("input", { type: "radio", name: "identities", value: "specific", checked: !isAll, onchange: () => this.showPicker() });
    this.picked = h("ul", { class: "picked", "aria-label": "Chosen Accounts" });
    this.finder = h("input", { type: "search", id: "alert-find", placeholder: "Find Accounts by name or AOR", "aria-label": "Find Accounts by name or AOR", autocomplete: "off", oninput: this.find });
    this.results = h("ul", { class: "results", "aria-label": "Accounts that were found" });
    this.picker = h("div", { class: "picker", hidden: isAll }, this.picked, this.finder, this.results);
    this.finder.addEventListener("keydown", (event) => {
      // Enter takes what was found, and does not send the form.
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.results.querySelector("button:not([disabled])")?.click();
    });
    this.showPicked();
    if (!isAll) this.search();
    return h("fieldset", null, h("legend", null, "Identities"), h("label", { class: "choice" }, this.all, "all"), h("label", { class: "choice" }, this.some, "specific ones"), this.picker);
  }

  what() {
    const { wanted } = this;
    this.resolution = h("input", { type: "checkbox", name: "resolution", checked: wanted?.resolution ?? true });
    this.timeout = h("input", { type: "checkbox", name: "timeout", checked: wanted?.timeout ?? true });
    const usual = wanted?.time_limit ?? "24h";
    const options = LIMITS.map(([value, words]) => h("option", { value, selected: value === usual }, words));
    this.limit = h("select", { id: "alert-limit", name: "limit" }, options);
    return h(
      "fieldset",
      null,
      h("legend", null, "What is told"),
      h("p", { class: "hint" }, "When an Account was registered for a minute, is lost, and does not come back within 90 seconds: always."),
      h("label", { class: "choice" }, this.resolution, "when it is registered again (resolution)"),
      h("label", { class: "choice" }, this.timeout, "when it is not within the limit (timeout)"),
      this.field("limit", "Timeout limit", this.limit, null),
    );
  }

  // Until somebody types a name, the subscriber's own is proposed.
  suggest() {
    if (this.isNamed) return;
    const base = this.email.value.split("@")[0].replace(/[^A-Za-z0-9._-]/g, "").slice(0, 40);
    let name = base;
    for (let number = 2; this.taken.includes(name); number += 1) name = `${base}-${number}`;
    this.name.value = name;
  }

  showPicker() {
    this.picker.hidden = !this.some.checked;
    if (this.some.checked) {
      this.search();
      this.finder.focus();
    }
  }

  async search() {
    let found;
    try {
      found = await get(path("/api/v1/accounts", { matching: this.finder.value.trim(), sort: "name", limit: FOUND }));
    } catch (fault) {
      fill(this.results, h("li", null, prose(sentence(faultWords(fault)))));
      return;
    }
    const entries = found.accounts.map(({ name, aor }) =>
      h("li", null, h("button", { type: "button", class: "result", disabled: this.chosen.has(name), "data-pick": name, onclick: () => this.pick(name) }, h("b", null, name), h("span", { class: "sub" }, aor))),
    );
    const left = found.matching - found.accounts.length;
    fill(this.results, entries.length ? entries : h("li", { class: "hint" }, "No Account is found by that."), left > 0 ? h("li", { class: "hint" }, `and ${left} more; type more of it`) : null);
  }

  pick(name) {
    this.chosen.add(name);
    this.showPicked();
    const button = this.results.querySelector(`[data-pick="${CSS.escape(name)}"]`);
    if (button) button.disabled = true;
    this.finder.focus();
  }

  unpick(name) {
    this.chosen.delete(name);
    this.showPicked();
    const button = this.results.querySelector(`[data-pick="${CSS.escape(name)}"]`);
    if (button) button.disabled = false;
    this.finder.focus();
  }

  showPicked() {
    const entries = [...this.chosen].map((name) => h("li", null, h("button", { type: "button", class: "chip", onclick: () => this.unpick(name) }, name, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "unseen" }, ", take out"))));
    fill(this.picked, entries.length ? entries : h("li", { class: "hint" }, "None is chosen yet."));
  }

  // What is wrong, and where; null if nothing is.
  fault() {
    const hasHook = this.webhook.value || (this.wanted?.webhook_host && !this.dropHook.checked);
    if (!this.email.value && !hasHook) return ["Give an e-mail address, a webhook, or both.", this.email];
    if (this.some.checked && !this.chosen.size) return ["Choose at least one Account, or all.", this.finder];
    if (!this.wanted && this.taken.includes(this.name.value)) return [`There is a subscription ${this.name.value}; choose another name.`, this.name];
    return null;
  }

  async submit(event) {
    event.preventDefault();
    const fault = this.fault();
    if (fault) {
      fill(this.told, fault[0]);
      fault[1].focus();
      return;
    }
    this.save.disabled = true;
    fill(this.told, null);
    try {
      if (this.wanted) await put(`/api/v1/subscriptions/${encodeURIComponent(this.wanted.name)}`, this.body());
      else await post("/api/v1/subscriptions", this.body());
      this.node.close();
      this.done(this.wanted ? `The subscription ${this.wanted.name} is changed.` : `The subscription ${this.name.value} is in force.`);
    } catch (fault) {
      fill(this.told, prose(sentence(faultWords(fault))), fault.diagnostics.map((line) => h("code", { class: "diagnostic" }, line)));
    } finally {
      this.save.disabled = false;
    }
  }

  body() {
    const body = {
      name: this.wanted?.name ?? this.name.value.trim(),
      email: this.email.value.trim() || null,
      accounts: this.all.checked ? null : [...this.chosen],
      resolution: this.resolution.checked,
      timeout: this.timeout.checked,
      time_limit: this.limit.value,
    };
    // What is not said stays as it is.
    if (this.webhook.value) body.webhook = this.webhook.value.trim();
    else if (this.dropHook.checked || !this.wanted) body.webhook = null;
    if (this.secret.value) body.webhook_secret = this.secret.value;
    return body;
  }
}
