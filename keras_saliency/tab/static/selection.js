// Which probes are shown, and in which order.

import { rowAt } from "./run_data.js";

/** @typedef {import("./run_data.js").RunData} RunData */

/** What is chosen by sorting and filtering. */
export class Selection {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    /** @type {{run: RunData, method: string, steps: number, numbers: import("./run_data.js").Numbers}|undefined} */
    this.drifts = undefined;
  }

  /** The probes that are shown, in their order. @returns {number[]} */
  get probes() {
    const { state, run } = this.store, about = run.about.probes, steps = run.steps;
    const step = state.epoch ?? steps[0], before = steps[steps.indexOf(step) - 1];
    /** @type {string[]} */
    const names = about.names;
    /** @type {Record<string, (p: number) => boolean>} */
    const kinds = {
      flipped: (p) => before !== undefined && run.said(p, before)?.code !== run.said(p, step)?.code,
      wrong: (p) => run.said(p, step)?.correct === false,
      alert: (p) => this.isAlerted(p),
    };
    const found = [...names.keys()].filter((p) =>
      (!state.label || about.label_texts[p] === state.label) &&
      (!state.group || !about.groups || about.groups[p] === state.group) &&
      (!kinds[state.only] || kinds[state.only](p)));
    if (state.sort === "name") {
      return found.sort((a, b) => names[a].localeCompare(names[b], undefined, { numeric: true }));
    }
    const keys = this.keys(step);
    if (!keys) return found;
    const of = (/** @type {number} */ p) => (Number.isFinite(keys[p]) ? keys[p] : -Infinity);
    return found.sort((a, b) => of(b) - of(a) || a - b);
  }

  /** What is sorted by, the largest first; null where nothing is, or it is not known yet.
   *  @param {number} step @returns {ArrayLike<number>|null} */
  keys(step) {
    const { state, run } = this.store;
    if (state.sort === "confidence") return rowAt(run.predictions, "confidence", step);
    if (state.sort !== "drift") return null;
    const method = state.methods[0], known = this.drifts, steps = run.steps.length;
    if (known && known.run === run && known.method === method && known.steps === steps) {
      return rowAt(known.numbers, "drift_previous", step);
    }
    run.numbers(method, "drift_previous").then((numbers) => {
      this.drifts = { run, method, steps, numbers };
      this.store.redraw();
    }, () => null); // the order stays
    return null;
  }

  /** The number of probes that are shown, and of all. @param {number} number of probes shown */
  describe(number) {
    const about = this.store.run.about.probes, all = about.names.length;
    const rest = about.total > all ? `, of ${about.total} watched` : "";
    return number === all ? `${all} probes${rest}` : `${number} of ${all} probes${rest}`;
  }

  /** Positions of a finding's probes. @param {any} finding @returns {number[]} */
  of(finding) {
    const { indices } = this.store.run.about.probes;
    return finding.probe_indices.map((/** @type {number} */ i) => indices.indexOf(i)).filter((/** @type {number} */ p) => p >= 0);
  }

  /** Whether a probe is in an alert. @param {number} probe */
  isAlerted(probe) {
    return this.store.run.about.findings.some((/** @type {any} */ f) => f.severity === "alert" && this.of(f).includes(probe));
  }
}
