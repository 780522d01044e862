// What the colours mean.

import { gradient } from "./colors.js";
import { h, replace } from "./dom.js";
import { FULL_DIFFERENCE, FULL_SCALE } from "./paint.js";

/** @type {Record<string, [string, string, string]>} */
const ENDS = {
  mean: ["0", `${FULL_SCALE} × mean`, "1 × the mean is attention spread evenly"],
  probe: ["0", "probe's maximum", "the largest value of the probe in all epochs"],
  map: ["0", "map's maximum", "each map by itself: strengths do not compare"],
};

/** The legend. */
export class Legend {
  constructor() {
    this.element = h("div", { className: "legends" });
  }

  /** @param {import("./state.js").State} state @param {import("./run_data.js").RunData} run */
  sync(state, { about, objects }) {
    const advice = Array.isArray(about.probes.advice) ? about.probes.advice : []; // none in older logs
    const [low, high, hint] = ENDS[state.scale] || ENDS.mean;
    replace(
      this.element,
      bar("attention", low, high, hint, state.colormap),
      state.compare ? bar("difference", `−${FULL_DIFFERENCE}`, `+${FULL_DIFFERENCE} × mean`,
                          "both maps relative to their means; white is no difference", "difference") : null,
      objects && state.objects && h("div", { className: `bar outline${objects.found ? " found" : ""}` }, h("i", {}),
                                    h("span", {}, objects.found ? "object, found by the program" : "object, as given")),
      ...advice.slice(0, 9).map((/** @type {unknown} */ text) => h("p", { className: "calm" }, String(text).slice(0, 500))),
    );
  }
}

/** @param {string} name @param {string} low @param {string} high @param {string} hint @param {string} colormap */
function bar(name, low, high, hint, colormap) {
  return h("div", { className: "bar", title: hint }, h("span", {}, `${name} ${low}`),
           h("i", { style: `background:${gradient(colormap)}` }), h("span", {}, high));
}
