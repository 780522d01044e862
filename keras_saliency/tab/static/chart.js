// Curves over the epochs, with alerts as markers.

import { figure, h, svg } from "./dom.js";

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {number[]} steps
 * @property {(number|null)[]} values
 * @property {string} style CSS class
 * @property {boolean} [isBehind] of Keras, on an axis of its own
 */

const HEIGHT = 108, TOP = 8, BOTTOM = 16, LEFT = 38, RIGHT = 10;

/**
 * Draws a chart.
 * @param {object} about
 * @param {string} about.title
 * @param {Line[]} about.lines
 * @param {[number, number]} about.range the first and the last step
 * @param {number} about.step that is shown
 * @param {{step: number, text: string, onpick: () => void}[]} about.markers
 * @param {(step: number) => void} about.onPick
 * @param {(step: number) => string} about.when
 * @param {number} about.width
 * @param {() => void} [about.onClose]
 */
export function chart({ title, lines, range, step, markers, onPick, when, width, onClose }) {
  const [first, last] = range, span = Math.max(1, last - first);
  /** @param {number} s */
  const x = (s) => LEFT + ((s - first) / span) * (width - LEFT - RIGHT);
  const front = lines.filter((l) => !l.isBehind);
  const [low, high] = extent(front);
  /** @param {number} v @param {number} a @param {number} b */
  const y = (v, a, b) => TOP + (1 - (v / 2 - a / 2) / (b / 2 - a / 2)) * (HEIGHT - TOP - BOTTOM); // no overflow
  const drawn = lines.map((line) => {
    const [a, b] = line.isBehind ? extent([line]) : [low, high];
    return svg("path", { class: `line ${line.style}`, d: path(line, x, (v) => y(v, a, b)) });
  });
  const cursor = svg("line", { class: "cursor", x1: x(step), x2: x(step), y1: TOP, y2: HEIGHT - BOTTOM });
  const points = [...drawn.keys()].map((i) => svg("circle", { class: `point ${lines[i].style}`, r: 2.5 }));
  const ticks = [low, high].map((v) =>
    svg("text", { class: "tick", x: LEFT - 4, y: y(v, low, high) + 4, "text-anchor": "end" }, figure(v)));
  const ends = [first, last].map((s, i) =>
    svg("text", { class: "tick", x: x(s), y: HEIGHT - 3, "text-anchor": i ? "end" : "start" }, when(s)));
  const flags = markers.map((m) =>
    svg("path", { class: "marker", d: `M${x(m.step)} ${TOP + 7}l-5 -8h10z`, role: "button", tabindex: 0,
                  "aria-label": m.text, onclick: (/** @type {Event} */ e) => (e.stopPropagation(), m.onpick()),
                  onkeydown: (/** @type {KeyboardEvent} */ e) => e.key === "Enter" && m.onpick() },
        svg("title", {}, m.text)));
  const legend = h("div", { className: "legend" });
  /** @param {number} at */
  const tell = (at) => {
    cursor.setAttribute("x1", String(x(at)));
    cursor.setAttribute("x2", String(x(at)));
    lines.forEach((line, i) => {
      const value = valueAt(line, at), [a, b] = line.isBehind ? extent([line]) : [low, high];
      points[i].setAttribute("visibility", value === null ? "hidden" : "visible");
      if (value !== null) {
        points[i].setAttribute("cx", String(x(at)));
        points[i].setAttribute("cy", String(y(value, a, b)));
      }
    });
    legend.replaceChildren(...legendOf(front, at));
  };
  /** @param {MouseEvent} e */
  const stepAt = (e) => {
    const box = picture.getBoundingClientRect();
    const place = first + ((e.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * span;
    return Math.max(first, Math.min(last, Math.round(place)));
  };
  const picture = svg(
    "svg",
    { class: "plot", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
      "aria-label": `${title} by epoch; click to go to one`,
      onclick: (/** @type {MouseEvent} */ e) => onPick(stepAt(e)),
      onmousemove: (/** @type {MouseEvent} */ e) => tell(stepAt(e)),
      onmouseleave: () => tell(shown) },
    svg("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    ...drawn, cursor, ...points, ...ticks, ...ends, ...flags,
  );
  let shown = step;
  tell(step);
  const close = onClose && h("button", { type: "button", className: "close", ariaLabel: `Remove ${title}`, onclick: onClose }, "×");
  const element = h("section", { className: "chart", style: `width:${width + 18}px` }, h("h3", {}, title, close), picture, legend);
  return { element, show: (/** @type {number} */ s) => tell((shown = s)) };
}

/** What lines are, and their values. @param {Line[]} lines @param {number} step */
export function legendOf(lines, step) {
  return lines.map((line) => h("span", { className: line.style }, `${line.name} ${figure(valueAt(line, step))}`));
}

/** @param {Line} line @param {number} step @returns {number|null} */
function valueAt(line, step) {
  let found = null;
  for (let i = 0; i < line.steps.length && line.steps[i] <= step; i++) found = line.values[i];
  return found;
}

/** @param {Line[]} lines @returns {[number, number]} */
function extent(lines) {
  let low = Infinity, high = -Infinity;
  for (const line of lines) {
    for (const v of line.values) {
      if (v === null || !Number.isFinite(v)) continue;
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  }
  if (low > high) return [0, 1];
  if (low >= 0 && low < 0.5 * high) low = 0;
  const room = Math.max(0.5, Math.abs(low) / 64); // where it is flat; 0.5 is nothing beside 1e38
  return low === high ? [low - room, high + room] : [low, high];
}

/** @param {Line} line @param {(s: number) => number} x @param {(v: number) => number} y */
function path(line, x, y) {
  let text = "", isPen = false;
  line.steps.forEach((s, i) => {
    const v = line.values[i];
    if (v === null || !Number.isFinite(v)) isPen = false;
    else {
      text += `${isPen ? "L" : "M"}${x(s).toFixed(1)} ${y(v).toFixed(1)}`;
      isPen = true;
    }
  });
  return text;
}
