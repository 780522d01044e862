// What is chosen, and what is known of the runs. No element is made or read here.

import { fetchAhead, fetchMaps, isKnown } from "./fetching.js";
import { Following } from "./following.js";
import { RunData } from "./run_data.js";
import { Selection } from "./selection.js";
import { messageOf, Trouble } from "./source.js";
import { defaults, fit, fromAddress, toAddress } from "./state.js";
import { nearest, needs, subjects } from "./tile.js";

/** @typedef {import("./state.js").State} State */

/**
 * Who shows what the store holds.
 * @typedef {object} View
 * @property {() => void} lay puts the parts on the page, once the first run is known
 * @property {() => Promise<void>} draw draws what is chosen
 * @property {(text: string) => void} say shows a message, or none for ""
 */

/** The state that all parts read, and the only place where it changes. */
export class Store {
  /** @param {import("./source.js").Source} source @param {View} view */
  constructor(source, view) {
    this.source = source;
    this.view = view;
    this.state = defaults();
    this.first = defaults(); // as the run begins, which the address leaves out
    /** @type {string[]} */ this.names = [];
    /** @type {Map<string, Promise<RunData>>} */ this.runs = new Map();
    /** @type {RunData} */ this.run = /** @type {any} */ (null); // known once a run is open
    /** @type {RunData|null} */ this.other = null;
    this.selection = new Selection(this);
    this.isPlaying = false;
    this.isOpen = false;
    this.trouble = ""; // what is said until TensorBoard answers again
    this.notice = ""; // what is said until the next drawing
    this.changed = "";
    this.frame = 0;
    this.later = 0;
    /** @type {Promise<void>} */ this.drawing = Promise.resolve();
  }

  /** Opens a run, and follows a training that goes on. */
  async start() {
    try {
      await this.begin();
    } catch (error) {
      this.view.say(messageOf(error));
    }
    new Following(this).start();
  }

  /** Opens the run that the address names, once there is one. */
  async begin() {
    const runs = await this.list();
    this.changed = JSON.stringify(runs);
    if (!this.names.length) {
      this.view.say("No run with attention maps yet. They are written at the end of an epoch by "
                    + "keras_saliency.SaliencyCallback(probes, log_dir=…) in this log directory.");
      return;
    }
    Object.assign(this.state, fromAddress());
    await this.openFirst(runs);
    await this.completeComparison();
    this.view.lay();
    this.isOpen = true;
    this.redraw();
  }

  /** Opens what a comparison from the address needs. */
  async completeComparison() {
    if (this.state.compare === "run") await this.pickOther(this.state.other);
    if (this.state.compare === "epoch" && this.state.before === null) this.state.before = this.run.steps[0];
  }

  /** Lists the runs. @returns {Promise<any[]>} */
  async list() {
    const { runs } = await this.source.json("runs");
    this.names = runs.map((/** @type {any} */ r) => r.name);
    if (this.run && !this.names.includes(this.run.name)) this.names.push(this.run.name); // it stays open
    return runs;
  }

  /** Opens the run that is asked for, or else the first that can be read. @param {any[]} runs */
  async openFirst(runs) {
    const best = [...runs].sort((a, b) => alertsFirst(b) - alertsFirst(a)).map((r) => r.name);
    const asked = this.state.run, isThere = !asked || this.names.includes(asked);
    const wanted = [...new Set([asked, ...best])].filter((name) => this.names.includes(name));
    if (!isThere) this.warn(`There is no run ${asked} in this log directory.`);
    for (const [i, name] of wanted.entries()) {
      try {
        await this.open(name);
        return;
      } catch (error) {
        const text = `${name} cannot be read. ${messageOf(error)}`;
        if (i === wanted.length - 1) throw new Trouble(text);
        this.warn(text);
      }
    }
  }

  /** @param {string} name */
  async open(name) {
    this.run = await this.data(name);
    fit(this.state, this.run);
    this.first = defaults();
    fit(this.first, this.run);
    this.first.run = "";
  }

  /** @param {string} name @returns {Promise<RunData>} */
  data(name) {
    let asked = this.runs.get(name);
    if (!asked) {
      asked = new RunData(this.source, name).open();
      asked.catch(() => this.runs.delete(name));
      this.runs.set(name, asked);
    }
    return asked;
  }

  /** Changes what is chosen. @param {Partial<State>} changes */
  set(changes) {
    Object.assign(this.state, changes);
    this.redraw();
  }

  /** Draws in the next frame. */
  redraw() {
    if (this.frame || !this.isOpen) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawing = this.view.draw().catch((error) => this.view.say(messageOf(error)));
    });
  }

  /** Resolves when all that was asked for is drawn. */
  async settled() {
    while (this.frame) await new Promise((done) => requestAnimationFrame(done));
    await this.drawing;
  }

  /** Fetches what is to be drawn now.
   *  @returns {Promise<boolean>} whether it can be drawn: it is known, and nothing else was chosen meanwhile */
  async ready() {
    const { state, run, other } = this, { epoch } = state;
    if (isKnown(this)) return true;
    await fetchMaps(subjects(state, run, other), state.scale);
    return state.epoch === epoch && this.run === run && isKnown(this);
  }

  /** What follows a drawing: the address is written, neighbouring epochs are fetched. */
  drawn() {
    clearTimeout(this.later);
    this.later = window.setTimeout(() => toAddress(this.state, this.first), 150);
    fetchAhead(this);
  }

  /** What is to be said of what is shown, or "". */
  message() {
    return this.trouble || this.notice || this.failure() || this.caution();
  }

  /** Why maps that are to be shown cannot be read, or "". */
  failure() {
    const { state, run, other } = this;
    for (const n of subjects(state, run, other).flatMap(needs)) {
      const text = n.run.failure(n.method, n.step);
      if (text) return `The maps of ${n.method.replace(/_/g, " ")} at ${n.run.when(n.step)} cannot be read. ${text}`;
    }
    return "";
  }

  /** A caution that a comparison needs, or "". */
  caution() {
    const { run, other, state } = this;
    if (state.compare !== "run" || !other || other.about.probes.fingerprint === run.about.probes.fingerprint) return "";
    return `The probes of ${other.name} have the same names, but not the same pixels.`;
  }

  /** The nearest epoch that has maps. @param {number} step */
  stepNear(step) {
    return nearest(this.run.steps, step);
  }

  /** Stops playing, and shows an epoch. @param {number} step */
  goTo(step) {
    this.isPlaying = false;
    this.set({ epoch: this.stepNear(step) });
  }

  /** @param {string} name */
  async pickRun(name) {
    try {
      await this.open(name);
      if (this.state.other === name) Object.assign(this.state, { compare: "", other: "" });
      if (this.state.compare === "run") await this.pickOther(this.state.other);
      this.redraw();
    } catch (error) {
      this.view.say(`${name} cannot be read. ${messageOf(error)}`);
    }
  }

  /** @param {string} compare */
  async compare(compare) {
    if (compare === "epoch" && this.state.before === null) this.state.before = this.run.steps[0];
    if (compare === "run") {
      await this.pickOther(this.state.other || this.names.filter((n) => n !== this.run.name)[0]);
      if (!this.other) compare = "";
    }
    this.set({ compare });
  }

  /** @param {string} name */
  async pickOther(name) {
    this.other = null;
    if (!this.names.includes(name)) return;
    try {
      const other = await this.data(name);
      if (JSON.stringify(other.about.probes.names) !== JSON.stringify(this.run.about.probes.names)) {
        this.warn(`${name} watches other probes: their maps do not compare.`);
      } else this.other = other;
    } catch (error) {
      this.warn(`${name} cannot be read. ${messageOf(error)}`);
    }
    this.set({ other: name, compare: this.other ? "run" : "" });
  }

  /** @param {string} method */
  toggleMethod(method) {
    const { methods } = this.state;
    const chosen = methods.includes(method) ? methods.filter((m) => m !== method) : [...methods, method];
    if (chosen.length) this.set({ methods: this.run.methods.filter((m) => chosen.includes(m)) });
  }

  /** Shows a message that is left once it has been read. @param {string} text */
  warn(text) {
    this.notice = text;
    this.view.say(text);
    setTimeout(() => {
      if (this.notice === text) this.notice = "";
    }, 6000);
  }
}

/** The run that is shown first: one with alerts, of these the newest. @param {any} run */
function alertsFirst(run) {
  return (run.alerts ? 1e12 : 0) + run.changed[1];
}
