// The epoch that is shown: one slider for all, and play.

import { h, replace, select } from "./dom.js";

/** @typedef {import("./app.js").App} App */

/** The slider. */
export class Timeline {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.isPlaying = false;
    this.timer = 0;
    this.button = h("button", { type: "button", className: "play", ariaLabel: "Play", title: "space",
                                onclick: () => this.play(!this.isPlaying) }, "▶");
    this.slider = h("input", { type: "range", min: "0", step: "1", ariaLabel: "Epoch", className: "slider",
                               oninput: () => this.app.set({ epoch: this.app.run.steps[Number(this.slider.value)] }) });
    this.marks = h("div", { className: "marks" });
    this.words = h("output", { className: "when" });
    this.speed = select("Speed", [["1", "1 / s"], ["2", "2 / s"], ["4", "4 / s"], ["8", "8 / s"], ["16", "16 / s"]],
                        String(app.state.speed), (speed) => app.set({ speed: Number(speed) }), "Epochs a second");
    this.element = h("div", { className: "timeline" }, this.button,
                     h("div", { className: "track" }, this.slider, this.marks), this.words, this.speed);
    this.known = "";
  }

  sync() {
    const { run, state } = this.app, steps = run.steps;
    const at = Math.max(0, steps.indexOf(state.epoch ?? steps[0]));
    this.slider.max = String(steps.length - 1);
    this.slider.value = String(at);
    const last = steps[steps.length - 1];
    const when = run.when(steps[at]);
    this.words.textContent = when === "start" ? "start of training" : `${when} of ${last + 1}`;
    this.slider.setAttribute("aria-valuetext", this.words.textContent);
    const alerts = run.about.findings.filter((/** @type {any} */ f) => f.severity === "alert");
    const known = JSON.stringify([run.name, steps.length, alerts.length]);
    if (known === this.known) return;
    this.known = known;
    const epochs = [...new Set(alerts.map((/** @type {any} */ a) => a.epoch))];
    replace(this.marks, ...epochs.map((epoch) => {
      const place = (100 * Math.max(0, steps.findIndex((s) => s >= epoch))) / Math.max(1, steps.length - 1);
      return h("i", { style: `left:${place}%`, title: `alert in ${run.when(epoch)}` });
    }));
  }

  /** @param {number} by how many epochs */
  step(by) {
    const { run, state } = this.app, steps = run.steps;
    const at = steps.indexOf(state.epoch ?? steps[0]) + by;
    this.app.set({ epoch: steps[Math.max(0, Math.min(steps.length - 1, at))] });
  }

  /** @param {boolean} isOn */
  play(isOn) {
    clearTimeout(this.timer);
    const { run, state } = this.app;
    if (isOn && !this.isPlaying && state.epoch === run.steps[run.steps.length - 1]) {
      this.app.set({ epoch: run.steps[0] });
    }
    this.isPlaying = isOn;
    this.button.textContent = isOn ? "⏸" : "▶";
    this.button.ariaLabel = isOn ? "Pause" : "Play";
    if (isOn) this.timer = window.setTimeout(() => this.tick(), 1000 / state.speed);
  }

  /** The next epoch, once this one is drawn. */
  async tick() {
    const { run } = this.app, began = performance.now();
    await this.app.settled();
    if (!this.isPlaying) return;
    this.step(1);
    if (this.app.state.epoch === run.steps[run.steps.length - 1]) {
      this.play(false);
      return;
    }
    const wait = 1000 / this.app.state.speed - (performance.now() - began);
    this.timer = window.setTimeout(() => this.tick(), Math.max(0, wait));
  }
}
