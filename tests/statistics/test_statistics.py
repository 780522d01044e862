import math

import numpy as np
import pytest
from helpers.stand_ins import Probes, attend, predicted

from keras_saliency.statistics import STATISTICS


def measure(name, maps, probes=None, **given):
    return STATISTICS[name].measure(np.asarray(maps, np.float32), probes, **given)


def spot(y, x, size=(5, 5)):
    heatmap = np.zeros((1, *size), np.float32)
    heatmap[0, y, x] = 7
    return heatmap


def mask(*box, size=(5, 5)):
    y0, x0, y1, x1 = box
    masks = np.zeros((1, *size), bool)
    masks[0, y0:y1, x0:x1] = True
    return Probes(object_masks=masks)


def gini_twin(values):
    # Half the mean absolute difference over the mean: another form of the same index.
    total = sum(abs(x - y) for x in values for y in values)
    return total / (2 * len(values) ** 2 * (sum(values) / len(values)))


def entropy_twin(values):
    p = [v / sum(values) for v in values]
    return -sum(x * math.log(x) for x in p if x) / math.log(len(p))


@pytest.mark.parametrize(("name", "twin"), [("gini", gini_twin), ("entropy", entropy_twin)])
def test_gini_and_entropy_equal_their_slow_twins(name, twin, rng):
    maps = rng.random((4, 5, 7)).astype(np.float32) ** 4
    maps[0, :3], maps[1] = 0, 2
    expected = [twin([float(v) for v in m.reshape(-1)]) for m in maps]
    np.testing.assert_allclose(measure(name, maps), expected, atol=2e-6)


def test_gini_and_entropy_look_at_the_native_size_and_the_rest_at_the_images(rng):
    attention = attend(rng.random((2, 3, 4)), (9, 8))
    for name, entry in STATISTICS.items():
        native = name in {"gini", "entropy", "gradient_norm", "empty_fraction"}
        assert entry.resolution == ("native" if native else "image")
    gini = STATISTICS["gini"].measure
    np.testing.assert_array_equal(gini(attention), gini(attention.native.unit))


def test_centroid_and_spread_by_hand():
    heatmap = spot(0, 1, (4, 10)) + 3 * spot(2, 9, (4, 10))  # masses 1/4 and 3/4
    np.testing.assert_allclose(measure("centroid_y", heatmap), (0.5 + 3 * 2.5) / 4 / 4)
    np.testing.assert_allclose(measure("centroid_x", heatmap), (1.5 + 3 * 9.5) / 4 / 10)
    variance = 3 / 16 * ((2 / 4) ** 2 + (8 / 10) ** 2)  # of two points: p q distance^2
    np.testing.assert_allclose(measure("spread", heatmap), math.sqrt(variance), rtol=1e-6)
    np.testing.assert_allclose(measure("centroid_x", np.ones((1, 3, 8))), 0.5, rtol=1e-6)
    np.testing.assert_allclose(measure("spread", spot(1, 1)), 0, atol=1e-6)


def test_border_enrichment_by_hand():
    # The ring of a 5x5 image has 16 of 25 pixels, that of a 20x30 image 2 rows and columns.
    np.testing.assert_allclose(measure("border_enrichment", spot(0, 2)), 25 / 16)
    np.testing.assert_allclose(measure("border_enrichment", spot(1, 2)), 0)
    np.testing.assert_allclose(measure("border_enrichment", np.ones((1, 20, 30))), 1, rtol=1e-6)
    np.testing.assert_allclose(
        measure("border_enrichment", spot(1, 9, (20, 30))), 600 / (600 - 16 * 26)
    )
    assert measure("border_enrichment", np.ones((1, 2, 2))) == 1


def test_object_mass_and_enrichment_by_hand():
    heatmap = spot(1, 1) + 3 * spot(4, 4)
    probes = mask(0, 0, 2, 2)
    np.testing.assert_allclose(measure("object_mass", heatmap, probes), 0.25)
    np.testing.assert_allclose(measure("outside_enrichment", heatmap, probes), 0.75 / (21 / 25))
    assert measure("pointing_hit", heatmap, probes) == 0
    assert measure("pointing_hit", spot(1, 1), probes) == 1
    blind = np.ones((1, 5, 5))
    np.testing.assert_allclose(measure("outside_enrichment", blind, probes), 1, rtol=1e-6)
    assert np.isnan(measure("pointing_hit", blind, probes))
    for name in ("object_mass", "outside_enrichment", "pointing_hit"):
        assert np.isnan(measure(name, heatmap, mask(0, 0, 0, 0))), "an empty mask says nothing"
    assert np.isnan(measure("outside_enrichment", heatmap, mask(0, 0, 5, 5)))


@pytest.mark.parametrize(
    ("native", "image"), [((2, 3), (12, 9)), ((3, 2), (31, 40)), ((4, 4), (4, 4))]
)
def test_masks_are_dilated_by_half_a_heatmap_cell(native, image, rng):
    masks = rng.random((3, *image)) > 0.97
    masks[:, 0, 0] = True
    attention = attend(rng.random((3, *native)), image)
    p = attention.image.unit
    reach = (image[0] // (2 * native[0]), image[1] // (2 * native[1]))
    expected = []
    for i in range(3):
        near = np.zeros(image, bool)
        for y, x in np.argwhere(masks[i]):
            rows = slice(max(0, y - reach[0]), y + reach[0] + 1)
            near[rows, max(0, x - reach[1]) : x + reach[1] + 1] = True
        area = (~near).mean()
        expected.append(p[i][~near].sum() / area if area else np.nan)
    values = STATISTICS["outside_enrichment"].measure(attention, Probes(object_masks=masks))
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_cue_attention_by_hand():
    cue = np.zeros((5, 5))
    cue[0, 0], cue[4, 4] = 0.2, 0.05  # mean 0.01
    probes = Probes(cue_map=cue)
    maps = np.concatenate([spot(0, 0), spot(4, 4), spot(2, 2), np.ones((1, 5, 5))])
    np.testing.assert_allclose(measure("cue_attention", maps, probes), [20, 5, 0, 1], rtol=1e-6)
    assert np.isnan(measure("cue_attention", maps, Probes(cue_map=np.zeros((5, 5))))).all()


def test_class_consistency_is_the_mean_pairwise_correlation(rng):
    maps = rng.random((7, 6, 4)).astype(np.float32)
    maps[5], maps[6] = 0, 0.5  # undefined and constant: out of all pairs
    labels = np.array([0, 0, 0, 1, 2, 0, 0])
    values = measure("class_consistency", maps, Probes(labels=labels))
    r = np.corrcoef(maps[:3].reshape(3, -1))
    np.testing.assert_allclose(values[:3], (r.sum(axis=1) - 1) / 2, atol=1e-6)
    np.testing.assert_allclose(values[:3].mean(), (r[0, 1] + r[0, 2] + r[1, 2]) / 3, atol=1e-6)
    assert np.isnan(values[3:]).all()


def test_image_dependence_is_one_minus_the_mean_pairwise_correlation(rng):
    maps = rng.random((5, 6, 4)).astype(np.float32)
    maps[4] = 0
    r = np.corrcoef(maps[:4].reshape(4, -1))
    values = measure("image_dependence", maps)
    np.testing.assert_allclose(values[:4], 1 - (r.sum(axis=1) - 1) / 3, atol=1e-6)
    assert np.isnan(values[4])
    same = np.concatenate([maps[:1]] * 3) * np.array([1, 2, 3])[:, None, None]
    np.testing.assert_allclose(measure("image_dependence", same), 0, atol=1e-6)
    assert np.isnan(measure("image_dependence", maps[:1])).all()


def test_mean_map_concentration_sees_one_fixed_place(rng):
    moving = np.concatenate([spot(y, x, (8, 5)) for y in range(8) for x in range(5)])
    np.testing.assert_allclose(measure("mean_map_concentration", moving), 2 / 40, rtol=1e-5)
    fixed = np.concatenate([spot(1, 3, (8, 5)), 9 * spot(1, 3, (8, 5)), 0 * spot(1, 3, (8, 5))])
    np.testing.assert_allclose(measure("mean_map_concentration", fixed), [1, 1, np.nan], rtol=1e-5)


def test_group_gaps_by_hand():
    maps = np.concatenate([spot(0, 0), spot(0, 0), spot(4, 4), spot(1, 1), spot(1, 1), spot(2, 2)])
    probes = mask(0, 0, 1, 1)
    probes.object_masks = np.repeat(probes.object_masks, 6, axis=0)
    probes.labels = np.array([0, 0, 0, 1, 1, 2])
    probes.groups = np.array(["a", "a", "b", "a", "b", "a"])
    one = [1, 1, 1, 0, 0, np.nan]
    np.testing.assert_allclose(measure("group_gap", maps, probes), one, atol=1e-6)
    outside = [25 / 24] * 3 + [0, 0, np.nan]
    np.testing.assert_allclose(measure("group_outside_gap", maps, probes), outside, atol=1e-6)
    predictions = predicted([0, 1, 1, 1, 0, 1])  # class 0: a 1/2, b 0; class 1: a 1, b 0
    gap = measure("group_accuracy_gap", maps, probes, predictions=predictions)
    np.testing.assert_allclose(gap, [0.5, 0.5, 0.5, 1, 1, np.nan])
    probes.labels = None
    assert (measure("group_gap", maps, probes) > 0).all(), "without labels all are one class"


def test_method_agreement_is_the_mean_rank_correlation():
    ramp = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    others = [attend(ramp**2), attend(11 - ramp), attend(0 * ramp)]
    for count, expected in ((1, 1), (2, 0), (3, 0)):
        values = measure("method_agreement", ramp, others=others[:count])
        np.testing.assert_allclose(values, expected, atol=1e-6)
    assert np.isnan(measure("method_agreement", ramp, others=others[2:]))
