// The numbers under the slider: statistics of attention, Keras's own loss and accuracy behind.

import { chart, legendOf } from "./chart.js";
import { h, readable, replace, select } from "./dom.js";
import { titleOf } from "./findings.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./chart.js").Line} Line */

const USUAL = ["drift_previous", "object_mass", "border_enrichment"];

/** Names of all statistics that were logged. @param {Store} store @returns {string[]} */
function loggedStatistics({ run }) {
  const found = new Set();
  for (const [name, tag] of run.about.scalars) {
    const method = run.methods.find((m) => tag.startsWith(`saliency/${m}/`));
    const statistic = tag.slice(`saliency/${method}/`.length);
    if (name === run.name && method && !statistic.includes("/")) found.add(statistic);
  }
  return [...found].sort();
}

/** Names of the statistics whose curves are shown. @param {Store} store @returns {string[]} */
export function shownStatistics(store) {
  const names = loggedStatistics(store), { curves } = store.state;
  return (curves.length ? curves : USUAL).filter((c) => names.includes(c));
}

/** The curves. */
export class Curves {
  /** @param {Store} store @param {(finding: any) => void} showFinding */
  constructor(store, showFinding) {
    this.store = store;
    this.showFinding = showFinding;
    this.element = h("section", { className: "curves", ariaLabel: "Curves" });
    /** @type {((step: number) => void)[]} */ this.shows = [];
    this.known = "";
  }

  /** Names of the curves, in their order. @returns {string[]} */
  get shown() {
    return shownStatistics(this.store);
  }

  async sync() {
    const { state, run, other } = this.store;
    const known = JSON.stringify([run.name, other?.name, state.compare, this.shown, state.methods, run.steps,
                                  run.about.findings.length, this.width()]);
    if (known === this.known) {
      for (const show of this.shows) show(state.epoch ?? 0);
      return;
    }
    this.known = known;
    const behind = await this.behind();
    const made = await Promise.all(this.shown.map((name) => this.make(name, behind)));
    if (known !== this.known) return;
    const keras = h("div", { className: "legend", title: "Keras's own numbers, behind each curve, each on a scale of its own" });
    this.shows = [...made.map((c) => c.show), (step) => keras.replaceChildren(...legendOf(behind, step))];
    for (const show of this.shows) show(this.store.state.epoch ?? 0);
    const rest = loggedStatistics(this.store).filter((n) => !this.shown.includes(n));
    const more = select("Add a curve", [["", "+ curve"], ...rest.map((n) => /** @type {[string, string]} */ ([n, readable(n)]))],
                        "", (name) => this.store.set({ curves: [...this.shown, name] }));
    const below = h("div", { className: "row below" }, more, behind.length > 0 && "Behind:", keras);
    replace(this.element, ...made.map((c) => c.element), below);
  }

  width() {
    const all = this.element.clientWidth || 900;
    return Math.max(240, Math.floor((all - 10) / Math.min(3, Math.max(1, this.shown.length))) - 30);
  }

  /** Keras's numbers: loss and accuracy, of training and validation. @returns {Promise<Line[]>} */
  async behind() {
    const { run } = this.store;
    const tags = run.about.scalars.filter((/** @type {string[]} */ [name, tag]) =>
      name !== run.name && (tag === "epoch_loss" || tag.includes("acc")));
    const series = await Promise.all(tags.slice(0, 4).map((/** @type {string[]} */ [r, t]) => run.series(r, t).catch(() => null)));
    return series.filter(Boolean).map((s, i) => ({
      name: `${s.run.split("/").pop()} ${s.tag.replace("epoch_", "").replace("sparse_categorical_", "")}`,
      steps: s.steps, values: s.values, style: `keras keras${i}`, isBehind: true,
    }));
  }

  /** @param {string} name @param {Line[]} behind */
  async make(name, behind) {
    const { run, other, state } = this.store;
    /** @type {Line[]} */
    const lines = [...behind];
    const runs = state.compare === "run" && other ? [run, other] : [run];
    for (const [r, data] of runs.entries()) {
      for (const method of state.methods) {
        const tag = `saliency/${method}/${name}`;
        if (!data.about.scalars.some((/** @type {string[]} */ s) => s[0] === data.name && s[1] === tag)) continue;
        const found = await data.series(data.name, tag).catch(() => null);
        const style = `method${run.methods.indexOf(method) % 6}${r ? " other" : ""}`;
        if (found) lines.push({ name: readable(method) + (r ? ", other run" : ""), steps: found.steps, values: found.values, style });
      }
    }
    return chart({
      title: readable(name), lines, width: this.width(), range: [run.steps[0], run.steps[run.steps.length - 1]],
      step: state.epoch ?? run.steps[0], markers: this.markers(), when: (s) => run.when(s),
      onPick: (step) => this.store.goTo(step),
      onClose: () => {
        const rest = this.shown.filter((c) => c !== name);
        this.store.set({ curves: rest.length ? rest : ["none"] });
      },
    });
  }

  markers() {
    const { run } = this.store;
    return run.about.findings
      .filter((/** @type {any} */ f) => f.severity === "alert" && f.epoch !== null)
      .map((/** @type {any} */ f) => ({
        step: f.epoch, text: `alert in ${run.when(f.epoch)}: ${titleOf(f, run)}`,
        onpick: () => this.showFinding(f),
      }));
  }
}
