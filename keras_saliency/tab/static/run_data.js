// What is known of one run: asked for when it is needed, and kept.

import { floats, inflate, unpack } from "./source.js";

/** @typedef {import("./source.js").Source} Source */

/**
 * The maps of one method at one epoch, coded as `schema.py` says.
 * @typedef {object} Maps
 * @property {number} step
 * @property {[number, number, number]} shape
 * @property {(number|null)[]} max
 * @property {(number|null)[]} mean
 * @property {number[]} empty
 * @property {Uint8Array} codes
 */

/**
 * Numbers of all epochs: values[row][step * probes + probe].
 * @typedef {object} Numbers
 * @property {string[]} names
 * @property {number[]} steps
 * @property {number} probes
 * @property {Float32Array[]} values
 */

/** @typedef {{run: string, tag: string, steps: number[], values: (number|null)[]}} Series */

const MOST_BYTES = 256 * 2 ** 20; // of codes that are kept

/** A row of numbers at an epoch. @param {Numbers|undefined|null} numbers @param {string} name @param {number} step
 *  @returns {Float32Array|null} one of each probe */
export function rowAt(numbers, name, step) {
  const row = numbers ? numbers.names.indexOf(name) : -1, at = numbers ? numbers.steps.indexOf(step) : -1;
  if (!numbers || row < 0 || at < 0) return null;
  return numbers.values[row].subarray(at * numbers.probes, (at + 1) * numbers.probes);
}

/** One run. */
export class RunData {
  /** @param {Source} source @param {string} name */
  constructor(source, name) {
    this.source = source;
    this.name = name;
    /** @type {any} */ this.about = null;
    /** @type {ImageBitmap[]} */ this.pictures = [];
    /** @type {Map<string, Maps>} */ this.maps = new Map();
    /** @type {Map<string, Promise<void>>} */ this.asked = new Map();
    /** @type {Map<string, Promise<Numbers>>} */ this.numbersAsked = new Map();
    /** @type {Numbers|null} */ this.predictions = null;
    /** @type {Map<string, Promise<Series>>} */ this.seriesAsked = new Map();
    /** @type {Map<string, string>} */ this.evidenceAddresses = new Map();
    /** @type {Map<string, Float32Array>} */ this.maxima = new Map();
    /** @type {import("./outline.js").Objects|null} */ this.objects = null;
    this.bytes = 0;
  }

  /** Reads what is needed at first. */
  async open() {
    const query = { run: this.name };
    const [about, predictions, pictures] = await Promise.all([
      this.source.json("run", query),
      this.numbers("").catch(() => null),
      this.source.bytes("pictures", query),
    ]);
    this.about = about;
    this.predictions = predictions;
    const { head, body } = unpack(pictures);
    let start = 0;
    this.pictures = await Promise.all(head.sizes.map((/** @type {number} */ size) => {
      const part = body.slice(start, (start += size));
      return createImageBitmap(new Blob([part]));
    }));
    if (head.objects) { // logs of older versions have none
      const [n, rows, columns] = head.objects.shape;
      const bits = await inflate(body.subarray(start), Math.ceil((n * rows * columns) / 8));
      this.objects = { ...head.objects, bits, paths: new Map() };
    }
    return this;
  }

  /** Reads anew what grows; maps that are known are kept. */
  async refresh() {
    this.numbersAsked.clear();
    this.seriesAsked.clear();
    this.maxima.clear();
    const before = this.steps;
    this.about = await this.source.json("run", { run: this.name });
    this.predictions = await this.numbers("").catch(() => null);
    if (!before.every((step) => this.steps.includes(step))) { // trained again from an earlier epoch on
      this.maps.clear();
      this.bytes = 0;
    }
  }

  /** @returns {string[]} */
  get methods() {
    return Object.keys(this.about.steps);
  }

  /** All epochs of all methods, ascending. @returns {number[]} */
  get steps() {
    const all = new Set(/** @type {number[]} */ (Object.values(this.about.steps).flat()));
    return [...all].sort((a, b) => a - b);
  }

  /** The method's epoch that is shown at an epoch: itself, or the last before it.
   *  @param {string} method @param {number} step @returns {number|null} */
  stepOf(method, step) {
    const steps = this.about.steps[method] || [];
    let found = null;
    for (const s of steps) if (s <= step) found = s;
    return found ?? steps[0] ?? null;
  }

  /** @param {number} step */
  when(step) {
    return step === this.about.probes.start ? "start" : `epoch ${step + 1}`;
  }

  /** @param {string} method @param {number} step @returns {Maps|undefined} */
  known(method, step) {
    const found = this.maps.get(`${step} ${method}`);
    if (found) { // used last
      this.maps.delete(`${step} ${method}`);
      this.maps.set(`${step} ${method}`, found);
    }
    return found;
  }

  /** Sees to it that maps are known. @param {string} method @param {number[]} steps */
  async need(method, steps) {
    const missing = steps.filter((s) => !this.maps.has(`${s} ${method}`) && !this.asked.has(`${s} ${method}`));
    for (let i = 0; i < missing.length; i += this.source.together) {
      const some = missing.slice(i, i + this.source.together);
      const asked = this.fetchMaps(method, some);
      for (const s of some) {
        const key = `${s} ${method}`;
        this.asked.set(key, asked.finally(() => this.asked.delete(key)));
      }
    }
    await Promise.all(steps.map((s) => this.asked.get(`${s} ${method}`)));
  }

  /** @param {string} method @param {number[]} steps */
  async fetchMaps(method, steps) {
    const query = { run: this.name, method, steps: steps.join(",") };
    const { head, body } = unpack(await this.source.bytes("maps", query));
    let start = 0;
    await Promise.all(head.maps.map(async (/** @type {any} */ part) => {
      const one = unpack(body.subarray(start, (start += part.size)));
      const [n, rows, columns] = one.head.shape;
      const codes = await inflate(one.body, n * rows * columns);
      this.maps.set(`${part.step} ${method}`, { ...one.head, step: part.step, codes });
      this.bytes += codes.length;
    }));
    for (const [key, old] of this.maps) {
      if (this.bytes <= MOST_BYTES) break;
      this.maps.delete(key);
      this.bytes -= old.codes.length;
    }
  }

  /** Numbers of a method, or the predictions. @param {string} method @param {string} [names]
   *  @returns {Promise<Numbers>} */
  numbers(method, names) {
    if (!this.source.isLive) names = undefined; // a report has them all, in one answer
    const key = `${method} ${names || ""}`;
    let asked = this.numbersAsked.get(key);
    if (!asked) {
      /** @type {Record<string, string>} */
      const query = { run: this.name };
      if (method) query.method = method;
      if (names) query.names = names;
      asked = this.source.bytes("numbers", query).then((bytes) => {
        const { head, body } = unpack(bytes);
        const all = floats(body), size = head.steps.length * head.probes;
        const values = head.names.map((/** @type {string} */ _, /** @type {number} */ i) =>
          all.subarray(i * size, (i + 1) * size));
        return { ...head, values };
      });
      this.numbersAsked.set(key, asked);
    }
    return asked;
  }

  /** Sees to it that each probe's largest value of all epochs is known. @param {string} method */
  async needMaxima(method) {
    if (this.maxima.has(method)) return;
    const numbers = await this.numbers(method, "map_maximum");
    const most = new Float32Array(numbers.probes);
    for (const step of numbers.steps) {
      rowAt(numbers, "map_maximum", step)?.forEach((v, p) => (most[p] = Math.max(most[p], v || 0)));
    }
    this.maxima.set(method, most);
  }

  /** @param {string} run @param {string} tag @returns {Promise<Series>} */
  series(run, tag) {
    const key = `${run}\n${tag}`;
    let asked = this.seriesAsked.get(key);
    if (!asked) {
      asked = this.source
        .json("scalars", { run: this.name, series: JSON.stringify([[run, tag]]) })
        .then((answer) => answer.series[0]);
      this.seriesAsked.set(key, asked);
    }
    return asked;
  }

  /** Address of a finding's picture. @param {number} number @returns {Promise<string>} */
  async evidence(number) {
    const key = String(number);
    let address = this.evidenceAddresses.get(key);
    if (!address) {
      const bytes = await this.source.bytes("evidence", { run: this.name, number: key });
      address = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (bytes)]));
      this.evidenceAddresses.set(key, address);
    }
    return address;
  }

  /** What is said of a probe at an epoch. @param {number} probe @param {number} step
   *  @returns {{predicted: string, confidence: number, correct: boolean|null, code: number}|null} */
  said(probe, step) {
    if (!this.predictions || !this.predictions.steps.includes(step)) return null;
    /** @param {string} name */
    const row = (name) => rowAt(this.predictions, name, step)?.[probe] ?? NaN;
    const code = row("predicted"), correct = row("correct");
    if (Number.isNaN(code)) {
      return { predicted: `score ${row("score").toPrecision(3)}`, confidence: NaN, correct: null, code: NaN };
    }
    return {
      predicted: this.classText(code),
      confidence: row("confidence"),
      correct: Number.isNaN(correct) ? null : correct > 0.5,
      code,
    };
  }

  /** @param {number|null} index */
  classText(index) {
    const names = this.about.probes.class_names;
    return names && index !== null && names[index] !== undefined ? names[index] : String(index);
  }
}
