// One probe by itself: at full size, all its epochs, its curves.

import { chart } from "./chart.js";
import { shownStatistics } from "./curves.js";
import { figure, h, readable, replace } from "./dom.js";
import { evolution, save } from "./export.js";
import { messageOf } from "./source.js";
import { resized } from "./paint.js";
import { captionOf, drawTile, heightOf, needs, subjects } from "./tile.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./tile.js").Subject} Subject */

/** What the page shows: the probe's picture, and its maps. @param {Store} store @returns {Subject[]} */
function shownBy({ state, run, other }) {
  const view = state.view === "heatmap" ? state.view : "overlay";
  const picture = { kind: "picture", run, method: "", step: state.epoch ?? run.steps[0], caption: "image" };
  return [picture, ...subjects({ ...state, view }, run, other)];
}

const FRAME = 84; // pixels of a filmstrip's picture

/** The page. */
export class ProbePage {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.element = h("dialog", { className: "page", ariaLabel: "Probe", tabIndex: -1,
                                 onclose: () => this.store.state.probe !== null && this.store.set({ probe: null }) });
    this.known = "";
    this.next = /** @type {(by: number) => void} */ (() => {});
    this.pointed = h("p", { className: "pointed", role: "status" });
    this.said = h("p", { className: "said" });
    /** @type {HTMLElement[]} */ this.captions = [];
    /** @type {HTMLCanvasElement[]} */ this.canvases = [];
    /** @type {((step: number) => void)[]} */ this.shows = [];
    /** @type {{canvas: HTMLCanvasElement, step: number, method: string, cell: HTMLElement}[]} */ this.frames = [];
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "200px" });
  }

  async sync() {
    const { state, run } = this.store, probe = state.probe;
    if (probe === null || run.about.probes.names[probe] === undefined) {
      if (this.element.open) this.element.close();
      this.known = "";
      return;
    }
    const shown = shownBy(this.store);
    const look = [state.opacity, state.colormap, state.scale, state.view, state.objects];
    const known = JSON.stringify([run.name, probe, shown.map((s) => [s.kind, s.method]), run.steps.length, look]);
    if (known !== this.known) {
      this.known = known;
      this.make(probe, shown);
      if (!this.element.open) this.element.showModal();
      this.element.focus(); // and not a button, which space would press
    }
    this.draw();
  }

  /** @param {number} probe @param {Subject[]} shown */
  make(probe, shown) {
    const { store } = this, { run } = store, about = run.about.probes;
    const room = Math.min(innerWidth * 0.92, 1500);
    const width = Math.round(Math.max(160, Math.min(400, innerHeight * 0.44 * run.shapeOf(probe), room / shown.length - 16)));
    const height = heightOf(run, probe, width);
    this.element.scrollTop = 0;
    this.canvases = shown.map(() => h("canvas", { width, height, className: "large" }));
    this.pointed.textContent = "Values: move the pointer over a map.";
    this.captions = shown.map((s) => h("figcaption", {}, captionOf(s)));
    const figures = this.canvases.map((canvas, i) => {
      canvas.addEventListener("mousemove", (e) => this.point(e, i, probe));
      return h("figure", {}, canvas, this.captions[i]);
    });
    const all = store.selection.probes, place = all.indexOf(probe);
    const go = (/** @type {number} */ by) => store.set({ probe: all[(place + by + all.length) % all.length] ?? probe });
    const strip = h("div", { className: "strip" });
    const curves = h("div", { className: "curves" });
    this.next = go;
    replace(
      this.element,
      h("header", {},
        h("h2", {}, about.names[probe]),
        about.groups ? h("span", { className: "chip" }, about.groups[probe]) : null,
        h("span", { className: "spring" }),
        h("button", { type: "button", className: "action", onclick: () => go(-1), title: "↑" }, "Previous"),
        h("button", { type: "button", className: "action", onclick: () => go(1), title: "↓" }, "Next"),
        h("button", { type: "button", className: "action export", onclick: () => this.export(probe) }, "Export animation"),
        h("button", { type: "button", className: "action", onclick: () => this.element.close(), title: "Escape" }, "Close")),
      this.said,
      h("div", { className: "tiles" }, ...figures),
      this.pointed,
      h("h3", {}, "All epochs"),
      strip,
      h("h3", {}, "Curves of this probe"),
      curves,
    );
    this.fillStrip(strip, probe);
    this.fillCurves(curves, probe, this.known);
  }

  /** Draws the epoch that is shown; all maps are known. */
  draw() {
    const { state, run } = this.store, probe = state.probe;
    if (probe === null || !this.element.open) return;
    const shown = shownBy(this.store), step = state.epoch ?? run.steps[0];
    shown.forEach((subject, i) => {
      if (!this.canvases[i]) return;
      drawTile(this.canvases[i], subject, probe, state);
      this.captions[i].textContent = captionOf(subject);
    });
    const said = run.said(probe, step), label = run.about.probes.label_texts[probe];
    const share = said && Number.isFinite(said.confidence) ? ` with ${(100 * said.confidence).toFixed(1)} %` : "";
    this.said.textContent = `${run.when(step)}: ${label ? `label ${label}, ` : ""}predicted ${said ? said.predicted + share : "unknown"}`;
    for (const show of this.shows) show(step);
    for (const frame of this.frames) {
      const isNow = frame.step === step;
      if (isNow && !frame.cell.classList.contains("now")) {
        const film = /** @type {HTMLElement} */ (frame.cell.parentElement); // and not the page itself
        film.scrollLeft = frame.cell.offsetLeft - film.offsetLeft - film.clientWidth / 2;
      }
      frame.cell.classList.toggle("now", isNow);
    }
  }

  /** @param {MouseEvent} e @param {number} i @param {number} probe */
  point(e, i, probe) {
    const { run } = this.store, subject = shownBy(this.store)[i];
    const { width, height } = this.canvases[i], size = run.about.probes.image_size;
    const x = Math.max(0, Math.min(width - 1, e.offsetX)), y = Math.max(0, Math.min(height - 1, e.offsetY));
    const found = needs(subject).map((n) => {
      const maps = n.run.known(n.method, n.step), mean = maps?.mean[probe];
      if (!maps || !mean) return null;
      return { value: resized(maps, probe, width, height, maps.max[probe] || 0)[y * width + x], mean };
    });
    const where = size.length === 2
      ? `row ${Math.floor((y * size[0]) / height)}, column ${Math.floor((x * size[1]) / width)}`
      : `${Math.round((100 * x) / width)} % of the width`;
    const told = found.map((f) => (f ? `${figure(f.value)}, ${(f.value / f.mean).toFixed(2)} × the map's mean` : "no map"));
    const less = found.length === 2 && found[0] && found[1]
      ? `; difference ${(found[0].value / found[0].mean - found[1].value / found[1].mean).toFixed(2)} × mean` : "";
    this.pointed.textContent = `${subject.caption || "image"}, ${where}: ${told.join(" and ") || "no map"}${less}`;
  }

  /** @param {HTMLElement} strip @param {number} probe */
  fillStrip(strip, probe) {
    const { run, state } = this.store;
    this.observer.disconnect();
    this.frames = [];
    const height = heightOf(run, probe, FRAME);
    for (const method of state.methods) {
      const cells = run.about.steps[method].map((/** @type {number} */ step) => {
        const canvas = h("canvas", { width: FRAME, height });
        const cell = h("button", { type: "button", className: "frame", onclick: () => this.store.goTo(step) },
                       canvas, h("span", {}, run.when(step)));
        this.frames.push({ canvas, step, method, cell });
        this.observer.observe(cell);
        return cell;
      });
      strip.append(h("div", { className: "film", tabIndex: 0, role: "group", ariaLabel: `${readable(method)}, all epochs` },
                     h("span", { className: "film-name" }, readable(method)), ...cells));
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  async seen(entries) {
    const { run, state } = this.store, probe = state.probe, known = this.known;
    const frames = entries.filter((e) => e.isIntersecting)
      .map((e) => this.frames.find((f) => f.cell === e.target)).filter((f) => f !== undefined);
    for (const method of new Set(frames.map((f) => f.method))) {
      const mine = frames.filter((f) => f.method === method);
      await run.need(method, mine.map((f) => f.step));
      if (probe === null || this.known !== known) return;
      for (const frame of mine) {
        const subject = { kind: "map", run, method, step: frame.step, caption: "" };
        drawTile(frame.canvas, subject, probe, state);
        this.observer.unobserve(frame.cell);
      }
    }
  }

  /** @param {HTMLElement} element @param {number} probe @param {string} known */
  async fillCurves(element, probe, known) {
    const { run, state } = this.store, names = shownStatistics(this.store);
    const range = /** @type {[number, number]} */ ([run.steps[0], run.steps[run.steps.length - 1]]);
    const all = await Promise.all(state.methods.map((m) => run.numbers(m, names.join(",")).catch(() => null)));
    if (this.known !== known) return;
    const width = Math.max(260, Math.min(460, (Math.min(innerWidth, 1560) - 120) / (names.length + 1)));
    /** @param {string} title @param {import("./chart.js").Line[]} lines */
    const make = (title, lines) => chart({
      title, lines, width, range, step: state.epoch ?? range[0], markers: [],
      when: (s) => run.when(s), onPick: (s) => this.store.goTo(s) });
    const made = names.map((name) => make(readable(name), state.methods.flatMap((method, i) => {
      const found = all[i], row = found ? found.names.indexOf(name) : -1;
      if (!found || row < 0) return [];
      const values = found.steps.map((_, s) => found.values[row][s * found.probes + probe]);
      return [{ name: readable(method), steps: found.steps, values, style: `method${run.methods.indexOf(method) % 6}` }];
    })));
    const p = run.predictions, row = p ? p.names.indexOf("confidence") : -1;
    if (p && row >= 0) {
      const values = p.steps.map((_, s) => p.values[row][s * p.probes + probe]);
      made.push(make("confidence", [{ name: "of the prediction", steps: p.steps, values, style: "method0" }]));
    }
    this.shows = made.map((c) => c.show);
    replace(element, ...made.map((c) => c.element));
  }

  /** @param {number} probe */
  async export(probe) {
    const button = /** @type {HTMLButtonElement} */ (this.element.querySelector(".export"));
    button.disabled = true;
    button.textContent = "Drawing …";
    try {
      save(await evolution(this.store, probe), `${this.store.run.about.probes.names[probe]}.png`);
    } catch (error) {
      this.pointed.textContent = messageOf(error);
    } finally {
      button.disabled = false;
      button.textContent = "Export animation";
    }
  }
}
