// What happens outside while the tab is open: a training goes on, TensorBoard ends, a link is pasted.

import { messageOf, Trouble } from "./source.js";
import { defaults, fit, fromAddress, watchAddress } from "./state.js";

const POLL = 10; // seconds between two questions whether a training has gone on

/** Keeps a store up to date. */
export class Following {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.isAsking = false;
  }

  start() {
    watchAddress(() => this.followAddress());
    if (!this.store.source.isLive) return;
    setInterval(() => this.poll(), POLL * 1000);
    document.addEventListener("visibilitychange", () => document.hidden || this.poll()); // looked at again
  }

  /** Shows what the address says now. */
  async followAddress() {
    const { store } = this;
    if (!store.isOpen) return;
    const asked = fromAddress(), name = asked.run || store.run.name;
    store.isPlaying = false;
    try {
      const run = store.names.includes(name) ? name : store.run.name;
      Object.assign(store.state, defaults(), asked);
      if (run !== name) store.warn(`There is no run ${name} in this log directory.`);
      await store.open(run);
      await store.completeComparison();
    } catch (error) {
      fit(store.state, store.run);
      store.warn(`${name} cannot be read. ${messageOf(error)}`);
    }
    store.redraw();
  }

  /** Asks whether a training has gone on. */
  async poll() {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      if (this.store.isOpen) await this.update();
      else {
        this.store.trouble = "";
        await this.store.begin();
      }
    } catch (error) {
      const { store } = this;
      store.trouble = `${messageOf(error)}${store.isOpen ? " What is shown was read before." : ""}`;
      store.view.say(store.trouble);
    } finally {
      this.isAsking = false;
    }
  }

  /** Reads anew what has changed. */
  async update() {
    const { store } = this, runs = await store.list(), changed = JSON.stringify(runs), { name } = store.run;
    if (!runs.some((r) => r.name === name)) {
      throw new Trouble(`This log directory has no run ${name} any more, or TensorBoard has not read it yet.`);
    }
    const wasTrouble = store.trouble;
    store.trouble = "";
    if (changed !== store.changed) await this.refresh();
    else if (wasTrouble) store.run.forgetFailures();
    else return;
    store.changed = changed; // not before, or else what failed would not be tried again
    store.redraw();
  }

  /** Reads the runs that are shown, and goes along to the last epoch. */
  async refresh() {
    const { state, run, other } = this.store, { steps } = run, isAtEnd = state.epoch === steps[steps.length - 1];
    await Promise.all([run.refresh(), other?.refresh()]);
    const now = run.steps, last = now[now.length - 1];
    this.store.first.epoch = last;
    if (isAtEnd && !this.store.isPlaying) state.epoch = last;
    fit(state, run); // what has vanished is not chosen any more
  }
}
