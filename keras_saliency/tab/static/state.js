// What is chosen, and how it is written in the address.

import { COLORMAPS } from "./colors.js";
import { nearest } from "./tile.js";

/**
 * @typedef {object} State
 * @property {string} run
 * @property {number|null} epoch the step that is shown
 * @property {string[]} methods
 * @property {string} compare "", "run" or "epoch"
 * @property {string} other name of the other run
 * @property {number|null} before the other step of the same run
 * @property {string} view "overlay", "heatmap", "image" or "side"
 * @property {number} opacity 0 … 1
 * @property {string} colormap
 * @property {string} scale "mean", "probe" or "map"
 * @property {string} objects "outlined" or ""
 * @property {number} size of a tile, pixels
 * @property {string} sort "", "drift", "confidence" or "name"
 * @property {string} label text of a class's label, or ""
 * @property {string} group
 * @property {string} only "", "flipped", "wrong", "alert" or "finding"
 * @property {number|null} finding number of the finding whose probes are shown
 * @property {string[]} curves names of statistics
 * @property {number|null} probe whose page is open
 * @property {number} speed epochs a second
 */

/** @returns {State} */
export function defaults() {
  return {
    run: "", epoch: null, methods: [], compare: "", other: "", before: null,
    view: "overlay", opacity: 0.6, colormap: "viridis", scale: "mean", objects: "outlined", size: innerWidth < 1900 ? 128 : 192,
    sort: "", label: "", group: "", only: "", finding: null, curves: [], probe: null, speed: 4,
  };
}

/** Makes a state fit a run: what the run does not have is left out. @param {State} state
 *  @param {import("./run_data.js").RunData} run */
export function fit(state, run) {
  const { steps } = run, { label_texts: labels, groups } = run.about.probes;
  state.run = run.name;
  state.methods = state.methods.filter((m) => run.methods.includes(m));
  if (!state.methods.length) state.methods = run.methods.slice(0, 3);
  state.epoch = state.epoch === null ? steps[steps.length - 1] : nearest(steps, state.epoch);
  if (state.before !== null) state.before = nearest(steps, state.before);
  if (state.probe !== null && run.about.probes.names[state.probe] === undefined) state.probe = null;
  if (!run.about.findings.some((/** @type {any} */ f) => f.number === state.finding)) state.finding = null;
  if (state.only === "finding" && state.finding === null) state.only = "";
  if (!labels.includes(state.label)) state.label = ""; // of another run: no probe has it here
  if (!groups?.includes(state.group)) state.group = "";
}

const PREFIX = "p.saliency.";

/** What can be chosen where not everything can. @type {Partial<Record<keyof State, string[]>>} */
const CHOICES = {
  compare: ["", "epoch", "run"], view: ["overlay", "heatmap", "image", "side"], colormap: COLORMAPS,
  scale: ["mean", "probe", "map"], objects: ["outlined", ""], sort: ["", "drift", "confidence", "name"],
  only: ["", "flipped", "wrong", "alert", "finding"],
};

/** The window whose address is the user's: TensorBoard's, where it can be reached. */
function host() {
  try {
    if (window.parent.location.hash !== undefined) return window.parent;
  } catch {
    // of another origin, as in some notebooks
  }
  return window;
}

/** What the address says. @returns {Partial<State>} */
export function fromAddress() {
  const base = defaults();
  /** @type {any} */
  const found = {};
  for (const [name, text] of new URLSearchParams(host().location.hash.slice(1))) {
    const key = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : "";
    if (!Object.prototype.hasOwnProperty.call(base, key)) continue;
    const value = /** @type {any} */ (base)[key];
    const choices = CHOICES[/** @type {keyof State} */ (key)];
    if (choices && !choices.includes(text)) continue;
    if (Array.isArray(value)) found[key] = text.split(",").filter(Boolean).map(unescaped);
    else if (typeof value === "string") found[key] = text;
    else if (text !== "" && Number.isFinite(Number(text))) found[key] = Number(text);
  }
  const within = { opacity: [0, 1], size: [48, 512], speed: [0.1, 60] };
  for (const [key, [low, high]] of Object.entries(within)) {
    if (key in found) found[key] = Math.max(low, Math.min(high, found[key]));
  }
  if ("size" in found) found.size = Math.round(found.size);
  return found;
}

/** Names in lists are escaped, since one may hold a comma. @param {string} name */
function unescaped(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Calls `tell` when the user changes the address, as by a link pasted into the open page.
 *  @param {() => void} tell */
export function watchAddress(tell) {
  const window_ = host();
  window_.addEventListener("hashchange", () => {
    if (window_ === window || window_.location.hash.startsWith("#saliency")) tell();
  });
}

/** Writes into the address what is not as at first. @param {State} state @param {State} first */
export function toAddress(state, first) {
  const chosen = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    const usual = /** @type {any} */ (first)[key];
    const text = Array.isArray(value) ? value.map(encodeURIComponent).join(",") : String(value);
    if (value !== null && String(value) !== String(usual)) chosen.set(PREFIX + key, text);
  }
  const window_ = host(), text = chosen.toString();
  const start = window_ === window ? "" : "saliency";
  const hash = `#${[start, text].filter(Boolean).join("&")}`;
  if (window_.location.hash !== hash && (window_ === window || window_.location.hash.startsWith("#saliency"))) {
    try {
      window_.history.replaceState(window_.history.state, "", window_.location.pathname + window_.location.search + hash);
    } catch {
      // a report inside a notebook has no address of its own
    }
  }
}

/** Whether the host is dark; `tell` is called when that changes. @param {() => void} tell */
export function watchTheme(tell) {
  const window_ = host();
  const asked = matchMedia("(prefers-color-scheme: dark)");
  asked.addEventListener("change", tell);
  if (window_ !== window) {
    new MutationObserver(tell).observe(window_.document.body, { attributes: true, attributeFilter: ["class"] });
  }
}

/** @returns {boolean} */
export function isDark() {
  const window_ = host();
  if (window_ === window) return matchMedia("(prefers-color-scheme: dark)").matches;
  return window_.document.body.classList.contains("dark-mode");
}
