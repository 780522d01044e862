// The outline of an object.

/**
 * Objects of all probes of a run, as `schema.py` codes them.
 * @typedef {object} Objects
 * @property {boolean} found whether the program has found them, or else they were given
 * @property {[number, number, number]} shape
 * @property {Uint8Array} bits
 * @property {Map<number, Path2D>} paths those that were asked for, in pixels of the mask
 */

/** Strokes: a wide dark one below, so that the light one is seen on any picture. */
const STROKES = [{ width: 3, color: "rgb(0 0 0 / 55%)" }, { width: 1.25, color: "#fff" }];
const DASHES = [4, 3]; // of objects that the program has found

/** Draws the outline of a probe's object, if it has one.
 *  @param {CanvasRenderingContext2D} context @param {Objects} objects @param {number} probe */
export function paintOutline(context, objects, probe) {
  const { width, height } = context.canvas, [, rows, columns] = objects.shape;
  let path = objects.paths.get(probe);
  if (!path) objects.paths.set(probe, (path = contour(objects, probe)));
  const scaled = new Path2D();
  scaled.addPath(path, { a: width / columns, d: height / rows });
  context.save();
  for (const { width: lineWidth, color } of STROKES) {
    context.lineWidth = lineWidth;
    context.strokeStyle = color;
    context.stroke(scaled);
    context.setLineDash(objects.found ? DASHES : []);
  }
  context.restore();
}

/** Closed lines along the edges of a mask's pixels, the mask to the right.
 *  @param {Objects} objects @param {number} probe @returns {Path2D} */
function contour({ shape: [, rows, columns], bits }, probe) {
  const start = probe * rows * columns, wide = columns + 1;
  const isIn = (/** @type {number} */ y, /** @type {number} */ x) => {
    const i = start + y * columns + x;
    return y >= 0 && x >= 0 && y < rows && x < columns && (bits[i >> 3] >> (7 - (i & 7))) & 1;
  };
  /** @type {Map<number, number[]>} */
  const next = new Map(); // from corner to corner
  const add = (/** @type {number} */ from, /** @type {number} */ to) => {
    const ends = next.get(from);
    if (ends) ends.push(to);
    else next.set(from, [to]);
  };
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      if (!isIn(y, x)) continue;
      const corner = y * wide + x;
      if (!isIn(y - 1, x)) add(corner, corner + 1);
      if (!isIn(y, x + 1)) add(corner + 1, corner + 1 + wide);
      if (!isIn(y + 1, x)) add(corner + 1 + wide, corner + wide);
      if (!isIn(y, x - 1)) add(corner + wide, corner);
    }
  }
  const path = new Path2D();
  for (const first of next.keys()) {
    for (let at = first; next.get(at)?.length; ) {
      path.moveTo(at % wide, Math.floor(at / wide));
      for (let ends = next.get(at); ends?.length; ends = next.get(at)) {
        at = /** @type {number} */ (ends.pop());
        path.lineTo(at % wide, Math.floor(at / wide));
      }
    }
  }
  return path;
}
