// Runs before anything is drawn, so that a chosen theme does not flash the other one. Without a
// choice the system's is followed, by CSS alone.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("regent.theme");
  } catch {
    // Storage may be closed to us; then the choice lasts as long as the page.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
