// The tab: what is chosen, what is known of the runs, and its parts.

import { Controls } from "./controls.js";
import { Curves } from "./curves.js";
import { h, replace } from "./dom.js";
import { save, viewPicture } from "./export.js";
import { Filters } from "./filters.js";
import { Findings } from "./findings.js";
import { Grid } from "./grid.js";
import { handleKey } from "./keys.js";
import { Legend } from "./legend.js";
import { ProbePage } from "./probe_page.js";
import { RunData } from "./run_data.js";
import { Selection } from "./selection.js";
import { defaults, fromAddress, isDark, toAddress, watchTheme } from "./state.js";
import { nearest, needs, subjects } from "./tile.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./state.js").State} State */

const POLL = 10; // seconds between looks at a running training
const AHEAD = 8; // epochs that are fetched before they are played

/** The tab. */
export class App {
  /** @param {HTMLElement} root @param {import("./source.js").Source} source */
  constructor(root, source) {
    this.root = root;
    this.source = source;
    this.state = defaults();
    this.first = defaults();
    /** @type {string[]} */ this.names = [];
    /** @type {Map<string, Promise<RunData>>} */ this.runs = new Map();
    /** @type {RunData} */ this.run = /** @type {any} */ (null);
    /** @type {RunData|null} */ this.other = null;
    this.changed = "";
    this.frame = 0;
    /** @type {Promise<void>} */ this.drawing = Promise.resolve();
    this.message = h("p", { className: "message", role: "alert" });
    this.isStarted = false;
    this.isWarned = false;
    this.later = 0;
    this.legend = new Legend();
    this.selection = new Selection(this);
    this.controls = new Controls(this);
    this.timeline = new Timeline(this);
    this.curves = new Curves(this);
    this.grid = new Grid(this);
    this.filters = new Filters(this);
    this.findings = new Findings(this);
    this.page = new ProbePage(this);
    this.large = h("dialog", { className: "large-picture", ariaLabel: "Evidence", onclick: () => this.large.close() });
  }

  /** Reads, and shows. */
  async start() {
    const dress = () => (document.documentElement.dataset.theme = isDark() ? "dark" : "light");
    dress();
    watchTheme(dress);
    replace(this.root, this.message);
    try {
      await this.look();
    } catch (error) {
      this.say(String(/** @type {Error} */ (error).message));
    }
    if (this.source.isLive) setInterval(() => this.poll(), POLL * 1000);
  }

  /** Opens the run that is asked for, once there is one. */
  async look() {
    const { runs } = await this.source.json("runs");
    this.names = runs.map((/** @type {any} */ r) => r.name);
    this.changed = JSON.stringify(runs);
    if (!this.names.length) {
      this.say("No run with attention maps yet. They are written at the end of an epoch by "
               + "keras_saliency.SaliencyCallback(probes, log_dir=…) in this log directory.");
      return;
    }
    Object.assign(this.state, fromAddress());
    await this.openFirst(runs);
    if (this.state.compare === "run") await this.pickOther(this.state.other);
    if (this.state.compare === "epoch" && this.state.before === null) this.state.before = this.run.steps[0];
    this.show();
    this.isStarted = true;
    window.focus(); // so that keys reach this frame
    this.set({});
  }

  /** Opens the run that is asked for, or else the first that can be read. @param {any[]} runs */
  async openFirst(runs) {
    const best = [...runs].sort((a, b) => alertsFirst(b) - alertsFirst(a)).map((r) => r.name);
    const wanted = [this.state.run, ...best].filter((name) => this.names.includes(name));
    for (const [i, name] of wanted.entries()) {
      try {
        await this.open(name);
        return;
      } catch (error) {
        this.warn(`${name} cannot be read. ${/** @type {Error} */ (error).message}`);
        if (i === wanted.length - 1) throw error;
      }
    }
  }

  /** @param {string} name */
  async open(name) {
    this.run = await this.data(name);
    this.state.run = name;
    const { state, run } = this, steps = run.steps;
    state.methods = state.methods.filter((m) => run.methods.includes(m));
    if (!state.methods.length) state.methods = run.methods.slice(0, 3);
    state.epoch = state.epoch === null ? steps[steps.length - 1] : nearest(steps, state.epoch);
    if (state.before !== null) state.before = nearest(steps, state.before);
    if (state.probe !== null && !run.pictures[state.probe]) state.probe = null;
    const { label_texts: labels, groups } = run.about.probes;
    if (!labels.includes(state.label)) state.label = ""; // of another run: no probe has it here
    if (!groups?.includes(state.group)) state.group = "";
    this.first = { ...defaults(), methods: run.methods.slice(0, 3), epoch: steps[steps.length - 1] };
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

  show() {
    replace(
      this.root,
      this.controls.element,
      this.source.note ? h("p", { className: "note" }, this.source.note) : null,
      this.timeline.element,
      this.message,
      h("div", { className: "body" },
        h("main", {}, this.curves.element, this.filters.element, this.grid.element), this.findings.element),
      this.page.element, this.large,
    );
    document.addEventListener("keydown", (e) => handleKey(this, e));
    addEventListener("resize", () => this.set({}));
  }

  /** Changes what is chosen. @param {Partial<State>} changes */
  set(changes) {
    Object.assign(this.state, changes);
    if (!this.isStarted) return;
    this.redraw();
  }

  /** Draws in the next frame. */
  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawing = this.draw();
    });
  }

  /** Resolves when all that was asked for is drawn. */
  async settled() {
    while (this.frame) await new Promise((done) => requestAnimationFrame(done));
    await this.drawing;
  }

  async draw() {
    const { state, run, other } = this, epoch = state.epoch;
    this.timeline.sync();
    if (!this.isKnown()) {
      try {
        await this.need(subjects(state, run, other));
      } catch (error) {
        this.say(`Maps of this epoch cannot be had. ${/** @type {Error} */ (error).message}`);
        return;
      }
      // Something else was chosen meanwhile, and is drawn next.
      if (state.epoch !== epoch || this.run !== run || !this.isKnown()) return;
    }
    if (!this.isWarned) this.say(this.caution());
    const isStill = !this.timeline.isPlaying;
    if (isStill || !this.grid.cards.length) this.grid.lay();
    this.grid.draw();
    document.documentElement.dataset.drawn = `${run.name} ${epoch}`; // for those who watch from outside
    performance.mark("saliency drawn");
    this.page.sync();
    this.controls.sync();
    this.legend.sync(state);
    this.filters.sync();
    this.findings.sync();
    this.curves.sync();
    clearTimeout(this.later);
    this.later = window.setTimeout(() => toAddress(this.state, this.first), 150);
    this.fetchAhead();
  }

  /** Whether all that is to be drawn now has been fetched. */
  isKnown() {
    const { state, run, other } = this, isScaled = state.scale !== "probe";
    return subjects(state, run, other).flatMap(needs).every((n) =>
      n.run.known(n.method, n.step) && (isScaled || n.run.maxima.has(n.method)));
  }

  /** Sees to it that the maps of some tiles are known. @param {import("./tile.js").Subject[]} shown */
  async need(shown) {
    await Promise.all(shown.flatMap(needs).map((n) => n.run.need(n.method, [n.step])));
    if (this.state.scale !== "probe") return;
    await Promise.all(shown.flatMap(needs).map((n) => n.run.needMaxima(n.method)));
  }

  fetchAhead() {
    const { run, state } = this, steps = run.steps, at = steps.indexOf(state.epoch ?? 0);
    const next = this.timeline.isPlaying ? AHEAD : 1;
    const wanted = steps.slice(Math.max(0, at - 1), at + 1 + next);
    for (const method of state.methods) {
      const found = wanted.map((s) => run.stepOf(method, s)).filter((s) => s !== null);
      run.need(method, found).catch(() => null); // it is said where the epoch is shown
    }
  }

  /** What a comparison must be read with. */
  caution() {
    const { run, other, state } = this;
    if (state.compare !== "run" || !other || other.about.probes.fingerprint === run.about.probes.fingerprint) return "";
    return `The probes of ${other.name} have the same names, but not the same pixels.`;
  }

  /** @param {number} step */
  stepNear(step) {
    return nearest(this.run.steps, step);
  }

  /** @param {number} step */
  goTo(step) {
    this.timeline.play(false);
    this.set({ epoch: this.stepNear(step) });
  }

  /** @param {any} finding */
  showFinding(finding) {
    this.goTo(finding.epoch);
    this.findings.show(finding);
  }

  /** @param {string} name */
  async pickRun(name) {
    try {
      await this.open(name);
      if (this.state.other === name) Object.assign(this.state, { compare: "", other: "" });
      if (this.state.compare === "run") await this.pickOther(this.state.other);
      this.set({});
    } catch (error) {
      this.say(`${name} cannot be read. ${/** @type {Error} */ (error).message}`);
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
      if (String(other.about.probes.names) !== String(this.run.about.probes.names)) {
        this.warn(`${name} watches other probes: their maps do not compare.`);
      } else this.other = other;
    } catch (error) {
      this.warn(`${name} cannot be read. ${/** @type {Error} */ (error).message}`);
    }
    this.set({ other: name, compare: this.other ? "run" : "" });
  }

  /** @param {string} method */
  toggleMethod(method) {
    const { methods } = this.state;
    const chosen = methods.includes(method) ? methods.filter((m) => m !== method) : [...methods, method];
    if (chosen.length) this.set({ methods: this.run.methods.filter((m) => chosen.includes(m)) });
  }

  /** @param {string} address @param {string} words */
  enlarge(address, words) {
    replace(this.large, h("button", { type: "button", className: "action" }, "Close"),
            h("img", { src: address, alt: words }), h("p", {}, words));
    this.large.showModal();
  }

  async exportView() {
    await this.settled();
    save(await viewPicture(this), `${this.run.name}_${this.run.when(this.state.epoch ?? 0)}.png`);
  }

  /** Looks whether a training has gone on. */
  async poll() {
    try {
      if (!this.isStarted) {
        await this.look();
        return;
      }
      const { runs } = await this.source.json("runs"), changed = JSON.stringify(runs);
      if (changed === this.changed) return;
      this.changed = changed;
      this.names = runs.map((/** @type {any} */ r) => r.name);
      const { steps } = this.run, isAtEnd = this.state.epoch === steps[steps.length - 1];
      await Promise.all([this.run.refresh(), this.other?.refresh()]);
      const now = this.run.steps;
      this.first.epoch = now[now.length - 1];
      this.set(isAtEnd && !this.timeline.isPlaying ? { epoch: now[now.length - 1] } : {});
    } catch (error) {
      this.warn(`TensorBoard does not answer: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** @param {string} words */
  say(words) {
    this.message.textContent = words;
    this.message.hidden = !words;
  }

  /** Says it until the next is drawn. @param {string} words */
  warn(words) {
    this.say(words);
    this.isWarned = true;
    setTimeout(() => (this.isWarned = false), 6000);
  }
}

/** The run that is shown at first: one with findings, of these the newest. @param {any} run */
function alertsFirst(run) {
  return (run.changed[2] >= 0 ? 1e12 : 0) + run.changed[1];
}
