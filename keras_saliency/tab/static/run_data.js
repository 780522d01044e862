// What is known of one run: asked for when it is needed, and kept.

import { floats, inflate, messageOf, Trouble, unpack } from "./source.js";

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
    /** @type {(ImageBitmap|null)[]} */ this.pictures = []; // null where one cannot be shown
    /** @type {Map<string, Maps>} */ this.maps = new Map();
    /** @type {Map<string, Promise<void>>} */ this.asked = new Map();
    /** @type {Map<string, {text: string, isPassing: boolean}>} */ this.failures = new Map(); // of maps
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
      return size ? createImageBitmap(new Blob([part])).catch(() => null) : null;
    }));
    if (head.objects) { // logs of older versions have none
      const [n, rows, columns] = head.objects.shape;
      const bits = await inflate(body.subarray(start), Math.ceil((n * rows * columns) / 8)).catch(() => null);
      this.objects = bits && { ...head.objects, bits, paths: new Map() };
    }
    return this;
  }

  /** Reads anew what grows; maps that are known are kept. */
  async refresh() {
    this.numbersAsked.clear();
    this.seriesAsked.clear();
    this.maxima.clear();
    this.failures.clear();
    const before = this.steps, { fingerprint } = this.about.probes;
    this.about = await this.source.json("run", { run: this.name });
    this.predictions = await this.numbers("").catch(() => null);
    const isAnother = this.about.probes.fingerprint !== fingerprint;
    if (isAnother || !before.every((step) => this.steps.includes(step))) { // trained again from an earlier epoch on
      this.maps.clear();
      this.bytes = 0;
    }
    if (isAnother) await this.open();
  }

  /** Has maps asked for again that TensorBoard did not answer for. */
  forgetFailures() {
    for (const [key, { isPassing }] of this.failures) if (isPassing) this.failures.delete(key);
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

  /** Whether a method has maps at an epoch. @param {string} method @param {number} step */
  has(method, step) {
    return this.methods.includes(method) && this.about.steps[method].includes(step);
  }

  /** Width over height of a probe. @param {number} probe */
  shapeOf(probe) {
    const picture = this.pictures[probe], size = this.about.probes.image_size;
    if (picture) return picture.width / picture.height;
    return size.length > 1 ? size[size.length - 1] / size[size.length - 2] : 1;
  }

  /** @param {number|null} step */
  when(step) {
    if (step === null) return "unknown epoch";
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

  /** Why the maps of an epoch cannot be read, or "". @param {string} method @param {number} step */
  failure(method, step) {
    return this.failures.get(`${step} ${method}`)?.text || "";
  }

  /** Sees to it that maps are known, or why they are not. @param {string} method @param {number[]} steps */
  async need(method, steps) {
    const isAsked = (/** @type {number} */ s) =>
      [this.maps, this.asked, this.failures].some((known) => known.has(`${s} ${method}`));
    const missing = steps.filter((s) => this.has(method, s) && !isAsked(s));
    for (let i = 0; i < missing.length; i += this.source.together) {
      const some = missing.slice(i, i + this.source.together);
      const asked = this.fetchMaps(method, some).catch((error) => {
        const text = messageOf(error), isPassing = error instanceof Trouble && error.isPassing;
        for (const s of some) this.failures.set(`${s} ${method}`, { text, isPassing });
      });
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
      const content = body.subarray(start, (start += part.size)), key = `${part.step} ${method}`;
      if (part.error) {
        this.failures.set(key, { text: `${part.error}.`, isPassing: false });
        return;
      }
      const one = unpack(content), [n, rows, columns] = one.head.shape;
      const codes = await inflate(one.body, n * rows * columns);
      this.maps.set(key, { ...one.head, step: part.step, codes });
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
    const numbers = await this.numbers(method, "map_maximum").catch(() => null);
    const most = new Float32Array(numbers?.probes || 0);
    for (const step of numbers?.steps || []) {
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
    const code = row("predicted"), correct = row("correct"), score = row("score");
    if (Number.isNaN(code)) {
      if (Number.isNaN(score)) return null;
      return { predicted: `score ${score.toPrecision(3)}`, confidence: NaN, correct: null, code: NaN };
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
