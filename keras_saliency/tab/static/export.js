// Pictures to keep: the view as PNG, a probe's evolution as animated PNG.

import { animate } from "./apng.js";
import { table } from "./colors.js";
import { fetchMaps } from "./fetching.js";
import { inWords } from "./grid.js";
import { FULL_DIFFERENCE, FULL_SCALE } from "./paint.js";
import { drawTile, heightOf, subjects } from "./tile.js";

/** @typedef {import("./store.js").Store} Store */

const GAP = 10, LINE = 17, FONT = "13px system-ui, sans-serif", INK = "#1b1b1f", FAINT = "#5f6368";

/** The probes of the grid in their order, with title and legend. @param {Store} store @returns {Promise<Blob>} */
export async function viewPicture(store) {
  const { state, run, other } = store, probes = store.selection.probes, shown = subjects(state, run, other);
  const width = state.size, cell = shown.length * (width + 4) + GAP;
  const columns = Math.max(1, Math.min(probes.length, Math.floor(1600 / cell)));
  const tall = Math.max(0, ...probes.map((p) => heightOf(run, p, width))) + 3 * LINE + GAP;
  const total = Math.max(640, columns * cell + GAP);
  const canvas = new OffscreenCanvas(total, Math.ceil(probes.length / columns) * tall + 4 * LINE + GAP);
  const context = begin(canvas);
  const step = state.epoch ?? run.steps[0];
  context.font = `bold ${FONT}`;
  context.fillText(`${run.name}, ${run.when(step)}`, GAP, LINE + 2);
  context.font = FONT;
  context.fillStyle = FAINT;
  const parts = [`${probes.length} of ${run.about.probes.names.length} probes`, shown.map((s) => s.caption).join(" | ")];
  context.fillText(trim(context, parts.join("; "), total - 2 * GAP), GAP, 2 * LINE + 2);
  legend(context, state, GAP, 3 * LINE - 6);
  probes.forEach((probe, i) => {
    const left = GAP + (i % columns) * cell, top = 4 * LINE + Math.floor(i / columns) * tall;
    const height = heightOf(run, probe, width);
    shown.forEach((subject, k) => {
      const tile = new OffscreenCanvas(width, height);
      drawTile(tile, subject, probe, state);
      context.drawImage(tile, left + k * (width + 4), top);
    });
    const about = run.about.probes, said = run.said(probe, step);
    context.fillStyle = INK;
    context.fillText(trim(context, about.names[probe], cell - GAP), left, top + height + LINE - 2);
    context.fillStyle = said?.correct === false ? "#a8320c" : FAINT;
    const line = `${about.label_texts[probe]} ${said ? inWords(said) : ""}`;
    context.fillText(trim(context, line, cell - GAP), left, top + height + 2 * LINE - 3);
  });
  return canvas.convertToBlob({ type: "image/png" });
}

/** All epochs of a probe. @param {Store} store @param {number} probe @returns {Promise<Blob>} */
export async function evolution(store, probe) {
  const { state, run, other } = store, width = 256, frames = [];
  for (const step of run.steps) {
    const at = { ...state, epoch: step };
    const shown = subjects(at, run, other), height = heightOf(run, probe, width);
    await fetchMaps(shown, state.scale);
    const canvas = new OffscreenCanvas(Math.max(260, shown.length * (width + 4) + 4), height + 2 * LINE + 8);
    const context = begin(canvas);
    shown.forEach((subject, k) => {
      const tile = new OffscreenCanvas(width, height);
      drawTile(tile, subject, probe, at);
      context.drawImage(tile, 4 + k * (width + 4), 4);
    });
    const said = run.said(probe, step), label = run.about.probes.label_texts[probe];
    context.fillText(trim(context, `${run.when(step)}: ${said ? inWords(said) : ""}`, canvas.width - 8), 5, height + LINE + 2);
    context.fillStyle = FAINT;
    const note = `${run.about.probes.names[probe]}${label ? ` (${label})` : ""}, ${shown.map((s) => s.caption).join(" | ")}`;
    context.fillText(trim(context, note, canvas.width - 8), 5, height + 2 * LINE + 2);
    frames.push(new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer()));
  }
  return animate(frames, 1 / state.speed);
}

/** Hands a file to the user. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const address = URL.createObjectURL(blob), link = document.createElement("a");
  link.href = address;
  link.download = name.replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

/** @param {OffscreenCanvas} canvas */
function begin(canvas) {
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = INK;
  context.font = FONT;
  return context;
}

/** @param {OffscreenCanvasRenderingContext2D} context @param {import("./state.js").State} state
 *  @param {number} x @param {number} y */
function legend(context, state, x, y) {
  const ends = { mean: `${FULL_SCALE} × mean`, probe: "probe's maximum", map: "map's maximum" };
  /** @type {[string, string, string][]} */
  const bars = [["attention 0", /** @type {any} */ (ends)[state.scale], state.colormap]];
  if (state.compare) bars.push([`difference −${FULL_DIFFERENCE}`, `+${FULL_DIFFERENCE} × mean`, "difference"]);
  for (const [low, high, colormap] of bars) {
    const colors = table(colormap), start = x + context.measureText(low).width + 6;
    context.fillStyle = FAINT;
    context.fillText(low, x, y + 11);
    for (let i = 0; i < 128; i++) {
      const c = 6 * i;
      context.fillStyle = `rgb(${colors[c]},${colors[c + 1]},${colors[c + 2]})`;
      context.fillRect(start + i, y, 1, 13);
    }
    context.fillStyle = FAINT;
    context.fillText(high, start + 134, y + 11);
    x = start + 134 + context.measureText(high).width + 24;
  }
}

/** @param {OffscreenCanvasRenderingContext2D} context @param {string} text @param {number} width */
function trim(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
