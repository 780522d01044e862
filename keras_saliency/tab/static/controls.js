// What is chosen above the grid: run, comparison, methods, how maps are drawn.

import { COLORMAPS } from "./colors.js";
import { buttons, h, readable, replace, select } from "./dom.js";

const OBJECTS = ["as given to ProbeSet", "as the program has found them; swaps leave them alone"];

/** A run as an option, listed with the others of its folder. @param {string} name @returns {[string, string, string]} */
const inFolder = (name) => [name, name, name.slice(0, Math.max(0, name.lastIndexOf("/")))];

/** The bar at the top. */
export class Controls {
  /** @param {import("./store.js").Store} store @param {HTMLElement} legend @param {() => void} exportView */
  constructor(store, legend, exportView) {
    this.store = store;
    this.legend = legend;
    this.exportView = exportView;
    this.element = h("header", { className: "controls" });
    this.known = "";
  }

  /** Makes the fields anew where the choices have changed, and else sets what is chosen. */
  sync() {
    const { state, run, names } = this.store;
    const known = JSON.stringify([names, run.name, run.methods, run.steps, state.compare]);
    if (known !== this.known) {
      this.known = known;
      this.make();
    }
    /** @type {Record<string, string[]>} */
    const pressed = { Methods: state.methods, View: [state.view], Objects: [state.objects], Tiles: [String(state.size)] };
    for (const group of this.element.querySelectorAll("[role=group]")) {
      const chosen = pressed[group.getAttribute("aria-label") || ""] || [];
      for (const button of group.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(chosen.includes(button.dataset.value || "")));
      }
    }
    /** @type {Record<string, string>} */
    const values = { Run: state.run, Compare: state.compare, Colours: state.colormap, Scale: state.scale,
                     "Other run": state.other, "Other epoch": String(state.before) };
    for (const list of this.element.querySelectorAll("select")) list.value = values[list.ariaLabel || ""];
    /** @type {any} */ (this.element.querySelector("input")).value = String(state.opacity);
  }

  make() {
    const { store } = this, { state, run, names } = store;
    const others = names.filter((n) => n !== run.name);
    /** @type {[string, string][]} */
    const comparisons = [["", "nothing"], ["epoch", "another epoch"]];
    if (others.length) comparisons.push(["run", "another run"]);
    const ways = h("div", { className: "row" },
      select("Run", names.map(inFolder), state.run, (r) => store.pickRun(r)),
      select("Compare", comparisons, state.compare, (compare) => store.compare(compare),
             "Two maps and their difference, side by side"),
      state.compare === "run" && select("Other run", others.map(inFolder), state.other, (o) => store.pickOther(o)),
      state.compare === "epoch" && select(
        "Other epoch", run.steps.map((s) => [String(s), run.when(s)]), String(state.before),
        (s) => store.set({ before: Number(s) })),
      buttons("Methods", run.methods.map((m) => [m, readable(m)]), state.methods, (m) => store.toggleMethod(m)),
      h("span", { className: "spring" }),
      h("button", { type: "button", className: "action", onclick: () => this.exportView() }, "Export PNG"),
    );
    const drawing = h("div", { className: "row" },
      buttons("View", [["overlay", "Overlay", "Maps on the probes"], ["heatmap", "Heatmap", "Maps alone"],
                       ["image", "Image", "Probes alone"], ["side", "Side by side", "Probes beside their maps"]],
              [state.view], (view) => store.set({ view })),
      h("label", { className: "field" }, h("span", {}, "Opacity"),
        h("input", { type: "range", min: "0", max: "1", step: "0.05", ariaLabel: "Opacity of the overlay",
                     oninput: (/** @type {any} */ e) => store.set({ opacity: Number(e.target.value) }) })),
      select("Colours", COLORMAPS.map((c) => [c, c]), state.colormap, (colormap) => store.set({ colormap })),
      select("Scale", [["mean", "relative to a map's mean"], ["probe", "one per probe, all epochs"], ["map", "one per map"]],
             state.scale, (scale) => store.set({ scale }), "What the end of the colours means"),
      run.objects && buttons("Objects", [["outlined", "Outline", OBJECTS[Number(run.objects.found)]]], [state.objects],
                             () => store.set({ objects: state.objects ? "" : "outlined" })),
      buttons("Tiles", [["96", "S"], ["128", "M"], ["192", "L"], ["256", "XL"]], [String(state.size)],
              (size) => store.set({ size: Number(size) })),
      this.legend,
    );
    replace(this.element, ways, drawing);
  }
}
