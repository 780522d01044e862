// Which maps are fetched: those that are shown now, and those that are likely to be shown next.

import { needs, subjects } from "./tile.js";

/** @typedef {import("./store.js").Store} Store */

const AHEAD = 8; // epochs that are fetched before they are played

/** Whether all that is to be drawn now has been fetched, or cannot be.
 *  @param {Pick<Store, "state"|"run"|"other">} store */
export function isKnown({ state, run, other }) {
  const isScaled = state.scale !== "probe";
  return subjects(state, run, other).flatMap(needs).every((n) => !n.run.has(n.method, n.step)
    || n.run.failure(n.method, n.step)
    || (n.run.known(n.method, n.step) && (isScaled || n.run.maxima.has(n.method))));
}

/** Fetches the maps that some tiles need. @param {import("./tile.js").Subject[]} shown @param {string} scale */
export async function fetchMaps(shown, scale) {
  await Promise.all(shown.flatMap(needs).map((n) => n.run.need(n.method, [n.step])));
  if (scale !== "probe") return;
  await Promise.all(shown.flatMap(needs).map((n) => n.run.needMaxima(n.method)));
}

/** Fetches the maps around the epoch that is shown; more of them while it is playing. @param {Store} store */
export function fetchAhead({ state, run, isPlaying }) {
  const { steps } = run, at = steps.indexOf(state.epoch ?? 0);
  const wanted = steps.slice(Math.max(0, at - 1), at + 1 + (isPlaying ? AHEAD : 1));
  for (const method of state.methods) run.need(method, wanted); // the tile shows a failure
}
