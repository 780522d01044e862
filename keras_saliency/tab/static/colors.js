// Colours by value. Anchors at equal distances, mixed linearly in between. Viridis and inferno are of
// matplotlib (CC0), turbo is of Google (Apache-2.0); the values are those of OpenCV's tables.

/** @type {Record<string, string>} */
const ANCHORS = {
  viridis:
    "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e" +
    "21918c1f978b1f9f8821a68527ad8131b57b3dbc744cc26c5cc8636ece5881d34d95d840aadc32c0df25d5e21aeae51afde725",
  inferno:
    "0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e7d1e6d8a226a972766a32c61b0315b" +
    "bc3754c63d4dd04545da4e3ce35933eb6429f1711ff67e14f98c0afb9b06fcaa0ffbba1ff9c932f5d949f2e865f3f586fcffa4",
  turbo:
    "30123b392a734040a24456c7466be34680f64294ff37a8fa28bceb1ccdd818ddc21fe9af32f2984ef97d6dfe628bff4b" +
    "a4fc3cb7f735cbed34dde037ecd13af7c13afdae35fe992cfb8122f56918ec530fe14109d23105c12302ac1701950d017a0403",
  gray:
    "000000080808101010181818202020282828303030383838404040484848505050585858606060686868707070787878" +
    "8080808787878f8f8f9797979f9f9fa7a7a7afafafb7b7b7bfbfbfc7c7c7cfcfcfd7d7d7dfdfdfe7e7e7efefeff7f7f7ffffff",
  // Blue, grey white, orange: told apart with any kind of colour vision.
  difference: "1f4e9c3f74bd7fa3d7b9cbe6f2f2f2f3cfaeeba36bd8742fa84a0c",
};

/** Names of the colour maps; the first is the default. */
export const COLORMAPS = ["viridis", "inferno", "turbo", "gray"];

/** @type {Map<string, Uint8Array>} */
const tables = new Map();

/**
 * 256 colours.
 * @param {string} name
 * @returns {Uint8Array} red, green, blue of each
 */
export function table(name) {
  let found = tables.get(name);
  if (!found) {
    const anchors = ANCHORS[name] || ANCHORS.viridis, last = anchors.length / 6 - 1;
    const most = name === "difference" ? 254 : 255; // an odd number of colours has one for zero
    found = new Uint8Array(768);
    for (let i = 0; i < 768; i++) {
      const place = Math.min(1, Math.floor(i / 3) / most) * last, low = Math.min(last - 1, Math.floor(place));
      /** @param {number} n */
      const level = (n) => parseInt(anchors.substr(n * 6 + (i % 3) * 2, 2), 16);
      found[i] = Math.round(level(low) + (place - low) * (level(low + 1) - level(low)));
    }
    tables.set(name, found);
  }
  return found;
}

/** A CSS gradient of a colour map. @param {string} name */
export function gradient(name) {
  const t = table(name), stops = [];
  for (let i = 0; i < 256; i += 15) stops.push(`rgb(${t[i * 3]},${t[i * 3 + 1]},${t[i * 3 + 2]})`);
  return `linear-gradient(to right, ${stops.join(",")})`;
}
