// The keyboard.

/**
 * The parts that keys move.
 * @typedef {object} Parts
 * @property {import("./store.js").Store} store
 * @property {import("./timeline.js").Timeline} timeline
 * @property {import("./grid.js").Grid} grid
 * @property {import("./probe_page.js").ProbePage} page
 */

/**
 * Handles a key: ← → epochs, ↑ ↓ probes, space play. Keys pressed in a field belong to the field.
 * @param {Parts} parts
 * @param {KeyboardEvent} e
 */
export function handleKey({ store, timeline, grid, page }, e) {
  const target = /** @type {HTMLElement} */ (e.target), isPage = store.state.probe !== null;
  if (e.ctrlKey || e.metaKey || e.altKey || ["SELECT", "INPUT"].includes(target.tagName)) return;
  /** @type {Record<string, () => void>} */
  const does = {
    ArrowLeft: () => timeline.step(-1),
    ArrowRight: () => timeline.step(1),
    ArrowUp: () => (isPage ? page.next(-1) : grid.step(-1)),
    ArrowDown: () => (isPage ? page.next(1) : grid.step(1)),
  };
  if (!["BUTTON", "SUMMARY", "A"].includes(target.tagName)) {
    does[" "] = () => timeline.play(!store.isPlaying);
  }
  if (!does[e.key]) return;
  e.preventDefault();
  does[e.key]();
}
