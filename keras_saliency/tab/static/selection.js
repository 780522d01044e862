// Which probes are shown, and in which order.

import { rowAt } from "./run_data.js";
import { nearest } from "./tile.js";

/** @typedef {import("./run_data.js").RunData} RunData */

/** What is chosen by sorting and filtering. */
export class Selection {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    /** @type {{run: RunData, method: string, steps: number, numbers: import("./run_data.js").Numbers}|undefined} */
    this.drifts = undefined;
    /** @type {WeakMap<object, Set<number>>} */ this.alerted = new WeakMap(); // of what is known of a run
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
      finding: (p) => chosen.includes(p),
    };
    const finding = run.about.findings.find((/** @type {any} */ f) => f.number === state.finding);
    const chosen = finding ? this.of(finding) : [];
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

  /** What is said in the other run, or at the other epoch, and where; null without a comparison.
   *  @param {number} probe */
  compared(probe) {
    const { run, other, state } = this.store;
    if (state.compare === "run" && other) {
      const step = nearest(other.steps, state.epoch ?? 0), said = other.said(probe, step);
      return said && { said, where: step === state.epoch ? "other run" : `other run, ${other.when(step)}` };
    }
    const said = state.compare === "epoch" && state.before !== null ? run.said(probe, state.before) : null;
    return said && { said, where: run.when(state.before) };
  }

  /** Positions of a finding's probes. @param {any} finding @returns {number[]} */
  of(finding) {
    const { indices } = this.store.run.about.probes;
    return finding.probe_indices.map((/** @type {number} */ i) => indices.indexOf(i)).filter((/** @type {number} */ p) => p >= 0);
  }

  /** Whether a probe is in an alert. @param {number} probe */
  isAlerted(probe) {
    const { about } = this.store.run;
    let found = this.alerted.get(about);
    if (!found) {
      const alerts = about.findings.filter((/** @type {any} */ f) => f.severity === "alert");
      this.alerted.set(about, (found = new Set(alerts.flatMap((/** @type {any} */ f) => this.of(f)))));
    }
    return found.has(probe);
  }
}
