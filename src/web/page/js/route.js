// Where in the page we are: `#/account/main?hours=168`. The address says all that a view needs, so
// that Back, Reload and a link in a mail lead to the same place.

export function here() {
  const text = location.hash.replace(/^#\/?/, "");
  const [path, query] = text.split("?", 2);
  const [view, ...rest] = path.split("/").map(decoded);
  return { view: view || "accounts", name: rest.join("/"), query: new URLSearchParams(query ?? "") };
}

// A name in somebody's link need not be well escaped.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function link(view, name, parameters) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters ?? {})) {
    if (value !== null && value !== undefined && value !== "") query.set(key, value);
  }
  const text = query.toString();
  const place = name ? `#/${view}/${encodeURIComponent(name)}` : `#/${view}`;
  return text ? `${place}?${text}` : place;
}

// Changes the address without a step of history, since a letter typed is not a place.
export function stay(view, name, parameters) {
  history.replaceState(history.state, "", link(view, name, parameters));
}

export function go(view, name, parameters) {
  location.hash = link(view, name, parameters);
}
