// The epoch that is shown: one slider for all, and play.

import { h, replace, select } from "./dom.js";

/** The slider. */
export class Timeline {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.timer = 0;
    this.button = h("button", { type: "button", className: "play", ariaLabel: "Play", title: "space",
                                onclick: () => this.play(!store.isPlaying) }, "▶");
    this.slider = h("input", { type: "range", min: "0", step: "1", ariaLabel: "Epoch", className: "slider",
                               oninput: () => store.set({ epoch: store.run.steps[Number(this.slider.value)] }) });
    this.marks = h("div", { className: "marks" });
    this.when = h("output", { className: "when" });
    this.speed = select("Speed", [["1", "1 / s"], ["2", "2 / s"], ["4", "4 / s"], ["8", "8 / s"], ["16", "16 / s"]],
                        String(store.state.speed), (speed) => store.set({ speed: Number(speed) }), "Epochs a second");
    this.element = h("div", { className: "timeline" }, this.button,
                     h("div", { className: "track" }, this.slider, this.marks), this.when, this.speed);
    this.known = "";
  }

  sync() {
    this.label();
    const { run, state } = this.store, steps = run.steps;
    const at = Math.max(0, steps.indexOf(state.epoch ?? steps[0]));
    this.slider.max = String(steps.length - 1);
    this.slider.value = String(at);
    const last = steps[steps.length - 1];
    const when = run.when(steps[at]);
    this.when.textContent = when === "start" ? "start of training" : `${when} of ${last + 1}`;
    this.slider.setAttribute("aria-valuetext", this.when.textContent);
    const alerts = run.about.findings.filter((/** @type {any} */ f) => f.severity === "alert");
    const epochs = [...new Set(alerts.map((/** @type {any} */ a) => a.epoch))].filter((epoch) => epoch !== null);
    const known = JSON.stringify([run.name, steps, epochs]);
    if (known === this.known) return;
    this.known = known;
    replace(this.marks, ...epochs.map((epoch) => {
      const place = (100 * Math.max(0, steps.findIndex((s) => s >= epoch))) / Math.max(1, steps.length - 1);
      return h("i", { style: `left:${place}%`, title: `alert in ${run.when(epoch)}` });
    }));
  }

  label() {
    const { isPlaying } = this.store;
    this.button.textContent = isPlaying ? "⏸" : "▶";
    this.button.ariaLabel = isPlaying ? "Pause" : "Play";
  }

  /** @param {number} by how many epochs */
  step(by) {
    const { run, state } = this.store, steps = run.steps;
    const at = steps.indexOf(state.epoch ?? steps[0]) + by;
    this.store.set({ epoch: steps[Math.max(0, Math.min(steps.length - 1, at))] });
  }

  /** @param {boolean} isOn */
  play(isOn) {
    clearTimeout(this.timer);
    const { store } = this, { run, state } = store;
    if (isOn && !store.isPlaying && state.epoch === run.steps[run.steps.length - 1]) {
      store.set({ epoch: run.steps[0] });
    }
    store.isPlaying = isOn;
    this.label();
    if (isOn) this.timer = window.setTimeout(() => this.tick(), 1000 / state.speed);
  }

  /** The next epoch, once this one is drawn. */
  async tick() {
    const { store } = this, { run } = store, began = performance.now();
    await store.settled();
    if (!store.isPlaying) return;
    this.step(1);
    if (store.state.epoch === run.steps[run.steps.length - 1]) {
      this.play(false);
      return;
    }
    const wait = 1000 / store.state.speed - (performance.now() - began);
    this.timer = window.setTimeout(() => this.tick(), Math.max(0, wait));
  }
}
