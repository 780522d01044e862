"""JPEG: how strongly an image was compressed, compressing it, and undoing its blocks.

Images here are float32 (H, W, C) in whole grey levels, 0 … 255, grey or RGB.
"""

import numpy as np

from keras_saliency._utils.opencv import cv2

BLOCK = 8  # pixels, the side of a JPEG block

# The luminance table of the standard at quality 50 (ITU-T T.81, annex K.1).
_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_CANDIDATES = np.array([*range(3, 30), *range(30, 98, 2)])
_MAX_BLOCKS, _MAX_COEFFICIENTS = 64, 512  # read of one image
_APART = 32  # coefficients of means: nearer ones are one flat background's
_LEAST = 2  # grey levels: smaller coefficients may be rounding
_ROUNDING = 0.5  # deviation of a coefficient, from rounding pixels to whole grey levels
# Deviation of a coefficient from its step, as a share of the step: from the tables of other
# qualities nearby, and, where pixels are black or white, because decoding cuts ringing off.
_SPREAD, _SPREAD_CUT = 0.07, 0.22
_OUTLIERS = 0.2  # share of the coefficients that may have any value
_LEAST_EVIDENCE = 3  # nats by which quantised must be likelier than not
_STRONGEST, _MAX_STEP = 1, 255  # the quality whose steps are all as large as a table's may be
_FIXED_SHARE = 0.3  # of what the strongest compression changes by another grid; others: over 0.55
_LEAST_CHANGE = 1.0  # grey levels: what changes less by any grid is flat
_LEAST_OF_FLAT = 0.25  # grey levels: flat images of other values than the table's change more


def compression_level(image: np.ndarray) -> float:
    """Returns how coarsely JPEG quantised an image, in octaves; 0 where no trace is found.

    log2(1 + q), with q the first step of the luminance table: 1.4 at quality 95, 4.1 at 50, 7.3
    at 5, and 8 at 3 and less. See `jpeg_quality`.
    """
    return level_of_quality(jpeg_quality(image))


def level_of_quality(quality: int) -> float:
    """Returns the compression level of a JPEG quality, 1 … 100; 0 for 100."""
    if quality == 100:
        return 0.0
    return float(np.log2(1 + min(_MAX_STEP, _TABLE[0, 0] * _table_scale(np.array(quality)))))


def jpeg_quality(image: np.ndarray) -> int:
    """Estimates the quality at which an image was JPEG-compressed; 100 where no trace is found.

    A compressed image's DCT coefficients are multiples of the steps of its quantisation table.
    For each of 61 qualities, the likelihood of the coefficients as such multiples (normal errors
    of rounding, a fifth of outliers) is compared with that of any value within a step. Small
    coefficients are no evidence: those of a blurred image are small as well. The grid must start
    at the first pixel: after cropping or resizing, no trace is found.

    The strongest compressions leave few coefficients. But compressing such an image once more
    changes hardly anything, unless the grid is moved.

    Colours may be in the order of RGB or of BGR, in which OpenCV reads files.
    """
    orders = [image, image[..., ::-1]] if image.shape[-1] == 3 else [image]
    if any(map(_is_fixed, orders)):
        return _STRONGEST
    best = np.max([_evidence(order) for order in orders], axis=0)
    chosen = int(best.argmax())
    return int(_CANDIDATES[chosen]) if best[chosen] > _LEAST_EVIDENCE else 100


def _evidence(image: np.ndarray) -> np.ndarray:
    """Returns by how many nats each quality is likelier than none, float (q,)."""
    values, frequencies, is_cut = _coefficients(image)
    of = is_cut * BLOCK**2 + frequencies
    steps, deviations, heights = (np.take(table, of, axis=1) for table in _STEPS)
    multiples = np.rint(values / steps)
    errors = values - steps * multiples
    errors /= deviations
    np.square(errors, out=errors)
    errors /= -2
    ratios = np.exp(errors, out=errors)
    ratios *= heights
    ratios /= np.sqrt(2 * np.pi)
    np.minimum(ratios, 1, out=ratios, where=multiples <= 0)
    ratios *= 1 - _OUTLIERS
    ratios += _OUTLIERS
    return np.log(ratios, out=ratios).sum(axis=1)


def recompress(image: np.ndarray, quality: int) -> np.ndarray:
    """Returns an image as if it had been compressed at this quality, and not before.

    What was compressed more strongly before loses its blocks first.
    """
    before = jpeg_quality(image)
    return _jpeg(_without_blocks(image, before) if before < quality else image, quality)


def uncompress(image: np.ndarray) -> np.ndarray:
    """Returns an image without the blocks of its JPEG compression; itself where it has none."""
    quality = jpeg_quality(image)
    return image if quality == 100 else _without_blocks(image, quality)


def _is_fixed(image: np.ndarray) -> bool:
    """Whether the strongest compression leaves an image as it is, and by another grid does not."""
    luma = _luma(image)
    changes = [
        float(np.abs(_luma(_jpeg_at(image, _STRONGEST, place, place)) - luma).mean())
        for place in (0, BLOCK // 2)
    ]
    if changes[1] > _LEAST_CHANGE:
        return changes[0] < _FIXED_SHARE * changes[1]
    return changes[0] < _LEAST_OF_FLAT and 0 < luma.min() <= luma.max() < 255


def _table_scale(qualities: np.ndarray) -> np.ndarray:
    """Returns by what the table of quality 50 is multiplied, as libjpeg does it."""
    return np.where(qualities < 50, 50 / qualities, 2 - qualities / 50)


def _coefficients(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns sizes of DCT coefficients that are not small, (m,) each.

    With them their frequencies, 0 … 63, and whether their block has black or white pixels, where
    decoding may have cut values off.
    """
    blocks = _blocks(_luma(image))
    is_cut = np.any(_blocks(np.any((image <= 0) | (image >= 255), axis=-1)), axis=(1, 2))
    some = np.linspace(0, len(blocks) - 1, min(len(blocks), _MAX_BLOCKS)).astype(int)
    coefficients = (_DCT @ (blocks[some] - 128) @ _DCT.T).reshape(len(some), BLOCK**2)
    coefficients = np.abs(np.where(_is_told(coefficients, is_cut[some]), coefficients, 0))
    rows, frequencies = np.nonzero(coefficients > _LEAST)
    few = np.linspace(0, len(rows) - 1, min(len(rows), _MAX_COEFFICIENTS)).astype(int)
    rows, frequencies = rows[few], frequencies[few]
    return coefficients[rows, frequencies], frequencies, is_cut[some][rows]


def _is_told(coefficients: np.ndarray, is_cut: np.ndarray) -> np.ndarray:
    """Returns which coefficients (b, 64) of blocks say something of the table, bool.

    All but means that are cut off, or alike: those of a flat background are one, not many.
    """
    _, firsts = np.unique(np.rint(coefficients[:, 0] / _APART), return_index=True)
    is_told = np.ones(coefficients.shape, bool)
    is_told[:, 0] = np.isin(np.arange(len(coefficients)), firsts) & ~is_cut
    return is_told


def _luma(image: np.ndarray) -> np.ndarray:
    return image @ _LUMA if image.shape[-1] == 3 else image.mean(axis=-1)


def _blocks(plane: np.ndarray) -> np.ndarray:
    """Returns the whole blocks of a plane (H, W), (b, 8, 8)."""
    rows, columns = (length // BLOCK for length in plane.shape)
    cut = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return cut.swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def _dct_matrix() -> np.ndarray:
    frequency, place = np.mgrid[:BLOCK, :BLOCK]
    matrix = np.cos(np.pi * frequency * (2 * place + 1) / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


_DCT = _dct_matrix()


def _tables_of_steps() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each quality and frequency, in blocks that are not cut off, then in those that are.

    Steps, their errors' deviations, and the one over the other, (q, 128) each.
    """
    scales = _table_scale(_CANDIDATES)[:, None]
    steps = np.clip(np.floor(_TABLE.ravel() * scales + 0.5), 1, _MAX_STEP)
    steps = np.hstack([steps, steps])
    spreads = np.repeat([_SPREAD, _SPREAD_CUT], BLOCK**2)
    deviations = np.sqrt(_ROUNDING**2 + (spreads * steps) ** 2)
    return steps, deviations, steps / deviations


_STEPS = _tables_of_steps()


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    is_colour = image.shape[-1] == 3
    pixels = image.astype(np.uint8)[..., ::-1]  # OpenCV's colours are BGR
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(encoded, 1 if is_colour else 0))  # IMREAD_COLOR, _GRAYSCALE
    return decoded.reshape(image.shape)[..., ::-1].astype(np.float32)


def _jpeg_at(image: np.ndarray, quality: int, top: int, left: int) -> np.ndarray:
    """Returns an image compressed by a grid that starts at another pixel of its blocks."""
    if top == left == 0:
        return _jpeg(image, quality)
    height, width = image.shape[:2]
    padded = np.pad(image, ((BLOCK, BLOCK), (BLOCK, BLOCK), (0, 0)), mode="symmetric")
    moved = _jpeg(padded[top:, left:], quality)
    y, x = BLOCK - top, BLOCK - left
    return moved[y : y + height, x : x + width]


def _without_blocks(image: np.ndarray, quality: int) -> np.ndarray:
    """Averages the image over compressions by grids at sixteen other places.

    Nosratinia, Enhancement of JPEG-compressed images by re-application of JPEG, 2001, whose 64
    places include the image's own.
    """
    places = range(1, BLOCK, 2)
    moved = [_jpeg_at(image, quality, top, left) for top in places for left in places]
    return np.rint(np.sum(moved, axis=0) / len(moved))
