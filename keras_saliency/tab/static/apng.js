// Animated PNG: the frames' own PNG files, their chunks put one after the other.
// https://www.w3.org/TR/png-3/#apng-frame-based-animation

const CRCS = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** @param {Uint8Array} bytes */
function crc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRCS[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** @param {string} kind @param {Uint8Array} content */
function chunk(kind, content) {
  const out = new Uint8Array(12 + content.length), view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) out[4 + i] = kind.charCodeAt(i);
  out.set(content, 8);
  view.setUint32(8 + content.length, crc(out.subarray(4, 8 + content.length)));
  return out;
}

/** @param {Uint8Array} png @returns {{kind: string, content: Uint8Array}[]} */
function chunksOf(png) {
  const view = new DataView(png.buffer, png.byteOffset), found = [];
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...png.subarray(at + 4, at + 8));
    found.push({ kind, content: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return found;
}

/**
 * @param {Uint8Array[]} frames PNG files of one size
 * @param {number} seconds of each frame
 * @returns {Blob}
 */
export function animate(frames, seconds) {
  const first = chunksOf(frames[0]);
  const header = first.filter((c) => c.kind === "IHDR")[0].content;
  const size = new DataView(header.buffer, header.byteOffset);
  const out = [frames[0].slice(0, 8), chunk("IHDR", header)];
  out.push(chunk("acTL", numbers([[4, frames.length], [4, 0]])));
  let sequence = 0;
  frames.forEach((frame, i) => {
    const delay = i === frames.length - 1 ? 3 * seconds : seconds; // a rest at the end
    out.push(chunk("fcTL", numbers([
      [4, sequence++], [4, size.getUint32(0)], [4, size.getUint32(4)], [4, 0], [4, 0],
      [2, Math.round(1000 * delay)], [2, 1000], [1, 0], [1, 0],
    ])));
    for (const { kind, content } of chunksOf(frame)) {
      if (kind !== "IDAT") continue;
      if (i === 0) out.push(chunk("IDAT", content));
      else {
        const data = new Uint8Array(4 + content.length);
        new DataView(data.buffer).setUint32(0, sequence++);
        data.set(content, 4);
        out.push(chunk("fdAT", data));
      }
    }
  });
  out.push(chunk("IEND", new Uint8Array()));
  return new Blob(/** @type {BlobPart[]} */ (out), { type: "image/png" });
}

/** Big-endian numbers of so many bytes. @param {[number, number][]} parts */
function numbers(parts) {
  const out = new Uint8Array(parts.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of parts) {
    for (let k = bytes - 1; k >= 0; k--) out[at++] = (value >>> (8 * k)) & 0xff;
  }
  return out;
}
