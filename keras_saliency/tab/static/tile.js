// One picture of one probe: which maps it needs, and drawing it.

import { paintOutline } from "./outline.js";
import { defect, factorOf, paintDefect, paintDifference, paintHeat, paintOverlay, resized } from "./paint.js";

/** @typedef {import("./run_data.js").RunData} RunData */
/** @typedef {import("./state.js").State} State */

/**
 * What a tile shows. `before` is what its map is compared with.
 * @typedef {object} Subject
 * @property {string} kind "picture", "map" or "difference"
 * @property {RunData} run
 * @property {string} method
 * @property {number} step
 * @property {string} caption
 * @property {{run: RunData, step: number}} [before]
 */

/**
 * What is to be shown of each probe, from left to right.
 * @param {State} state @param {RunData} run @param {RunData|null} other @returns {Subject[]}
 */
export function subjects(state, run, other) {
  const step = state.epoch ?? run.steps[0];
  /** @type {Subject[]} */
  const found = [];
  if (state.view === "image") return [{ kind: "picture", run, method: "", step, caption: "" }];
  if (state.view === "side") found.push({ kind: "picture", run, method: "", step, caption: "image" });
  for (const method of state.methods) {
    const name = method.replace(/_/g, " ");
    const alone = { kind: "map", run, method, step };
    if (state.compare === "run" && other && other.methods.includes(method)) {
      const before = { run: other, step: nearest(other.steps, step) };
      const where = before.step === step ? "" : `, ${other.when(before.step)}`; // it has not this epoch
      found.push({ ...alone, caption: `${name}, this run` });
      found.push({ ...alone, ...before, caption: `${name}, other run${where}` });
      found.push({ ...alone, kind: "difference", before, caption: "difference" });
    } else if (state.compare === "epoch" && state.before !== null) {
      const before = { run, step: state.before };
      found.push({ ...alone, ...before, caption: `${name}, ${run.when(state.before)}` });
      found.push({ ...alone, caption: `${name}, ${run.when(step)}` });
      found.push({ ...alone, kind: "difference", before, caption: "difference" });
    } else {
      found.push({ ...alone, caption: name });
    }
  }
  return found;
}

/** Tiles in rows: those of a comparison of one method stay side by side. @template T
 *  @param {T[]} tiles of `subjects` @param {State} state @returns {T[][]} */
export function rowsOf(tiles, state) {
  const first = tiles.length % 3; // the picture alone, in front
  if (!state.compare || state.view === "image" || state.methods.length < 2 || (tiles.length - first) / 3 < 2) return [tiles];
  const rows = [];
  for (let i = first; i < tiles.length; i += 3) rows.push(tiles.slice(i, i + 3));
  rows[0].unshift(...tiles.slice(0, first));
  return rows;
}

/** @param {number[]} steps @param {number} step */
export function nearest(steps, step) {
  let best = steps[0];
  for (const s of steps) if (Math.abs(s - step) < Math.abs(best - step)) best = s;
  return best;
}

/** The maps that a tile needs. @param {Subject} subject @returns {{run: RunData, method: string, step: number}[]} */
export function needs({ kind, method, run, step, before }) {
  if (kind === "picture") return [];
  return [{ run, step }, ...(before ? [before] : [])].map((place) => ({ ...place, method }));
}

/** Why a tile has no map, whichever probe it is of, or "": it has none, it is not here yet, it cannot be read.
 *  @param {Subject} subject @returns {string} */
export function missing(subject) {
  for (const { run, method, step } of needs(subject)) {
    if (!run.has(method, step)) return `no map at ${run.when(step)}`;
    if (run.failure(method, step)) return `map of ${run.when(step)} cannot be read`;
    if (!run.known(method, step)) return `loading ${run.when(step)} …`;
  }
  return "";
}

/** What stands under a tile. @param {Subject} subject */
export function captionOf(subject) {
  return [subject.caption, missing(subject)].filter(Boolean).join(": ");
}

/** Height of a probe's tile. @param {RunData} run @param {number} probe @param {number} width */
export function heightOf(run, probe, width) {
  return Math.max(16, Math.min(2 * width, Math.round(width / run.shapeOf(probe))));
}

const GREY = 160; // in place of a picture that cannot be shown

/** @type {WeakMap<ImageBitmap, Map<string, Uint8ClampedArray>>} */
const grounds = new WeakMap();

/** A probe's pixels at a size, grey without a picture.
 *  @param {ImageBitmap|null} picture @param {number} width @param {number} height */
function ground(picture, width, height) {
  if (!picture) return new Uint8ClampedArray(4 * width * height).fill(GREY);
  let sizes = grounds.get(picture);
  if (!sizes) grounds.set(picture, (sizes = new Map()));
  const key = `${width} ${height}`;
  let found = sizes.get(key);
  if (!found) {
    const canvas = new OffscreenCanvas(width, height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    context.imageSmoothingEnabled = picture.width * 2 > width; // small pictures' pixels stay pixels
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, width, height);
    found = context.getImageData(0, 0, width, height).data;
    sizes.set(key, found);
    if (sizes.size > 3) sizes.delete(/** @type {string} */ (sizes.keys().next().value));
  }
  return found;
}

/**
 * Draws a tile, or says on it why it has no map.
 * @param {HTMLCanvasElement|OffscreenCanvas} canvas of the tile's size
 * @param {Subject} subject @param {number} probe @param {State} state
 */
export function drawTile(canvas, subject, probe, state) {
  const { width, height } = canvas, bitmap = subject.run.pictures[probe];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const picture = ground(bitmap, width, height);
  const image = new ImageData(width, height);
  const found = needs(subject).map(({ run, method, step }) => run.known(method, step));
  const outline = () => {
    if (subject.run.objects && state.objects) paintOutline(context, subject.run.objects, probe);
  };
  if (subject.kind === "picture") {
    image.data.set(picture);
    context.putImageData(image, 0, 0);
    if (bitmap) outline();
    else paintDefect(context, "no picture");
    return;
  }
  const bad = missing(subject) || found.map((maps) => (maps ? defect(maps, probe) : "")).find(Boolean);
  if (bad) {
    image.data.set(picture);
    context.putImageData(image, 0, 0);
    paintDefect(context, bad);
    return;
  }
  /** @param {number} i @param {string} scale */
  const values = (i, scale) => {
    const maps = /** @type {import("./run_data.js").Maps} */ (found[i]);
    const most = needs(subject)[i].run.maxima.get(subject.method)?.[probe] || null;
    return resized(maps, probe, width, height, factorOf(maps, probe, scale, most));
  };
  if (subject.kind === "difference") paintDifference(image.data, values(0, "mean"), values(1, "mean"));
  else if (state.view === "heatmap") paintHeat(image.data, values(0, state.scale), state.colormap);
  else paintOverlay(image.data, picture, values(0, state.scale), state.colormap, state.opacity);
  context.putImageData(image, 0, 0);
  if (subject.kind === "map") outline();
}
