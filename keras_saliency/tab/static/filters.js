// Which probes are shown, and in which order.

import { h, replace, select } from "./dom.js";
import { titleOf } from "./findings.js";

/** The bar above the grid. */
export class Filters {
  /** @param {import("./store.js").Store} store @param {HTMLElement} count how many probes are shown */
  constructor(store, count) {
    this.store = store;
    this.count = count;
    this.element = h("div", { className: "filters row" });
    this.known = "";
  }

  sync() {
    const { store } = this, { state, run } = store, about = run.about.probes;
    const finding = run.about.findings.find((/** @type {any} */ f) => f.number === state.finding);
    const known = JSON.stringify([run.name, about.fingerprint, finding]);
    if (known !== this.known) {
      this.known = known;
      const labels = distinct(about.label_texts), groups = about.groups ? distinct(about.groups) : [];
      /** @type {(text: string, all: string[]) => [string, string][]} */
      const any = (text, all) => [["", text], ...all.map((x) => /** @type {[string, string]} */ ([x, x]))];
      /** @type {[string, string][]} */
      const kinds = [["", "all"], ["flipped", "prediction flipped"], ["wrong", "wrong"], ["alert", "in an alert"]];
      if (finding) kinds.push(["finding", `in ${titleOf(finding, run)}, ${run.when(finding.epoch)}`]);
      replace(
        this.element,
        select("Sort", [["", "as given"], ["drift", "by drift"], ["confidence", "by confidence"], ["name", "by name"]],
               state.sort, (sort) => store.set({ sort }), "Drift since the epoch before, the largest first"),
        labels.length > 0 && select("Class", any("all classes", labels), state.label, (label) => store.set({ label })),
        groups.length > 0 && select("Group", any("all groups", groups), state.group, (group) => store.set({ group })),
        select("Only", kinds, state.only, (only) => store.set({ only }), "Flipped: another prediction than at the epoch before"),
        this.count,
      );
    }
    /** @type {Record<string, string>} */
    const values = { Sort: state.sort, Class: state.label, Group: state.group, Only: state.only };
    for (const list of this.element.querySelectorAll("select")) list.value = values[list.ariaLabel || ""];
  }
}

/** @param {string[]} all */
function distinct(all) {
  return [...new Set(all)].filter(Boolean).sort();
}
