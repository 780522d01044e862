// The numbers under the slider: statistics of attention, Keras's own loss and accuracy behind.

import { chart, legendOf } from "./chart.js";
import { h, replace, select, words } from "./dom.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./chart.js").Line} Line */

const USUAL = ["drift_previous", "object_mass", "border_enrichment"];

/** The curves. */
export class Curves {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.element = h("section", { className: "curves", ariaLabel: "Curves" });
    /** @type {((step: number) => void)[]} */ this.shows = [];
    this.known = "";
  }

  /** Names of all statistics that were logged. @returns {string[]} */
  get names() {
    const found = new Set();
    const { run } = this.app;
    for (const [name, tag] of run.about.scalars) {
      const parts = tag.split("/");
      if (name === run.name && parts.length === 3 && run.methods.includes(parts[1])) found.add(parts[2]);
    }
    return [...found].sort();
  }

  /** Those that are shown. @returns {string[]} */
  get shown() {
    const names = this.names, asked = this.app.state.curves.filter((c) => names.includes(c));
    return this.app.state.curves.length ? asked : USUAL.filter((c) => names.includes(c));
  }

  async sync() {
    const { state, run, other } = this.app;
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
    for (const show of this.shows) show(this.app.state.epoch ?? 0);
    const rest = this.names.filter((n) => !this.shown.includes(n));
    const more = select("Add a curve", [["", "+ curve"], ...rest.map((n) => /** @type {[string, string]} */ ([n, words(n)]))],
                        "", (name) => this.app.set({ curves: [...this.shown, name] }));
    const below = h("div", { className: "row below" }, more, behind.length > 0 && "Behind:", keras);
    replace(this.element, ...made.map((c) => c.element), below);
  }

  width() {
    const all = this.element.clientWidth || 900;
    return Math.max(240, Math.floor((all - 10) / Math.min(3, Math.max(1, this.shown.length))) - 30);
  }

  /** Keras's numbers: loss and accuracy, of training and validation. @returns {Promise<Line[]>} */
  async behind() {
    const { run } = this.app;
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
    const { run, other, state } = this.app;
    /** @type {Line[]} */
    const lines = [...behind];
    const runs = state.compare === "run" && other ? [run, other] : [run];
    for (const [r, data] of runs.entries()) {
      for (const method of state.methods) {
        const tag = `saliency/${method}/${name}`;
        if (!data.about.scalars.some((/** @type {string[]} */ s) => s[0] === data.name && s[1] === tag)) continue;
        const found = await data.series(data.name, tag).catch(() => null);
        const style = `method${run.methods.indexOf(method) % 6}${r ? " other" : ""}`;
        if (found) lines.push({ name: words(method) + (r ? ", other run" : ""), steps: found.steps, values: found.values, style });
      }
    }
    return chart({
      title: words(name), lines, width: this.width(), range: [run.steps[0], run.steps[run.steps.length - 1]],
      step: state.epoch ?? run.steps[0], markers: this.markers(), when: (s) => run.when(s),
      onPick: (step) => this.app.goTo(step),
      onClose: () => {
        const rest = this.shown.filter((c) => c !== name);
        this.app.set({ curves: rest.length ? rest : ["none"] });
      },
    });
  }

  markers() {
    const { run } = this.app;
    return run.about.findings
      .filter((/** @type {any} */ f) => f.severity === "alert")
      .map((/** @type {any} */ f) => ({
        step: f.epoch, words: `alert in ${run.when(f.epoch)}: ${f.detector}`,
        onpick: () => this.app.showFinding(f),
      }));
  }
}
