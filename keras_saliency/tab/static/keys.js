// The keyboard.

/**
 * ← → epochs, ↑ ↓ probes, space play; what is typed into a field is the field's.
 * @param {import("./app.js").App} app
 * @param {KeyboardEvent} e
 */
export function handleKey(app, e) {
  const target = /** @type {HTMLElement} */ (e.target), isPage = app.state.probe !== null;
  if (e.ctrlKey || e.metaKey || e.altKey || ["SELECT", "INPUT"].includes(target.tagName)) return;
  /** @type {Record<string, () => void>} */
  const does = {
    ArrowLeft: () => app.timeline.step(-1),
    ArrowRight: () => app.timeline.step(1),
    ArrowUp: () => (isPage ? app.page.next(-1) : app.grid.step(-1)),
    ArrowDown: () => (isPage ? app.page.next(1) : app.grid.step(1)),
  };
  if (!["BUTTON", "SUMMARY", "A"].includes(target.tagName)) {
    does[" "] = () => app.timeline.play(!app.timeline.isPlaying);
  }
  if (!does[e.key]) return;
  e.preventDefault();
  does[e.key]();
}
