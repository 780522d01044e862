// Which probes may be labelled wrong: a list below the findings.

import { h } from "./dom.js";

const SIDE = 40; // pixels of a picture

/** The list, null where there is nothing to list. @param {import("./store.js").Store} store */
export function labelIssues(store) {
  const { run } = store;
  /** @type {{probe: number, suggested: number, probability: number|null}[]} */
  const all = run.about.labels ?? []; // none in runs of older versions
  if (!all.length) return null;
  const what = "Over all epochs, the model is as sure of another class as it is where that is the label. " +
    "It may be the model that is wrong: look at them.";
  const rows = all.map((issue) => h("button",
    { type: "button", className: "link doubt", onclick: () => store.set({ probe: issue.probe }) },
    picture(run.pictures[issue.probe]), h("span", {}, sentence(run, issue))));
  return h("details", { className: "labels" },
    h("summary", { title: what }, all.length === 1 ? "1 label may be wrong" : `${all.length} labels may be wrong`),
    h("div", {}, h("p", { className: "calm" }, what), ...rows));
}

/** @param {import("./run_data.js").RunData} run @param {{probe: number, suggested: number, probability: number|null}} issue */
function sentence(run, { probe, suggested, probability }) {
  const { names, label_texts } = run.about.probes;
  const share = probability === null ? "" : ` (${Math.round(100 * probability)} %)`;
  return `${names[probe]}: labelled ${label_texts[probe]}${share}, may be ${run.classText(suggested)}`;
}

/** @param {ImageBitmap|null} bitmap */
function picture(bitmap) {
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingEnabled = false;
  if (bitmap) {
    const scale = SIDE / Math.max(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
    context.drawImage(bitmap, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  }
  return canvas;
}
