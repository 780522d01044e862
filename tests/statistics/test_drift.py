import math

import numpy as np
import pytest

from keras_saliency.records import Heatmaps
from keras_saliency.statistics import (
    MEASURES,
    Attention,
    compute_drift,
    reference_epochs,
    settle_epoch,
)
from keras_saliency.statistics.drift import (
    centroid_shift,
    drift,
    iou,
    jensen_shannon,
    rank_correlation,
    ssim,
)

COMPARE = {name: entry.compare for name, entry in MEASURES.items()}
SAME = {"iou": 1, "ssim": 1}  # all others are 0 for identical maps
SIZES = [(5, 5), (6, 11), (12, 7), (1, 9), (3, 2)]
each_measure = pytest.mark.parametrize("name", COMPARE)


# The slow twins: one pair of maps, plain Python, from the formula.


def listed(heatmap):
    values = [float(v) for v in np.asarray(heatmap, np.float64).reshape(-1)]
    return [v / sum(values) for v in values]


def pearson_twin(a, b):
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return top / math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))


def rank_twin(a):
    return [sum(x < y for x in a) + (sum(x == y for x in a) - 1) / 2 for y in a]


def top_twin(a):
    number = max(1, round(0.1 * len(a)))
    return set(sorted(range(len(a)), key=lambda i: (-a[i], i))[:number])


def ssim_twin(p, q):
    height, width = p.shape
    window = min(7, height, width)
    window -= window % 2 == 0
    scale = max(p.max(), q.max())
    found = []
    for i in range(height - window + 1):
        for j in range(width - window + 1):
            a = p[i : i + window, j : j + window].reshape(-1) / scale
            b = q[i : i + window, j : j + window].reshape(-1) / scale
            num = max(1, len(a) - 1)
            ma, mb = a.mean(), b.mean()
            va, vb = ((a - ma) ** 2).sum() / num, ((b - mb) ** 2).sum() / num
            cov = ((a - ma) * (b - mb)).sum() / num
            light = (2 * ma * mb + 1e-4) / (ma**2 + mb**2 + 1e-4)
            found.append(light * (2 * cov + 9e-4) / (va + vb + 9e-4))
    return sum(found) / len(found)


def jensen_shannon_twin(p, q):
    total = 0
    for x, y in zip(p, q, strict=True):
        total += x * math.log2(2 * x / (x + y)) / 2 if x else 0
        total += y * math.log2(2 * y / (x + y)) / 2 if y else 0
    return total


def centroid_twin(p):
    cells = [(i, j) for i in range(p.shape[0]) for j in range(p.shape[1])]
    return sum(p[c] * c[0] for c in cells), sum(p[c] * c[1] for c in cells)


def shift_twin(p, q):
    (y0, x0), (y1, x1) = centroid_twin(p), centroid_twin(q)
    return math.hypot(y1 - y0, x1 - x0) / math.hypot(*p.shape)


def twin(name, a, b):
    p, q = listed(a), listed(b)
    p_map, q_map = np.reshape(p, a.shape), np.reshape(q, b.shape)
    return {
        "drift": lambda: 1 - pearson_twin(p, q),
        "rank_correlation": lambda: 1 - pearson_twin(rank_twin(p), rank_twin(q)),
        "iou": lambda: len(top_twin(p) & top_twin(q)) / len(top_twin(p) | top_twin(q)),
        "ssim": lambda: ssim_twin(p_map, q_map),
        "jensen_shannon": lambda: jensen_shannon_twin(p, q),
        "centroid_shift": lambda: shift_twin(p_map, q_map),
    }[name]()


def random_maps(rng, size, num=6):
    maps = rng.random((num, *size)).astype(np.float32) ** 3
    maps[: num // 2] = np.floor(maps[: num // 2] * 4) + (rng.random((num // 2, *size)) > 0.8)
    maps[:, 0, 0] += 1  # never all zero or constant
    return maps  # the first half is full of ties and zeros


@each_measure
@pytest.mark.parametrize("size", SIZES)
def test_measures_equal_their_slow_twins(name, size, rng):
    current, reference = random_maps(rng, size), random_maps(rng, size)
    values = COMPARE[name](current, reference)
    assert values.dtype == np.float32 and values.shape == (6,)
    expected = [twin(name, a, b) for a, b in zip(current, reference, strict=True)]
    np.testing.assert_allclose(values, expected, atol=2e-6)


@each_measure
@pytest.mark.parametrize("size", SIZES)
def test_identical_maps_have_not_drifted(name, size, rng):
    maps = random_maps(rng, size)
    np.testing.assert_allclose(COMPARE[name](maps, maps.copy()), SAME.get(name, 0), atol=1e-6)


@each_measure
def test_scale_and_order_of_the_two_do_not_matter(name, rng):
    current, reference = random_maps(rng, (9, 6)), random_maps(rng, (9, 6))
    values = COMPARE[name](current, reference)
    for scaled in (current * np.float32(1e-20), current * np.float32(1e30)):
        np.testing.assert_allclose(COMPARE[name](scaled, reference), values, atol=2e-6)
    np.testing.assert_allclose(COMPARE[name](reference, current), values, atol=1e-6)


@each_measure
def test_undefined_maps_give_nan_and_leave_the_others_alone(name, rng):
    maps, reference = random_maps(rng, (5, 8)), random_maps(rng, (5, 8))
    expected = COMPARE[name](maps, reference)
    bad = maps.copy()
    bad[0], bad[1], bad[2, 1, 1], bad[3, 4, 4] = 0, 0.3, np.nan, np.inf
    for pair in ((bad, reference), (reference, bad)):
        values = COMPARE[name](*pair)
        assert np.isnan(values[:4]).all()
        np.testing.assert_allclose(values[4:], expected[4:], atol=1e-6)
    np.testing.assert_allclose(COMPARE[name](maps[:1], reference[:1]), expected[:1], atol=1e-6)
    assert np.isnan(COMPARE[name](np.ones((1, 1, 1)), np.ones((1, 1, 1)))).all()
    assert COMPARE[name](maps[:0], reference[:0]).shape == (0,)


def test_a_resized_constant_map_is_constant_still():
    heatmaps = Heatmaps("grad_cam", np.full((1, 3, 3), 0.3, np.float32), (50, 41))
    attention = Attention.from_heatmaps(heatmaps)
    assert all(np.isnan(v).all() for v in compute_drift(attention, {"start": attention}).values())
    rounding = np.full((1, 4, 4), 0.3, np.float32)
    rounding[0, 1, 2] = np.nextafter(rounding[0, 1, 2], np.float32(1))
    assert np.isnan(drift(rounding, spot(0, 0, (4, 4)))).all()


def spot(y, x, size=(5, 5)):
    heatmap = np.zeros((1, *size), np.float32)
    heatmap[0, y, x] = 7
    return heatmap


def test_a_spot_that_jumps_by_hand():
    # 25 pixels, two single ones: r = -1/24; the top round(2.5) = 2 pixels are the spot
    # and the first pixel of the others, which is 0 for both: 1 of 3 shared.
    current, reference = spot(1, 1), spot(1, 4)
    np.testing.assert_allclose(drift(current, reference), 1 + 1 / 24, rtol=1e-6)
    np.testing.assert_allclose(rank_correlation(current, reference), 1 + 1 / 24, rtol=1e-6)
    np.testing.assert_allclose(iou(current, reference), 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(jensen_shannon(current, reference), 1, rtol=1e-6)
    np.testing.assert_allclose(centroid_shift(current, reference), 3 / math.hypot(5, 5), rtol=1e-6)


def test_opposite_maps_drift_by_two():
    ramp = np.arange(25, dtype=np.float32).reshape(1, 5, 5)
    np.testing.assert_allclose(drift(ramp, 24 - ramp), 2)
    np.testing.assert_allclose(rank_correlation(ramp**3, 24 - ramp), 2)
    assert iou(ramp, 24 - ramp) == 0


def test_negative_zero_is_zero(rng):
    maps = random_maps(rng, (6, 6))
    np.testing.assert_array_equal(iou(np.where(maps == 0, -0.0, maps), maps), 1)
    np.testing.assert_array_equal(rank_correlation(np.where(maps == 0, -0.0, maps), maps), 0)


def test_scipy_and_scikit_image_agree(rng):
    distance = pytest.importorskip("scipy.spatial.distance")
    stats = pytest.importorskip("scipy.stats")
    metrics = pytest.importorskip("skimage.metrics")
    current, reference = random_maps(rng, (40, 33)), random_maps(rng, (40, 33))
    for i in range(len(current)):
        p = (current[i] / current[i].sum(dtype=np.float64)).astype(np.float64)
        q = (reference[i] / reference[i].sum(dtype=np.float64)).astype(np.float64)
        pair, a, b = (current[i : i + 1], reference[i : i + 1]), p.reshape(-1), q.reshape(-1)
        np.testing.assert_allclose(drift(*pair), 1 - stats.pearsonr(a, b)[0], atol=1e-6)
        np.testing.assert_allclose(rank_correlation(*pair), 1 - stats.spearmanr(a, b)[0], atol=1e-6)
        divergence = distance.jensenshannon(a, b, base=2) ** 2
        np.testing.assert_allclose(jensen_shannon(*pair), divergence, atol=1e-6)
        similarity = metrics.structural_similarity(p, q, data_range=max(p.max(), q.max()))
        np.testing.assert_allclose(ssim(*pair), similarity, atol=1e-6)


def test_drift_is_named_by_measure_and_reference_and_absent_without_one(rng):
    def attention():
        native = rng.random((3, 4, 5), dtype=np.float32)
        return Attention.from_heatmaps(Heatmaps("grad_cam", native, (8, 10)))

    now, first = attention(), attention()
    computed = compute_drift(now, {"previous": None, "first": first, "start": now})
    assert set(computed) == {f"{m}_{r}" for m in MEASURES for r in ("first", "start")}
    np.testing.assert_array_equal(computed["drift_first"], drift(now.image, first.image))
    np.testing.assert_array_equal(computed["iou_start"], 1)
    assert compute_drift(now, {}) == {}
    with pytest.raises(ValueError, match="unknown reference 'last'"):
        compute_drift(now, {"last": first})


def test_epochs_to_compare_with_are_the_last_the_first_trained_and_the_untrained():
    known, baselines = [3, -1, 0, 7], [-1]
    expected = {"previous": 3, "first": 0, "start": -1}
    assert reference_epochs(7, known, baselines) == expected
    assert reference_epochs(0, known, baselines) == {"previous": -1, "start": -1}
    assert reference_epochs(-1, known, baselines) == {}
    assert reference_epochs(3, [0], []) == {"previous": 0, "first": 0}


def test_maps_of_other_probes_are_refused(rng):
    with pytest.raises(ValueError, match=r"one shape.*\(2, 3, 3\) and \(1, 3, 3\)"):
        drift(rng.random((2, 3, 3)), rng.random((1, 3, 3)))
    with pytest.raises(ValueError, match=r"\(n, h, w\). Received: shape \(3, 3\)"):
        drift(rng.random((3, 3)), rng.random((3, 3)))
    with pytest.raises(ValueError, match="negative values"):
        drift(rng.random((1, 3, 3)) - 2, rng.random((1, 3, 3)))


def test_settle_epoch_is_the_first_of_two_settled_ones():
    assert settle_epoch([np.nan, 0.7, 0.6, 0.65, 0.9, 0.1]) == 3
    assert settle_epoch([np.nan, 0.7, 0.6, 0.7]) is None
    assert settle_epoch([np.nan, 0.7, np.nan, 0.7]) is None
    assert settle_epoch([]) is None
    series = np.array([[np.nan, np.nan], [0.2, 0.9], [0.5, 0.9], [np.nan, 0.9]])
    assert settle_epoch(series, epochs=[-1, 0, 1, 2]) == 1
