// The probes that are shown, in their order, each with its tiles.

import { h, replace } from "./dom.js";
import { drawTile, heightOf, nearest, needs, subjects } from "./tile.js";

/**
 * @typedef {object} Card
 * @property {number} probe
 * @property {HTMLElement} element
 * @property {HTMLCanvasElement[]} canvases
 * @property {HTMLElement} said
 * @property {boolean} isSeen
 * @property {string} drawn what its tiles show
 */

/** @typedef {NonNullable<ReturnType<import("./run_data.js").RunData["said"]>>} Said */

/** @param {Said} said */
function markOf(said) {
  return said.correct === null ? "" : said.correct ? "right" : "wrong";
}

/** A prediction with its mark and confidence. @param {Said} said */
export function inWords(said) {
  const share = Number.isFinite(said.confidence) ? `, ${Math.round(100 * said.confidence)} %` : "";
  return `${{ "": "→", right: "✓", wrong: "✗" }[markOf(said)]} ${said.predicted}${share}`;
}

/** The grid. */
export class Grid {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Card[]} */ this.cards = [];
    this.layout = "";
    this.element = h("div", { className: "grid", role: "list", ariaLabel: "Probes" });
    this.count = h("p", { className: "count", role: "status" });
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "150px" });
  }

  /** Lays the cards out anew where that has changed. */
  lay() {
    const { state, run, other } = this.store;
    const probes = this.store.selection.probes;
    const shown = subjects(state, run, other);
    const layout = JSON.stringify([run.name, other?.name, probes, shown.map((s) => [s.kind, s.method]), state.size,
                                   run.about.findings.length]);
    this.subjects = shown;
    this.count.textContent = this.store.selection.describe(probes.length);
    if (layout === this.layout) {
      for (const card of this.cards) this.caption(card);
      return;
    }
    this.layout = layout;
    const focused = this.cards.find((c) => c.element === document.activeElement)?.probe;
    this.observer.disconnect();
    this.cards = probes.map((probe) => this.card(probe, shown));
    replace(this.element, ...this.cards.map((c) => c.element));
    for (const card of this.cards) {
      this.observer.observe(card.element);
      if (card.probe === focused) card.element.focus({ preventScroll: true });
    }
  }

  /** @param {number} probe @param {import("./tile.js").Subject[]} shown @returns {Card} */
  card(probe, shown) {
    const { run, state } = this.store;
    const about = run.about.probes, width = state.size, height = heightOf(run, probe, width);
    const canvases = shown.map(() => h("canvas", { width, height }));
    const figures = canvases.map((canvas, i) => h("figure", { style: `width:${width}px` }, canvas, h("figcaption", { hidden: shown.length < 2 }, shown[i].caption)));
    const said = h("p", { className: "said" });
    const alerted = this.store.selection.isAlerted(probe);
    const group = about.groups ? h("span", { className: "chip" }, about.groups[probe]) : null;
    const badge = alerted ? h("span", { className: "chip alerted" }, "in an alert") : null;
    const element = h(
      "article",
      { className: "card", tabIndex: 0, role: "listitem", "data-probe": probe,
        onclick: () => this.store.set({ probe }),
        onkeydown: (/** @type {KeyboardEvent} */ e) => {
          if (e.key === "Enter") this.store.set({ probe });
        } },
      h("div", { className: "tiles" }, ...figures),
      h("p", { className: "name" }, about.names[probe], group, badge),
      said,
    );
    element.style.width = `${Math.max(150, shown.length * (width + 6) + 14)}px`;
    return { probe, element, canvases, said, isSeen: false, drawn: "" };
  }

  /** @param {IntersectionObserverEntry[]} entries */
  seen(entries) {
    for (const entry of entries) {
      const card = this.cards.find((c) => c.element === entry.target);
      if (card) card.isSeen = entry.isIntersecting;
    }
    this.store.redraw();
  }

  /** Draws what is seen; all maps are known. */
  draw() {
    const { state, run, other } = this.store;
    this.subjects = subjects(state, run, other);
    const look = [state.view, state.opacity, state.colormap, state.scale, state.objects, run.steps.length].join();
    for (const card of this.cards) {
      if (!card.isSeen) continue;
      const now = look + this.subjects.map((s) => JSON.stringify(needs(s).map((n) => [n.run.name, n.step])));
      if (card.drawn === now) continue;
      card.drawn = now;
      card.canvases.forEach((canvas, i) => {
        const subject = /** @type {any} */ (this.subjects)[i];
        drawTile(canvas, subject, card.probe, state);
        const below = /** @type {HTMLElement} */ (canvas.nextElementSibling);
        below.textContent = subject.caption;
      });
      this.caption(card);
    }
  }

  /** Has all drawn anew, as after new maps of the same epochs. */
  forget() {
    for (const card of this.cards) card.drawn = "";
  }

  /** @param {Card} card */
  caption(card) {
    const { run, state } = this.store, about = run.about.probes, label = about.label_texts[card.probe];
    const said = run.said(card.probe, state.epoch ?? 0);
    replace(
      card.said,
      label ? h("span", { className: "label", title: "label" }, label) : null,
      said ? h("span", { className: `predicted ${markOf(said)}`, title: "prediction and confidence" }, inWords(said)) : null,
      ...this.compared(card.probe),
    );
    card.element.setAttribute(
      "aria-label", `${about.names[card.probe]}, ${label}, predicted ${said ? inWords(said) : "unknown"}`);
  }

  /** What is said in the other run, or at the other epoch. @param {number} probe */
  compared(probe) {
    const { run, other, state } = this.store;
    const isRun = state.compare === "run" && other, isEpoch = state.compare === "epoch" && state.before !== null;
    const said = isRun ? other.said(probe, nearest(other.steps, state.epoch ?? 0))
      : isEpoch ? run.said(probe, state.before ?? 0) : null;
    if (!said) return [];
    const where = isRun ? "other run" : run.when(state.before ?? 0);
    return [h("span", { className: `predicted ${markOf(said)}` }, `${where}: ${inWords(said)}`)];
  }

  /** Moves the focus. @param {number} by how many probes */
  step(by) {
    const at = this.cards.findIndex((c) => c.element === document.activeElement);
    const next = this.cards[Math.max(0, Math.min(this.cards.length - 1, at < 0 ? 0 : at + by))];
    next?.element.focus();
    next?.element.scrollIntoView({ block: "nearest" });
  }
}
