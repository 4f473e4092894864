// The daemon over HTTP. Faults are thrown as `Fault`, with the words that the daemon has for them.

import { follow } from "./time.js";

export class Fault extends Error {
  constructor(status, { code, message, hint, diagnostics } = {}) {
    super(message ?? `the daemon answered ${status}`);
    this.status = status;
    this.code = code ?? null;
    // What that command lists, the page shows by itself.
    this.hint = hint?.startsWith("`regent status") ? null : (hint ?? null);
    this.diagnostics = diagnostics ?? [];
  }
}

let onSignedOut = () => {};

// Says what is to be done when the daemon does not know us any more.
export function whenSignedOut(what) {
  onSignedOut = what;
}

async function ask(method, path, body, signal) {
  const headers = { Accept: "application/json" };
  // What another site can make a browser send has neither of these two.
  if (method !== "GET") Object.assign(headers, { "X-Regent": "1", "Content-Type": "application/json" });
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      signal,
      cache: "no-store",
      credentials: "same-origin",
      body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(0, { code: "unreachable", message: "the daemon does not answer", hint: "the page tries again by itself" });
  }
  const text = await answer.text();
  let said = null;
  try {
    said = text ? JSON.parse(text) : null;
  } catch {
    if (answer.ok) throw new Fault(answer.status, { message: "the daemon’s answer cannot be read" });
  }
  if (!answer.ok) {
    if (answer.status === 401 && path !== "/session") onSignedOut();
    throw new Fault(answer.status, said?.error);
  }
  if (said?.at) follow(said.at);
  return said;
}

export const get = (path, signal) => ask("GET", path, undefined, signal);
export const post = (path, body) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);
export const remove = (path) => ask("DELETE", path);

// A path with parameters; empty ones are left out, lists are repeated.
export function path(base, parameters) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(key, one);
    }
  }
  const text = query.toString();
  return text ? `${base}?${text}` : base;
}

export const accountPath = (name, rest = "") => `/api/v1/accounts/${encodeURIComponent(name)}${rest}`;

// A fault in one sentence.
export function faultWords(fault) {
  const hint = fault.hint ? ` (${fault.hint})` : "";
  return `${fault.message}${hint}`;
}
