// The stream of what changes. It is opened for what a view needs, and opened again, ever less
// often, when it breaks; whoever listens is told, so that what was missed can be fetched.

import { path } from "./api.js";

const KINDS = ["summary", "account", "removed", "proxy-set", "alerts", "event", "missed"];
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
// The daemon says something every 15 s. A connection that is silent for longer is dead, whatever
// the system thinks of it.
const SILENCE = 40_000;

export class Live {
  constructor(onState, onSaid) {
    this.onState = onState;
    this.onSaid = onSaid;
    this.source = null;
    this.address = null;
    this.wait = FIRST_WAIT;
    this.timer = null;
    this.guard = null;
    this.wasLost = false;
  }

  // Listens to these topics, and of the Accounts to these. The same wish twice changes nothing.
  want(topics, names) {
    const address = path("/api/v1/stream", { topics: topics.join(","), name: names });
    if (address === this.address) return;
    this.address = address;
    this.wait = FIRST_WAIT;
    this.open();
  }

  open() {
    this.shut();
    if (!this.address) return;
    const source = new EventSource(this.address);
    this.source = source;
    source.onopen = () => {
      this.wait = FIRST_WAIT;
      this.listen();
      this.onState("open", this.wasLost);
      this.wasLost = false;
    };
    source.onerror = () => this.lost();
    source.addEventListener("ping", () => this.listen());
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        this.listen();
        let said = null;
        try {
          said = JSON.parse(event.data);
        } catch {
          return;
        }
        this.onSaid(kind, said);
      });
    }
  }

  listen() {
    clearTimeout(this.guard);
    this.guard = setTimeout(() => this.lost(), SILENCE);
  }

  lost() {
    this.shut();
    this.wasLost = true;
    // Half of the wait is chance, so that many pages do not come back in one instant.
    const wait = this.wait * (0.5 + Math.random() / 2);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    this.onState("lost", wait);
    this.timer = setTimeout(() => this.open(), wait);
  }

  // Tries at once, because somebody looks again.
  hurry() {
    if (this.address && !this.source) {
      this.wait = FIRST_WAIT;
      this.open();
    }
  }

  shut() {
    clearTimeout(this.timer);
    clearTimeout(this.guard);
    this.source?.close();
    this.source = null;
  }

  // Stops listening.
  close() {
    this.address = null;
    this.shut();
  }
}
