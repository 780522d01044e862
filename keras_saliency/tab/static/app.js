// The tab: its parts, how they are laid out, and the order in which they draw.

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
import { messageOf } from "./source.js";
import { isDark, watchTheme } from "./state.js";
import { Store } from "./store.js";
import { Timeline } from "./timeline.js";

const PATIENCE = 150; // ms after which a tile says that its map is still to come

/** The tab, which shows what its store holds. */
export class App {
  /** @param {HTMLElement} root @param {import("./source.js").Source} source */
  constructor(root, source) {
    this.root = root;
    this.store = new Store(source, this);
    this.message = h("p", { className: "message", role: "alert" });
    this.large = h("dialog", { className: "large-picture", ariaLabel: "Evidence", onclick: () => this.large.close() });
    this.legend = new Legend();
    this.controls = new Controls(this.store, this.legend.element, () => this.exportView());
    this.timeline = new Timeline(this.store);
    this.curves = new Curves(this.store, (finding) => this.showFinding(finding));
    this.grid = new Grid(this.store);
    this.filters = new Filters(this.store, this.grid.count);
    this.findings = new Findings(this.store, (address, text) => this.enlarge(address, text));
    this.page = new ProbePage(this.store);
    this.drawings = 0;
  }

  /** Reads, and shows. */
  async start() {
    const dress = () => (document.documentElement.dataset.theme = isDark() ? "dark" : "light");
    dress();
    watchTheme(dress);
    replace(this.root, this.message);
    await this.store.start();
  }

  /** Puts the parts on the page. */
  lay() {
    const { note } = this.store.source;
    replace(
      this.root,
      this.controls.element,
      note ? h("p", { className: "note" }, note) : null,
      this.timeline.element,
      this.message,
      h("div", { className: "body" },
        h("main", {}, this.curves.element, this.filters.element, this.grid.element), this.findings.element),
      this.page.element, this.large,
    );
    document.addEventListener("keydown", (e) => handleKey(this, e));
    addEventListener("resize", () => this.store.redraw());
    window.focus(); // so that keys reach this frame
  }

  /** Draws what is chosen; where its maps take long to come, the tiles say so meanwhile. */
  async draw() {
    const { store } = this, number = ++this.drawings;
    this.timeline.sync(); // at once: the slider does not wait for maps
    const late = setTimeout(() => number === this.drawings && this.show(), PATIENCE);
    const isReady = await store.ready().finally(() => clearTimeout(late));
    if (!isReady) return;
    this.show();
    document.documentElement.dataset.drawn = `${store.run.name} ${store.state.epoch}`; // for those who watch from outside
    performance.mark("saliency drawn");
    store.drawn();
  }

  /** Draws all parts from what is known now. */
  show() {
    const { store } = this, { run, state } = store;
    this.say(store.message());
    if (!store.isPlaying || !this.grid.cards.length) this.grid.lay();
    this.grid.draw();
    this.page.sync();
    this.controls.sync();
    this.legend.sync(state, run);
    this.filters.sync();
    this.findings.sync();
    this.curves.sync().catch((error) => this.say(messageOf(error)));
  }

  /** @param {string} text */
  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  /** Shows the epoch of a finding, and its card. @param {any} finding */
  showFinding(finding) {
    this.store.goTo(finding.epoch);
    this.findings.show(finding);
  }

  /** Shows a picture at full size. @param {string} address @param {string} text */
  enlarge(address, text) {
    replace(this.large, h("button", { type: "button", className: "action" }, "Close"),
            h("img", { src: address, alt: text }), h("p", {}, text));
    this.large.showModal();
  }

  /** Hands the view to the user as a PNG. */
  async exportView() {
    const { store } = this;
    try {
      await store.settled();
      save(await viewPicture(store, this.grid.columns), `${store.run.name}_${store.run.when(store.state.epoch ?? 0)}.png`);
    } catch (error) {
      store.warn(messageOf(error));
    }
  }
}
