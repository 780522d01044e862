// Where answers come from: TensorBoard's server, or the report's own file.

/**
 * @typedef {object} Source
 * @property {(name: string, query?: Record<string, string>) => Promise<any>} json
 * @property {(name: string, query?: Record<string, string>) => Promise<Uint8Array>} bytes
 * @property {boolean} isLive whether more may come
 * @property {number} together how many epochs are asked for at once
 * @property {string} note what a reader must know of the source, or ""
 */

/** A failure that the page explains in its own words. */
export class Trouble extends Error {
  /** @param {string} text @param {boolean} [isPassing] whether asking again may help */
  constructor(text, isPassing = false) {
    super(text);
    this.isPassing = isPassing;
  }
}

/** What is said of a failure: never the browser's own words. @param {unknown} error @returns {string} */
export function messageOf(error) {
  if (error instanceof Trouble) return error.message;
  console.error(error); // for whoever reports it
  return "A part of this page has failed. Reload it; if that does not help, please report what the console says.";
}

/** @returns {Source} */
export function serverSource() {
  /** @template T @param {string} name @param {Record<string, string>} query
   *  @param {(answer: Response) => Promise<T>} read @returns {Promise<T>} */
  async function ask(name, query, read) {
    const answer = await fetch(`./data/${name}?${new URLSearchParams(query)}`).catch(() => null);
    if (!answer) throw new Trouble("TensorBoard does not answer.", true);
    if (!answer.ok) {
      const told = await answer.json().catch(() => null);
      const text = typeof told?.error === "string" ? `${told.error}.` : `TensorBoard answers with code ${answer.status}.`;
      throw new Trouble(text, answer.status >= 500);
    }
    return read(answer).catch(() => {
      throw new Trouble("TensorBoard's answer is cut off, or of another program.", true);
    });
  }
  return {
    json: (name, query = {}) => ask(name, query, (answer) => answer.json()),
    bytes: (name, query = {}) => ask(name, query, async (answer) => new Uint8Array(await answer.arrayBuffer())),
    isLive: true,
    together: 2, // more at once in several questions, which TensorBoard answers side by side
    note: "",
  };
}

/**
 * @param {{answers: Record<string, string>, errors: Record<string, string>, note: string}} report base64, or why
 *   there is none, by question
 * @returns {Source}
 */
export function reportSource(report) {
  /** @param {string} name @param {Record<string, string>} query */
  async function bytes(name, query = {}) {
    const asked = question(name, query), found = report.answers[asked];
    if (found === undefined) throw new Trouble(`${report.errors[asked] || "This report does not have it"}.`);
    const text = atob(found);
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  }
  return {
    bytes,
    json: async (name, query) => JSON.parse(new TextDecoder().decode(await bytes(name, query))),
    isLive: false,
    together: 1,
    note: report.note,
  };
}

/** @param {string} name @param {Record<string, string>} query as `report.py` writes it */
function question(name, query) {
  return JSON.stringify([name, ...Object.keys(query).sort().map((key) => [key, query[key]])]);
}

/**
 * Takes a packed answer apart.
 * @param {Uint8Array} bytes
 * @returns {{head: any, body: Uint8Array}}
 */
export function unpack(bytes) {
  const damaged = new Trouble("This answer is cut off, or of another program.");
  if (bytes.length < 4) throw damaged;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (bytes.length < 4 + length) throw damaged;
  try {
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    return { head, body: bytes.subarray(4 + length) };
  } catch {
    throw damaged;
  }
}

/**
 * @param {Uint8Array} bytes zlib's format
 * @param {number} length that there must be
 */
export async function inflate(bytes, length) {
  const stream = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const out = new Uint8Array(length), reader = stream.getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Trouble("These maps are damaged.");
    });
    if (done) break;
    if (at + value.length > length) throw new Trouble("These maps are damaged: they are longer than they say.");
    out.set(value, at);
    at += value.length;
  }
  if (at < length) throw new Trouble("These maps are damaged: they are cut off.");
  return out;
}

/** @param {Uint8Array} bytes little-endian float32 @returns {Float32Array} */
export function floats(bytes) {
  return new Float32Array(bytes.slice().buffer);
}
