// Where answers come from: TensorBoard's server, or the report's own file.

/**
 * @typedef {object} Source
 * @property {(name: string, query?: Record<string, string>) => Promise<any>} json
 * @property {(name: string, query?: Record<string, string>) => Promise<Uint8Array>} bytes
 * @property {boolean} isLive whether more may come
 * @property {number} together how many epochs are asked for at once
 * @property {string} note what a reader must know of the source, or ""
 */

/** @returns {Source} */
export function serverSource() {
  /** @param {string} name @param {Record<string, string>} query */
  async function ask(name, query = {}) {
    const answer = await fetch(`./data/${name}?${new URLSearchParams(query)}`);
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      throw new Error(told.error || `TensorBoard answers ${answer.status}`);
    }
    return answer;
  }
  return {
    json: async (name, query) => (await ask(name, query)).json(),
    bytes: async (name, query) => new Uint8Array(await (await ask(name, query)).arrayBuffer()),
    isLive: true,
    together: 2, // more at once in several questions, which TensorBoard answers side by side
    note: "",
  };
}

/**
 * @param {{answers: Record<string, string>, note: string}} report base64 by question
 * @returns {Source}
 */
export function reportSource(report) {
  /** @param {string} name @param {Record<string, string>} query */
  async function bytes(name, query = {}) {
    const found = report.answers[question(name, query)];
    if (found === undefined) throw new Error(`This report has no ${name} ${Object.values(query).join(" ")}`);
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
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return { head, body: bytes.subarray(4 + length) };
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
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > length) throw new Error("These maps are damaged: they are longer than they say.");
    out.set(value, at);
    at += value.length;
  }
  if (at < length) throw new Error("These maps are damaged: they are cut off.");
  return out;
}

/** @param {Uint8Array} bytes little-endian float32 @returns {Float32Array} */
export function floats(bytes) {
  return new Float32Array(bytes.slice().buffer);
}
