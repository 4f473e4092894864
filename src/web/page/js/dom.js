// Elements made from data. Nothing here takes markup: whatever comes from the network becomes text
// or the value of an attribute.

const SVG = "http://www.w3.org/2000/svg";

// An HTML element. Attributes that are null, undefined or false are left out; `on…` takes a
// function. Children are elements, texts, numbers, lists of them, or nothing.
export function h(tag, attributes, ...children) {
  return make(document.createElement(tag), attributes, children);
}

// An SVG element.
export function svg(tag, attributes, ...children) {
  return make(document.createElementNS(SVG, tag), attributes, children);
}

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") node[name] = value;
    else node.setAttribute(name, value === true ? "" : clean(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : clean(child));
  }
}

// Replaces all that a node holds.
export function fill(node, ...children) {
  const fresh = document.createDocumentFragment();
  append(fresh, children);
  node.replaceChildren(fresh);
  return node;
}

// Control characters, and those that turn the direction of writing, have no power over what stands
// beside them: reason phrases and names of servers come from strangers.
export function clean(value) {
  return String(value).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    "\ufffd",
  );
}

// A table with its roles spelt out, since a narrow screen shows its rows as cards, and browsers
// forget what a table is when its display changes. `columns` are {label, class, head}; `rows` are
// made by `row`.
export function table(caption, columns, rows, attributes) {
  const heads = columns.map((column) =>
    h(
      "th",
      { scope: "col", role: "columnheader", class: column.class, "aria-sort": column.sort },
      column.head ?? column.label,
    ),
  );
  return h(
    "table",
    { role: "table", ...attributes },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
    h("tbody", { role: "rowgroup" }, rows),
  );
}

// A row of a table: one cell for each column, the one of `columns` with `isName` as its heading.
export function row(columns, cells, attributes) {
  const made = cells.map((cell, at) => {
    const { label, class: kind, isName } = columns[at];
    const tag = isName ? "th" : "td";
    const own = isName ? { scope: "row", role: "rowheader" } : { role: "cell" };
    // On a card, what there is nothing to say of is left out.
    return h(tag, { ...own, class: kind, "data-label": label, "data-none": cell === "–" }, cell);
  });
  return h("tr", { role: "row", ...attributes }, made);
}

// A list of terms and what they are; a value that is null leaves its term out.
export function facts(pairs, attributes) {
  const made = pairs
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value)));
  return h("dl", { class: "facts", ...attributes }, made);
}

// Calls `what` once, so many milliseconds after the first of several calls.
export function soon(milliseconds, what) {
  let timer = null;
  const call = () => {
    timer ??= setTimeout(() => {
      timer = null;
      what();
    }, milliseconds);
  };
  call.cancel = () => {
    clearTimeout(timer);
    timer = null;
  };
  return call;
}

// Calls `what` when the calls have paused for so many milliseconds.
export function settled(milliseconds, what) {
  let timer = null;
  const call = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => what(...given), milliseconds);
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}
