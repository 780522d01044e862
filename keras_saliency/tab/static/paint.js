// From a picture and a map to pixels.

import { table } from "./colors.js";

/** @typedef {import("./run_data.js").Maps} Maps */

/** Attention at which the default scale ends, in multiples of a map's mean, and that of differences. */
export const FULL_SCALE = 8;
export const FULL_DIFFERENCE = 4;
const OPAQUE_FROM = 0.25; // of the scale: below, the probe shines through

/** @typedef {{low: Int32Array, high: Int32Array, share: Float32Array}} Axis */

/** @type {Map<string, Axis>} */
const axes = new Map();

/** Where the pixels of an axis lie between those of a map's, pixels' centres at halves.
 *  @param {number} size @param {number} length @returns {Axis} */
function axis(size, length) {
  const key = `${size} ${length}`;
  let found = axes.get(key);
  if (!found) {
    found = { low: new Int32Array(length), high: new Int32Array(length), share: new Float32Array(length) };
    for (let i = 0; i < length; i++) {
      const place = Math.min(size - 1, Math.max(0, ((i + 0.5) * size) / length - 0.5));
      found.low[i] = Math.floor(place);
      found.high[i] = Math.min(size - 1, found.low[i] + 1);
      found.share[i] = place - found.low[i];
    }
    axes.set(key, found);
  }
  return found;
}

/**
 * A map's values, or why there is none.
 * @param {Maps} maps @param {number} probe
 */
export function defect(maps, probe) {
  if (maps.max[probe] === null) return "not finite";
  return maps.empty.includes(probe) || !maps.max[probe] ? "all-zero map" : "";
}

/**
 * A map resized linearly, each value times `factor`.
 * @param {Maps} maps @param {number} probe @param {number} width @param {number} height
 * @param {number} factor @returns {Float32Array}
 */
export function resized(maps, probe, width, height, factor) {
  const [, rows, columns] = maps.shape, start = probe * rows * columns;
  const x = axis(columns, width), y = axis(rows, height);
  const out = new Float32Array(width * height), unit = factor / 255, line = new Float32Array(columns);
  for (let i = 0, at = 0; i < height; i++) {
    const top = start + y.low[i] * columns, bottom = start + y.high[i] * columns, share = y.share[i];
    for (let j = 0; j < columns; j++) {
      const a = maps.codes[top + j];
      line[j] = unit * (a + share * (maps.codes[bottom + j] - a));
    }
    for (let j = 0; j < width; j++, at++) {
      const a = line[x.low[j]];
      out[at] = a + x.share[j] * (line[x.high[j]] - a);
    }
  }
  return out;
}

/**
 * By what a map's unit values are multiplied, so that 1 is the end of the colours.
 * @param {Maps} maps @param {number} probe @param {string} scale "mean", "probe" or "map"
 * @param {number|null} largest the probe's largest value of all epochs
 */
export function factorOf(maps, probe, scale, largest) {
  const max = maps.max[probe] || 0, mean = maps.mean[probe] || 0;
  if (scale === "map") return 1;
  if (scale === "probe") return largest ? max / largest : 1;
  return mean ? max / mean / FULL_SCALE : 0;
}

/**
 * Colours on a probe: grey under them, and opaque from a quarter of the scale on.
 * @param {Uint8ClampedArray} out RGBA, of the size of `picture`
 * @param {Uint8ClampedArray} picture RGBA
 * @param {Float32Array} values
 * @param {string} colormap @param {number} opacity
 */
export function paintOverlay(out, picture, values, colormap, opacity) {
  const colors = table(colormap), fade = Math.min(1, 2 * opacity), dim = 1 - 0.4 * opacity;
  for (let i = 0, p = 0; i < values.length; i++, p += 4) {
    const v = Math.min(1, values[i]), weight = opacity * Math.min(1, v / OPAQUE_FROM);
    const grey = fade * (0.299 * picture[p] + 0.587 * picture[p + 1] + 0.114 * picture[p + 2]);
    const c = 3 * Math.round(255 * v), ground = (1 - weight) * dim, kept = ground * (1 - fade);
    for (let k = 0; k < 3; k++) {
      out[p + k] = kept * picture[p + k] + ground * grey + weight * colors[c + k];
    }
    out[p + 3] = 255;
  }
}

/** Colours alone. @param {Uint8ClampedArray} out @param {Float32Array} values @param {string} colormap */
export function paintHeat(out, values, colormap) {
  const colors = table(colormap);
  for (let i = 0, p = 0; i < values.length; i++, p += 4) {
    const c = 3 * Math.round(255 * Math.max(0, Math.min(1, values[i])));
    out[p] = colors[c];
    out[p + 1] = colors[c + 1];
    out[p + 2] = colors[c + 2];
    out[p + 3] = 255;
  }
}

/**
 * Attention now less attention before, both in multiples of their mean; zero is always grey white.
 * @param {Uint8ClampedArray} out @param {Float32Array} now @param {Float32Array} before
 */
export function paintDifference(out, now, before) {
  const colors = table("difference"), strength = (127 * FULL_SCALE) / FULL_DIFFERENCE;
  for (let i = 0, p = 0; i < now.length; i++, p += 4) {
    const level = Math.round(strength * (now[i] - before[i]));
    const c = 3 * (127 + Math.max(-127, Math.min(127, level)));
    out[p] = colors[c];
    out[p + 1] = colors[c + 1];
    out[p + 2] = colors[c + 2];
    out[p + 3] = 255;
  }
}

/**
 * A probe where there is no map: dark, struck through, with the reason.
 * @param {CanvasRenderingContext2D} context @param {string} reason
 */
export function paintDefect(context, reason) {
  const { width, height } = context.canvas;
  context.fillStyle = "rgba(20,20,24,0.72)";
  context.fillRect(0, 0, width, height);
  context.strokeStyle = context.fillStyle = "#ffbe5a";
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(0, height);
  context.lineTo(width, 0);
  context.stroke();
  context.font = "13px sans-serif";
  context.textAlign = "center";
  context.shadowColor = "#000";
  context.shadowBlur = 4;
  const lines = wrapped(context, reason, width - 4);
  lines.forEach((line, i) => context.fillText(line, width / 2, height / 2 + 5 + 16 * (i - (lines.length - 1) / 2)));
  context.shadowBlur = 0;
}

/** Lines of a text that are no wider than a width; a longer word is broken.
 *  @param {{measureText: (text: string) => TextMetrics}} context @param {string} text @param {number} width
 *  @returns {string[]} */
export function wrapped(context, text, width) {
  const fits = (/** @type {string} */ line) => context.measureText(line).width <= width;
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1], longer = last ? `${last} ${word}` : word;
    if (fits(longer)) {
      lines[lines.length - 1] = longer;
      continue;
    }
    if (last) lines.push("");
    for (const letter of word) {
      if (!fits(lines[lines.length - 1] + letter) && lines[lines.length - 1]) lines.push("");
      lines[lines.length - 1] += letter;
    }
  }
  return lines;
}
