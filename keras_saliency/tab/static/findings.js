// What the detectors have found: a card for each alert, with the picture that proves it.

import { h, readable, replace } from "./dom.js";
import { labelIssues } from "./label_issues.js";

const ORDER = ["alert", "suspect", "hint", "unknown"];
/** @type {Record<string, string>} */
const MEANS = {
  alert: "proven by a swap at two checks in a row",
  suspect: "seen at one check, or in what may be part of the object: a dependence, and no warning",
  hint: "a statistic moved; nothing is proven", // in runs of older versions
  unknown: "of a kind that this version does not know",
};

/** What a finding is called: its detector and class. @param {any} f @param {import("./run_data.js").RunData} run */
export function titleOf(f, run) {
  return `${readable(f.detector || "unnamed detector")}${f.class_index === null ? "" : `, ${run.classText(f.class_index)}`}`;
}

/** The cards. */
export class Findings {
  /** @param {import("./store.js").Store} store @param {(address: string, text: string) => void} enlarge */
  constructor(store, enlarge) {
    this.store = store;
    this.enlarge = enlarge;
    this.element = h("aside", { className: "findings", ariaLabel: "Findings" });
    this.known = "";
  }

  sync() {
    const { run } = this.store;
    /** @type {any[]} */
    const all = run.about.findings;
    /** @type {string[]} */
    const lines = run.about.tested ?? []; // none in runs of older versions
    const known = JSON.stringify([run.name, all.length, lines, run.about.labels]);
    if (known === this.known) return;
    this.known = known;
    const of = (/** @type {string} */ severity) => all.filter((f) => f.severity === severity).reverse();
    const [alerts, suspects, hints, others] = ORDER.map(of);
    const said = lines.length ? lines
      : ["Silence does not exclude a shortcut: see saliency/summary under Text for what was tested."];
    const tested = said.map((line) => h("p", { className: "calm" }, line));
    const none = [h("p", { className: "calm" }, "No alert."), ...tested];
    const behind = h("details", {}, h("summary", {}, "What was tested"), h("div", {}, ...tested));
    replace(
      this.element,
      h("h2", {}, alerts.length ? `${alerts.length} alert${alerts.length > 1 ? "s" : ""}` : "Findings"),
      ...(alerts.length ? [] : none),
      ...alerts.map((f) => this.card(f)),
      this.more("suspect", suspects, alerts.length > 0),
      this.more("hint", hints, alerts.length > 0),
      this.more("unknown", others, alerts.length > 0),
      labelIssues(this.store),
      alerts.length ? behind : null,
    );
  }

  /** @param {"suspect"|"hint"|"unknown"} severity @param {any[]} found @param {boolean} hasAlerts */
  more(severity, found, hasAlerts) {
    if (!found.length) return null;
    const kind = severity === "unknown" ? "other finding" : severity;
    const name = `${found.length} ${kind}${found.length > 1 ? "s" : ""}`;
    const list = h("div", {});
    const open = severity === "suspect" && !hasAlerts; // nothing else is there to be read
    const fold = h("details", { open, ontoggle: () => {
      if (fold.open && !list.childElementCount) replace(list, ...found.map((f) => this.card(f)));
    } }, h("summary", { title: MEANS[severity] }, name), list);
    return fold;
  }

  /** @param {any} f */
  card(f) {
    const { run } = this.store;
    const hasLoss = typeof f.accuracy_loss === "number" && Array.isArray(f.loss_interval);
    const facts = hasLoss ? [] : shares(f);
    const adoption = hasLoss && f.adoption !== null && f.class_index !== null
      ? `Predicted as ${run.classText(f.class_index)} after the swap: ${percent(f.adoption)}; ` +
        `with donors of their own class: ${percent(f.control ?? 0)}.` : "";
    const counts = f.num_pairs ? `${f.num_pairs} pairs, ${f.num_donors} donors` : "";
    const picture = f.has_picture ? this.picture(f) : null;
    const probes = this.store.selection.of(f);
    const about = run.about.probes;
    const shown = h("div", { className: "probes" }, ...probes.slice(0, 12).map((p) =>
      h("button", { type: "button", className: "link", onclick: () => this.store.set({ probe: p, ...this.epochOf(f) }) },
        about.names[p])),
      probes.length > 12 && h("span", {}, `and ${probes.length - 12} more`));
    return h(
      "article",
      { className: `finding ${f.severity}`, "data-number": f.number, tabIndex: -1 },
      h("header", {}, h("strong", { title: MEANS[f.severity] }, f.severity === "unknown" ? "finding" : f.severity),
        h("span", {}, titleOf(f, run)),
        f.epoch === null ? run.when(null)
          : h("button", { type: "button", className: "link", onclick: () => this.store.goTo(f.epoch) }, run.when(f.epoch))),
      h("p", { className: "sentence" }, f.message),
      hasLoss && lossBar(f.accuracy_loss, f.loss_interval),
      adoption && h("p", { className: "counts" }, adoption),
      facts.length > 0 && h("dl", {}, ...facts.flatMap(([name, text, value, kind]) => [
        h("dt", {}, name),
        h("dd", {}, h("i", { className: kind, style: `width:${Math.round(100 * Number(value))}%` }), h("b", {}, text))])),
      counts && h("p", { className: "counts" }, counts,
                  f.since_epoch === f.epoch ? "" : `; since ${run.when(f.since_epoch)}`),
      picture,
      probes.length > 0 && h("p", { className: "counts" }, `${probes.length} probes carry it or show it best:`),
      probes.length > 0 && shown,
      probes.length > 0 && h("button", { type: "button", className: "action",
        onclick: () => this.showProbes(f) }, "Show them in the grid"),
    );
  }

  /** Shows a finding's probes, all of them and no others. @param {any} f */
  showProbes(f) {
    this.store.isPlaying = false;
    this.store.set({ only: "finding", finding: f.number, label: "", group: "", ...this.epochOf(f) });
  }

  /** The epoch of a finding, where it says one. @param {any} f */
  epochOf(f) {
    return f.epoch === null ? {} : { epoch: this.store.stepNear(f.epoch) };
  }

  /** @param {any} f */
  picture(f) {
    const image = h("img", { alt: `Recipients before and after the swap: ${f.message}`, loading: "lazy" });
    const open = h("button", { type: "button", className: "picture", title: "Enlarge",
                               onclick: () => this.enlarge(image.src, image.alt) }, image);
    image.addEventListener("error", () => open.replaceWith(unseen()));
    this.store.run.evidence(f.number).then((address) => (image.src = address), () => open.replaceWith(unseen()));
    return open;
  }

  /** @param {any} f */
  show(f) {
    const card = /** @type {HTMLElement|null} */ (this.element.querySelector(`[data-number="${Number(f.number)}"]`));
    card?.scrollIntoView({ block: "nearest" });
    card?.focus({ preventScroll: true });
  }
}

/** What stands in the place of a picture that cannot be shown. */
function unseen() {
  return h("p", { className: "counts" }, "The picture of this finding cannot be read.");
}

/** What stands in the place of an accuracy loss: in runs of older versions, and of groups.
 *  @param {any} f @returns {[string, string, number, string][]} name, text, share, class */
function shares(f) {
  const names = f.detector === "groups" ? ["wrong, this group", "wrong, best group"] : ["adoption", "control"];
  /** @type {[string, string, number, string][]} */
  const found = [];
  if (f.adoption !== null) found.push([names[0], percent(f.adoption), f.adoption, "adopted"]);
  if (f.control !== null) found.push([names[1], percent(f.control), f.control, "controlled"]);
  return found;
}

/** How much accuracy depends on it, on a scale of 0 to 100 points.
 *  @param {number} loss @param {[number, number]} interval */
function lossBar(loss, [low, high]) {
  const at = (/** @type {number} */ share) => 100 * Math.max(0, Math.min(1, share));
  const [points, from, to] = [loss, low, high].map((share) => Math.round(100 * share));
  const text = `${points} points of accuracy, 95 % interval ${from} to ${to}`;
  return h("div", { className: "loss" },
    h("div", { className: "scale", title: "0 to 100 points" },
      h("i", { className: "interval", style: `left:${at(low)}%;width:${at(high) - at(low)}%` }),
      h("i", { className: "estimate", style: `left:${at(loss)}%` })),
    h("p", {}, text));
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}
