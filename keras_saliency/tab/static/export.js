// Pictures to keep: the view as PNG, a probe's evolution as animated PNG.

import { animate } from "./apng.js";
import { table } from "./colors.js";
import { fetchMaps } from "./fetching.js";
import { inWords, markOf } from "./grid.js";
import { FULL_DIFFERENCE, FULL_SCALE, wrapped } from "./paint.js";
import { Trouble } from "./source.js";
import { captionOf, drawTile, heightOf, missing, rowsOf, subjects } from "./tile.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./tile.js").Subject} Subject */
/** @typedef {OffscreenCanvasRenderingContext2D} Context */
/** @typedef {{text: string, color: string}} Piece */

const GAP = 10, LINE = 17, FONT = "13px system-ui, sans-serif";
const MOST_SIDE = 32000, MOST_PIXELS = 2 ** 26; // of a picture: a browser makes no canvas that is much larger
const MOST_FILM = 2 ** 30; // pixels of all frames of an animation

/** The page's own colours, so that a picture of the dark theme is dark. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return { paper: of("paper"), card: of("card"), ink: of("ink"), faint: of("faint"), line: of("line"),
           right: of("right"), wrong: of("wrong"), alert: of("alert") };
}

/** @typedef {ReturnType<typeof palette>} Palette */

/** What a card holds: rows of tiles, then lines of text. @typedef {object} Card
 *  @property {number} probe @property {Subject[][]} rows @property {string[][][]} captions lines of each tile, by row
 *  @property {number[]} tall height of each row @property {Piece[][]} lines @property {number} height */

/** The probes of the grid as they are shown, with title and legend.
 *  @param {Store} store @param {number} columns how many cards are side by side @returns {Promise<Blob>} */
export async function viewPicture(store, columns) {
  const { state, run, other } = store, probes = store.selection.probes, colors = palette();
  const rows = rowsOf(subjects(state, run, other), state);
  const inner = Math.max(136, rows[0].length * (state.size + 6) - 6), cell = inner + 14 + GAP;
  const measure = begin(new OffscreenCanvas(1, 1), colors);
  const cards = probes.map((probe) => layCard(store, probe, rows, inner, measure, colors));
  let across = Math.max(1, Math.min(columns, probes.length)), tall = heightsOf(cards, across);
  while (sum(tall) > MOST_SIDE && across < probes.length) tall = heightsOf(cards, (across = Math.min(2 * across, probes.length)));
  const total = Math.max(640, across * cell + GAP);
  measure.font = `bold ${FONT}`;
  const title = wrapped(measure, `${run.name}, ${run.when(state.epoch ?? run.steps[0])}`, total - 2 * GAP);
  measure.font = FONT;
  const notes = wrapped(measure, describe(store, probes.length), total - 2 * GAP);
  const top = (title.length + notes.length + 1) * LINE + 2 * GAP;
  const canvas = new OffscreenCanvas(...sized(total, top + sum(tall) + GAP));
  const context = begin(canvas, colors);
  context.font = `bold ${FONT}`;
  title.forEach((line, i) => context.fillText(line, GAP, (i + 1) * LINE));
  context.font = FONT;
  context.fillStyle = colors.faint;
  notes.forEach((line, i) => context.fillText(line, GAP, (title.length + i + 1) * LINE));
  legend(context, store, GAP, (title.length + notes.length) * LINE + 6, colors);
  let y = top;
  cards.forEach((card, i) => {
    if (i && i % across === 0) y += tall[i / across - 1];
    drawCard(context, card, store, GAP + (i % across) * cell, y, inner, colors);
  });
  return blobOf(canvas);
}

/** Describes the view as text. @param {Store} store @param {number} number of probes */
function describe({ state, other, selection }, number) {
  const chosen = { class: state.label, group: state.group, only: state.only.replace("finding", "those of a finding"), sorted: state.sort && `by ${state.sort}` };
  const filters = Object.entries(chosen).filter(([, value]) => value).map(([name, value]) => `${name} ${value}`);
  const compared = state.compare === "run" && other ? [`other run: ${other.name}`] : [];
  return [selection.describe(number), ...filters, ...compared].join("; ");
}

/** @param {Store} store @param {number} probe @param {Subject[][]} rows @param {number} inner @param {Context} measure
 *  @param {Palette} colors @returns {Card} */
function layCard(store, probe, rows, inner, measure, colors) {
  const { state, run } = store, about = run.about.probes, said = run.said(probe, state.epoch ?? run.steps[0]);
  const isOne = rows.length === 1 && rows[0].length === 1, width = state.size;
  const captions = rows.map((row) => row.map((s) => (isOne && !missing(s) ? [] : wrapped(measure, captionOf(s), width))));
  const tall = captions.map((row) => heightOf(run, probe, width) + LINE * Math.max(...row.map((lines) => lines.length)) + 6);
  const { right, wrong, ink, faint, alert } = colors;
  const colorOf = (/** @type {import("./grid.js").Said} */ s) => ({ right, wrong, "": ink })[markOf(s)] || ink;
  const name = [{ text: about.names[probe], color: faint }, { text: about.groups?.[probe] || "", color: faint },
                { text: store.selection.isAlerted(probe) ? "in an alert" : "", color: alert }];
  const other = store.selection.compared(probe);
  const words = [{ text: about.label_texts[probe], color: ink }, { text: said ? inWords(said) : "", color: said ? colorOf(said) : ink },
                 { text: other ? `${other.where}: ${inWords(other.said)}` : "", color: other ? colorOf(other.said) : ink }];
  const lines = [...flow(name, inner, measure), ...flow(words, inner, measure)];
  return { probe, rows, captions, tall, lines, height: sum(tall) + lines.length * LINE + 14 };
}

/** @param {Context} context @param {Card} card @param {Store} store @param {number} left @param {number} top
 *  @param {number} inner @param {Palette} colors */
function drawCard(context, card, { state, run }, left, top, inner, colors) {
  const width = state.size, height = heightOf(run, card.probe, width);
  context.fillStyle = colors.card;
  context.strokeStyle = colors.line;
  context.beginPath();
  context.roundRect(left + 0.5, top + 0.5, inner + 13, card.height - 1, 8);
  context.fill();
  context.stroke();
  let y = top + 7;
  card.rows.forEach((row, r) => {
    row.forEach((subject, i) => {
      const tile = new OffscreenCanvas(width, height), x = left + 7 + i * (width + 6);
      drawTile(tile, subject, card.probe, state);
      context.drawImage(tile, x, y);
      context.fillStyle = colors.faint;
      context.textAlign = "center";
      card.captions[r][i].forEach((line, k) => context.fillText(line, x + width / 2, y + height + (k + 1) * LINE - 3));
      context.textAlign = "start";
    });
    y += card.tall[r];
  });
  for (const line of card.lines) {
    let x = left + 7;
    y += LINE;
    for (const { text, color } of line) {
      context.fillStyle = color;
      context.fillText(text, x, y - 4);
      x += context.measureText(`${text}  `).width;
    }
  }
}

/** Pieces of text in lines, each piece with its colour. @param {Piece[]} pieces @param {number} width
 *  @param {Context} measure @returns {Piece[][]} */
function flow(pieces, width, measure) {
  /** @type {Piece[][]} */
  const lines = [];
  let room = 0;
  for (const { text, color } of pieces) {
    if (!text) continue;
    const parts = wrapped(measure, text, width), wide = measure.measureText(`${text}  `).width;
    if (parts.length === 1 && wide <= room) {
      lines[lines.length - 1].push({ text, color });
      room -= wide;
    } else {
      for (const part of parts) lines.push([{ text: part, color }]);
      room = width - measure.measureText(`${parts[parts.length - 1]}  `).width;
    }
  }
  return lines;
}

/** Heights of the rows of cards. @param {Card[]} cards @param {number} across */
function heightsOf(cards, across) {
  const found = [];
  for (let i = 0; i < cards.length; i += across) found.push(GAP + Math.max(...cards.slice(i, i + across).map((c) => c.height)));
  return found;
}

/** All epochs of a probe. @param {Store} store @param {number} probe @returns {Promise<Blob>} */
export async function evolution(store, probe) {
  const { state, run, other } = store, width = 256, colors = palette(), height = heightOf(run, probe, width);
  const measure = begin(new OffscreenCanvas(1, 1), colors), about = run.about.probes, frames = [];
  const label = about.label_texts[probe], title = `${about.names[probe]}${label ? ` (${label})` : ""}`;
  const wide = Math.max(1, subjects(state, run, other).length) * (width + 4) + 4;
  const texts = run.steps.map((step) => {
    const shown = subjects({ ...state, epoch: step }, run, other), said = run.said(probe, step);
    return { shown, lines: [`${run.when(step)}${said ? `: ${inWords(said)}` : ""}`, title].flatMap((text) => wrapped(measure, text, wide - 10)) };
  });
  // All lines that a caption may have: which maps are missing is known once they are asked for.
  const under = 4 * LINE, tall = height + under + LINE * Math.max(...texts.map(({ lines }) => lines.length)) + 12;
  if (wide * tall * texts.length > MOST_FILM) {
    throw new Trouble(`This animation would have ${texts.length} frames of ${wide} × ${tall} pixels: choose fewer methods.`);
  }
  for (const [i, { shown, lines }] of texts.entries()) {
    await fetchMaps(shown, state.scale);
    const canvas = new OffscreenCanvas(...sized(wide, tall)), context = begin(canvas, colors);
    shown.forEach((subject, k) => {
      const tile = new OffscreenCanvas(width, height), x = 4 + k * (width + 4);
      drawTile(tile, subject, probe, { ...state, epoch: run.steps[i] });
      context.drawImage(tile, x, 4);
      context.fillStyle = colors.faint;
      wrapped(context, captionOf(subject), width).slice(0, 4).forEach((line, n) => context.fillText(line, x, height + (n + 1) * LINE));
    });
    context.fillStyle = colors.ink;
    lines.forEach((line, n) => context.fillText(line, 5, height + under + (n + 1) * LINE));
    frames.push(new Uint8Array(await (await blobOf(canvas)).arrayBuffer()));
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

/** A size that a browser can make a picture of. @param {number} width @param {number} height
 *  @returns {[number, number]} */
function sized(width, height) {
  const [w, h] = [width, height].map(Math.ceil);
  if (Math.max(w, h) > MOST_SIDE || w * h > MOST_PIXELS) {
    throw new Trouble(`This picture would have ${w} × ${h} pixels, which is too large: choose smaller tiles, fewer methods or fewer probes.`);
  }
  return [w, h];
}

/** @param {OffscreenCanvas} canvas @returns {Promise<Blob>} */
function blobOf(canvas) {
  return canvas.convertToBlob({ type: "image/png" }).catch(() => {
    throw new Trouble(`A picture of ${canvas.width} × ${canvas.height} pixels is too large for this browser: choose smaller tiles or fewer probes.`);
  });
}

/** @param {OffscreenCanvas} canvas @param {Palette} colors */
function begin(canvas, colors) {
  const context = /** @type {Context} */ (canvas.getContext("2d"));
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colors.ink;
  context.font = FONT;
  return context;
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((a, b) => a + b, 0);
}

/** @param {Context} context @param {Store} store @param {number} x @param {number} y @param {Palette} palette_ */
function legend(context, { state, run }, x, y, { faint }) {
  const ends = { mean: `${FULL_SCALE} × mean`, probe: "probe's maximum", map: "map's maximum" };
  /** @type {[string, string, string][]} */
  const bars = [["attention 0", /** @type {any} */ (ends)[state.scale], state.colormap]];
  if (state.compare) bars.push([`difference −${FULL_DIFFERENCE}`, `+${FULL_DIFFERENCE} × mean`, "difference"]);
  for (const [low, high, colormap] of bars) {
    const colors = table(colormap), start = x + context.measureText(low).width + 6;
    context.fillStyle = faint;
    context.fillText(low, x, y + 11);
    for (let i = 0; i < 128; i++) {
      const c = 6 * i;
      context.fillStyle = `rgb(${colors[c]},${colors[c + 1]},${colors[c + 2]})`;
      context.fillRect(start + i, y, 1, 13);
    }
    context.fillStyle = faint;
    context.fillText(high, start + 134, y + 11);
    x = start + 134 + context.measureText(high).width + 24;
  }
  if (run.objects && state.objects) {
    context.fillText(run.objects.found ? "dashed: objects, found by the program" : "outlined: objects, as given", x, y + 11);
  }
}
