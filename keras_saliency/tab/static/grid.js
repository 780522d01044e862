// The probes that are shown, in their order, each with its tiles.

import { h, replace } from "./dom.js";
import { captionOf, drawTile, heightOf, missing, needs, rowsOf, subjects } from "./tile.js";

/**
 * @typedef {object} Card
 * @property {number} probe
 * @property {HTMLElement} element
 * @property {HTMLCanvasElement[]} canvases
 * @property {HTMLElement[]} captions
 * @property {HTMLElement} said
 * @property {boolean} isSeen
 * @property {string} drawn what its tiles show
 */

/** @typedef {NonNullable<ReturnType<import("./run_data.js").RunData["said"]>>} Said */

/** Whether a prediction is right. @param {Said} said @returns {"right"|"wrong"|""} "" without labels */
export function markOf(said) {
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
                                   run.about.findings.length, run.about.labels]);
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
    const captions = shown.map(() => h("figcaption"));
    const figures = canvases.map((canvas, i) => h("figure", { style: `width:${width}px` }, canvas, captions[i]));
    const rows = rowsOf(figures, state);
    const said = h("p", { className: "said" });
    const alerted = this.store.selection.isAlerted(probe);
    const group = about.groups ? h("span", { className: "chip" }, about.groups[probe]) : null;
    const issue = (run.about.labels ?? []).find((/** @type {any} */ i) => i.probe === probe);
    const doubt = issue ? h("span", { className: "chip", title: `may be ${run.classText(issue.suggested)}` }, "label?") : null;
    const badge = alerted ? h("span", { className: "chip alerted" }, "in an alert") : null;
    const element = h(
      "article",
      { className: "card", tabIndex: 0, role: "listitem", "data-probe": probe,
        onclick: () => this.store.set({ probe }),
        onkeydown: (/** @type {KeyboardEvent} */ e) => {
          if (e.key === "Enter") this.store.set({ probe });
        } },
      ...rows.map((row) => h("div", { className: "tiles" }, ...row)),
      h("p", { className: "name" }, about.names[probe], group, badge, doubt),
      said,
    );
    element.style.width = `${Math.max(150, rows[0].length * (width + 6) + 14)}px`;
    return { probe, element, canvases, captions, said, isSeen: false, drawn: "" };
  }

  /** @param {IntersectionObserverEntry[]} entries */
  seen(entries) {
    for (const entry of entries) {
      const card = this.cards.find((c) => c.element === entry.target);
      if (card) card.isSeen = entry.isIntersecting;
    }
    this.store.redraw();
  }

  /** Draws what is seen, and says which maps are missing. */
  draw() {
    const { state, run, other } = this.store;
    this.subjects = subjects(state, run, other);
    const look = [state.view, state.opacity, state.colormap, state.scale, state.objects, run.steps.length].join();
    for (const card of this.cards) {
      if (!card.isSeen) continue;
      const now = look + JSON.stringify(this.subjects.map((s) => [missing(s), needs(s).map((n) => [n.run.name, n.step])]));
      if (card.drawn === now) continue;
      card.drawn = now;
      card.canvases.forEach((canvas, i) => {
        const subject = /** @type {any} */ (this.subjects)[i], below = card.captions[i];
        drawTile(canvas, subject, card.probe, state);
        below.textContent = captionOf(subject);
        below.hidden = card.captions.length < 2 && !missing(subject);
      });
      this.caption(card);
    }
  }

  /** @param {Card} card */
  caption(card) {
    const { run, state } = this.store, about = run.about.probes, label = about.label_texts[card.probe];
    const said = run.said(card.probe, state.epoch ?? 0), compared = this.store.selection.compared(card.probe);
    replace(
      card.said,
      label ? h("span", { className: "label", title: "label" }, label) : null,
      said ? h("span", { className: `predicted ${markOf(said)}`, title: "prediction and confidence" }, inWords(said)) : null,
      compared ? h("span", { className: `predicted ${markOf(compared.said)}` }, `${compared.where}: ${inWords(compared.said)}`) : null,
    );
    card.element.setAttribute(
      "aria-label", `${about.names[card.probe]}, ${label}, predicted ${said ? inWords(said) : "unknown"}`);
  }

  /** How many cards are side by side. */
  get columns() {
    const [first] = this.cards, top = first?.element.offsetTop;
    return Math.max(1, this.cards.filter((c) => c.element.offsetTop === top).length);
  }

  /** Moves the focus. @param {number} by how many probes */
  step(by) {
    const at = this.cards.findIndex((c) => c.element === document.activeElement);
    const next = this.cards[Math.max(0, Math.min(this.cards.length - 1, at < 0 ? 0 : at + by))];
    next?.element.focus();
    next?.element.scrollIntoView({ block: "nearest" });
  }
}
