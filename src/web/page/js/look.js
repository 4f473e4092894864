// Light, dark, or as the system has it.

const NAMES = { auto: "Auto", light: "Light", dark: "Dark" };
const NEXT = { auto: "dark", dark: "light", light: "auto" };

function chosen() {
  return document.documentElement.dataset.theme ?? "auto";
}

export function showTheme() {
  const button = document.querySelector("#theme");
  button.textContent = `◐ ${NAMES[chosen()]}`;
  button.setAttribute("aria-label", `Theme: ${NAMES[chosen()]}. Change to ${NAMES[NEXT[chosen()]]}`);
}

export function nextTheme() {
  const next = NEXT[chosen()];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "auto") localStorage.removeItem("regent.theme");
    else localStorage.setItem("regent.theme", next);
  } catch {
    // Storage may be closed to us; then the choice lasts as long as the page.
  }
  showTheme();
}
