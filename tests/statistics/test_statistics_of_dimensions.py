"""Statistics and drift of signals (n, length) and volumes (n, D, H, W)."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_saliency.records import Heatmaps, Predictions, StoredMaps
from keras_saliency.statistics import MEASURES, STATISTICS, Attention, Recording, compute_all

SHAPES = {"signal": (30,), "volume": (7, 9, 8)}
# The order of the positions does not matter to them, so a map may be laid out as a row.
WITHOUT_PLACES = (
    *("gini", "entropy", "gradient_norm", "empty_fraction", "object_mass", "pointing_hit"),
    *("mean_map_concentration", "class_consistency", "image_dependence"),
)
MEASURES_WITHOUT_PLACES = ("drift", "rank_correlation", "iou", "jensen_shannon")


def maps_of(shape, seed=0, num=6):
    return np.random.default_rng(seed).random((num, *shape)).astype(np.float32) ** 3


def attention(maps, size=None, is_grainy=False):
    size = size or maps.shape[1:]
    return Attention.from_heatmaps(Heatmaps("a_method", maps, size, is_grainy=is_grainy))


def probes_of(shape, num=6):
    masks = np.random.default_rng(5).random((num, *shape)) < 0.4
    return SimpleNamespace(labels=np.arange(num) % 2, object_masks=masks, groups=None, cue_map=None)


def as_row(array):
    return array.reshape(len(array), 1, -1)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", WITHOUT_PLACES)
def test_where_places_do_not_matter_a_map_may_be_one_row(name, shape):
    maps, probes = maps_of(shape), probes_of(shape)
    rows = SimpleNamespace(**vars(probes) | {"object_masks": as_row(probes.object_masks)})
    measure = STATISTICS[name].measure
    found, expected = measure(attention(maps), probes), measure(attention(as_row(maps)), rows)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", MEASURES_WITHOUT_PLACES)
def test_so_it_is_with_drift(name, shape):
    now, before = maps_of(shape), maps_of(shape, 1)
    compare = MEASURES[name].compare
    expected = compare(as_row(now), as_row(before))
    np.testing.assert_allclose(compare(attention(now), attention(before)), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_ssim_equals_that_of_scikit_image(shape):
    metrics = pytest.importorskip("skimage.metrics")
    now, before = maps_of(shape), maps_of(shape, 1)
    found = MEASURES["ssim"].compare(attention(now), attention(before))
    for i in range(len(now)):
        a, b = (m[i].astype(np.float64) / m[i].sum(dtype=np.float64) for m in (now, before))
        both = {"win_size": 7, "data_range": max(a.max(), b.max())}
        # Its mean leaves out as much at each end as we do.
        assert found[i] == pytest.approx(metrics.structural_similarity(a, b, **both), abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_places_by_hand(shape):
    point = tuple(side // 3 for side in shape)
    maps = np.zeros((1, *shape), np.float32)
    maps[(0, *point)] = 1
    names = ("centroid_z", "centroid_y", "centroid_x")[3 - len(shape) :]
    found = [STATISTICS[name].measure(attention(maps))[0] for name in names]
    expected = [(place + 0.5) / side for place, side in zip(point, shape, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert STATISTICS["spread"].measure(attention(maps))[0] == 0
    moved = np.roll(maps, 1, axis=1)
    shift = MEASURES["centroid_shift"].compare(attention(moved), attention(maps))[0]
    assert shift == pytest.approx(1 / np.sqrt(sum(side**2 for side in shape)))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_border_is_the_first_and_the_last_tenth_of_each_axis(shape):
    inside = np.zeros(shape, bool)
    ring = max(1, round(0.1 * min(shape)))
    for place in np.ndindex(*shape):
        inside[place] = all(ring <= p < side - ring for p, side in zip(place, shape, strict=True))
    maps = np.where(inside, 1.0, 3.0).astype(np.float32)[None]
    maps *= np.random.default_rng(0).random(shape).astype(np.float32)
    expected = maps[0][~inside].sum() / maps.sum() / (~inside).mean()
    found = STATISTICS["border_enrichment"].measure(attention(maps))[0]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_grainy_maps_are_smoothed_along_each_axis(shape):
    ndimage = pytest.importorskip("scipy.ndimage")
    maps = maps_of(shape)
    found = attention(maps, is_grainy=True).native.unit
    for i, found_map in enumerate(found):
        smooth = ndimage.gaussian_filter(maps[i], 1.0, mode="reflect", truncate=4.0)
        np.testing.assert_allclose(found_map, smooth / smooth.sum(), rtol=1e-4)


def test_masks_are_dilated_by_half_a_cell_of_each_axis():
    maps = np.zeros((1, 5), np.float32)
    maps[0, 2] = 1  # cells of four: at the length of the signal its middle is at 9.5
    masks = np.zeros((1, 20), bool)
    probes = SimpleNamespace(object_masks=masks)
    for start, is_hit in ((12, True), (13, False)):  # dilated by two
        masks[:] = False
        masks[0, start:14] = True
        found = STATISTICS["pointing_hit"].measure(attention(maps, (20,)), probes)
        hottest = attention(maps, (20,)).image.unit[0].argmax()
        assert bool(found[0]) == (start - 2 <= hottest) == is_hit or hottest in (9, 10)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_epoch_of_them_has_all_statistics_that_apply(shape):
    native = tuple(max(2, side // 2) for side in shape)
    recordings = [
        Recording("grad_cam", StoredMaps.of(maps_of(native, seed)), shape) for seed in (0, 1)
    ]
    logits = np.eye(2, dtype=np.float32)[np.arange(6) % 2]
    found = compute_all(
        {"grad_cam": recordings[0]},
        probes_of(shape),
        Predictions(logits, logits),
        {"previous": {"grad_cam": recordings[1]}},
    )["grad_cam"]
    assert np.isfinite(found["drift_previous"]).all() and np.isfinite(found["object_mass"]).all()
    assert ("centroid_y" in found) == (len(shape) > 1)
    assert ("centroid_z" in found) == (len(shape) > 2)
