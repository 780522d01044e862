import numpy as np
import pytest
from helpers.slow_twins import bilinear_resize
from helpers.stand_ins import Probes, attend, full_probes, predicted

from keras_saliency.statistics import (
    MEASURES,
    REFERENCES,
    STATISTICS,
    class_means,
    compute,
    split_by_outcome,
    unit_mass,
    worst_class,
)
from keras_saliency.statistics.summary import worse_direction

OF_IMAGES = {name for name, entry in STATISTICS.items() if entry.num_axes <= 2}
FOR_ALL = {
    *("gini", "entropy", "centroid_y", "centroid_x", "spread", "border_enrichment"),
    *("gradient_norm", "empty_fraction", "mean_map_concentration", "image_dependence"),
}
NEEDING = {
    "object_masks": {"object_mass", "outside_enrichment", "pointing_hit"},
    "labels": {"class_consistency"},
    "cue_map": {"cue_attention"},
    "groups": {"group_gap"},
}
EVEN_FOR_EMPTY = {"empty_fraction", "group_accuracy_gap"}


def test_unit_mass_divides_by_the_sum(rng):
    maps = rng.random((5, 3, 4)).astype(np.float32)
    maps[1], maps[2, 0, 0], maps[3] = 0, np.nan, maps[3] * 1e-20  # dust beside the others: empty
    unit = unit_mass(maps)
    assert unit.dtype == np.float32
    for i in (0, 4):
        np.testing.assert_allclose(unit[i], maps[i] / maps[i].sum(), rtol=1e-6)
    assert np.isnan(unit[1:4]).all()
    np.testing.assert_allclose(unit_mass(maps[3:4]).sum(), 1, rtol=1e-6)
    huge = np.full((1, 20, 20), 3e38, np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(unit_mass(huge), 1 / 400, rtol=1e-6)


def gaussian_twin(heatmap):
    """Gaussian of 1 px in float64, edges mirrored, cut at 4 px."""
    height, width = heatmap.shape
    weights = {d: np.exp(-d * d / 2) for d in range(-4, 5)}
    total = sum(weights.values())

    def mirrored(i, size):
        i %= 2 * size
        return i if i < size else 2 * size - 1 - i

    out = np.zeros(heatmap.shape)
    for y in range(height):
        for x in range(width):
            for dy, wy in weights.items():
                for dx, wx in weights.items():
                    value = heatmap[mirrored(y + dy, height), mirrored(x + dx, width)]
                    out[y, x] += wy * wx / total**2 * value
    return out


@pytest.mark.parametrize("size", [(9, 7), (5, 12), (2, 3), (1, 1)])
def test_grainy_maps_are_smoothed_and_no_others(size, rng):
    maps = rng.random((2, *size)).astype(np.float32)
    attention = attend(maps, is_grainy=True)
    expected = [gaussian_twin(m / m.sum(dtype=np.float64)) for m in maps]
    np.testing.assert_allclose(attention.native.unit, expected, atol=1e-6)
    assert attention.image is attention.native
    np.testing.assert_array_equal(attend(maps).image.unit, unit_mass(maps))
    np.testing.assert_allclose(attention.native.magnitude, maps.mean(axis=(1, 2)), rtol=1e-6)


def test_maps_at_image_size_are_the_unit_mass_of_the_resized_ones(rng):
    maps = rng.random((2, 3, 4)).astype(np.float32)
    attention = attend(maps, (10, 18))
    resized = np.stack([bilinear_resize(m, (10, 18)) for m in maps])
    expected = resized / resized.sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(attention.image.unit, expected, atol=1e-7)
    assert attention.image is attention.image, "prepared once"


def test_what_the_probes_lack_makes_statistics_absent(rng):
    attention = attend(rng.random((8, 4, 5)))
    probes = full_probes(rng, 8, (4, 5))
    assert set(compute(attention, Probes())) == FOR_ALL
    for need, names in NEEDING.items():
        only = Probes(**{need: getattr(probes, need)})
        assert set(compute(attention, only, predicted([0] * 8))) == FOR_ALL | names
    everything = compute(attention, probes, predicted([0] * 8), [attention])
    assert set(everything) == OF_IMAGES
    assert "group_accuracy_gap" not in compute(attention, probes)
    for values in everything.values():
        assert values.dtype == np.float32 and values.shape == (8,) and np.isfinite(values).all()


@pytest.mark.parametrize("is_grainy", [False, True])
def test_undefined_maps_are_nan_in_every_statistic_and_change_no_other(is_grainy, rng):
    maps = rng.random((8, 4, 5)).astype(np.float32)
    probes, predictions = full_probes(rng, 8, (4, 5)), predicted([0, 1] * 4)
    bad = np.concatenate([maps, maps[:3]])
    bad[8], bad[9, 0, 0], bad[10, 1, 1] = 0, np.nan, np.inf
    more = full_probes(rng, 11, (4, 5))
    more.cue_map = probes.cue_map
    others = (attend(maps[::-1]),), (attend(np.concatenate([maps[::-1], maps[:3]])),)
    good = compute(attend(maps, is_grainy=is_grainy), probes, predictions, others[0])
    mixed_attention = attend(bad, is_grainy=is_grainy)
    mixed = compute(mixed_attention, more, predicted([0, 1] * 4 + [0] * 3), others[1])
    for name, values in mixed.items():
        if name not in EVEN_FOR_EMPTY:
            assert np.isnan(values[8:]).all(), name
            np.testing.assert_allclose(values[:8], good[name], atol=1e-6, err_msg=name)
    np.testing.assert_array_equal(mixed["empty_fraction"], [0] * 8 + [1, np.nan, np.nan])


def test_scaling_a_heatmap_changes_the_gradient_norm_only(rng):
    maps = rng.random((8, 4, 5)).astype(np.float32)
    probes, predictions = full_probes(rng, 8, (4, 5)), predicted([0] * 8)
    plain = compute(attend(maps), probes, predictions, [attend(maps[::-1])])
    scaled = compute(attend(maps * 1000), probes, predictions, [attend(maps[::-1])])
    for name, values in plain.items():
        factor = 1000 if name == "gradient_norm" else 1
        np.testing.assert_allclose(scaled[name], factor * values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("fill", [0, 0.3, 1])
@pytest.mark.parametrize(
    ("native", "image"), [((1, 1), (1, 1)), ((1, 1), (6, 4)), ((2, 3), (9, 4))]
)
def test_one_probe_and_degenerate_maps_do_not_fail(native, image, fill, rng):
    attention = attend(np.full((1, *native), fill), image)
    values = compute(attention, full_probes(rng, 1, image), predicted([0]), [attention])
    assert set(values) == OF_IMAGES
    if not fill:
        undefined = {name for name, value in values.items() if np.isnan(value).all()}
        assert undefined == OF_IMAGES - {"empty_fraction"}
    elif native == (1, 1):
        assert values["gini"] == 0 and np.isnan(values["entropy"])
    else:
        np.testing.assert_allclose(values["entropy"], 1, rtol=1e-6)


def test_computing_changes_no_input(rng):
    maps = rng.random((8, 4, 5)).astype(np.float32)
    probes = full_probes(rng, 8, (4, 5))
    kept = maps.copy(), probes.object_masks.copy()
    for array in (maps, probes.object_masks, probes.labels, probes.groups, probes.cue_map):
        array.flags.writeable = False  # as `ProbeSet` has them
    compute(attend(maps, is_grainy=True), probes, predicted([0] * 8))
    np.testing.assert_array_equal(maps, kept[0])
    np.testing.assert_array_equal(probes.object_masks, kept[1])


def test_every_statistic_and_drift_says_which_direction_is_worse():
    assert worse_direction("object_mass") == "low"
    assert worse_direction("drift_previous") == worse_direction("rank_correlation_first") == "high"
    assert worse_direction("iou_start") == worse_direction("ssim_start") == "low"
    assert worse_direction("gini") is None
    for name in [*STATISTICS, *(f"{m}_{r}" for m in MEASURES for r in REFERENCES)]:
        assert worse_direction(name) in ("low", "high", None)
    with pytest.raises(KeyError):
        worse_direction("drift_last")


def test_class_means_and_the_worst_class_leave_undefined_probes_out():
    values, classes = np.array([1, np.nan, 3, 5, np.nan], np.float32), [0, 0, 2, 2, 7]
    means = class_means(values, classes)
    assert list(means) == [0, 2, 7] and means[0] == 1 and means[2] == 4 and np.isnan(means[7])
    assert class_means(np.stack([values, values]), classes)[2].tolist() == [4, 4]
    assert worst_class(values, classes, lower_is_worse=True) == (1, 0)
    assert worst_class(values, classes, lower_is_worse=False) == (4, 2)
    value, worst = worst_class([np.nan], [3], lower_is_worse=True)
    assert np.isnan(value) and worst is None
    with pytest.raises(ValueError, match="one class for each probe"):
        class_means(values, [0, 1])


def test_outcomes_are_stayed_corrected_and_flipped():
    values, before, now = np.array([1, 2, 3, 4, np.nan]), [0, 0, 1, 1, 0], [0, 1, 0, 1, 1]
    split = split_by_outcome(values, before, now, labels=[0, 1, 1, 0, 1])
    assert split == {"stayed": 2.5, "corrected": 2, "flipped": 3}
    split = split_by_outcome(values, before, now, labels=None)
    assert split["flipped"] == 2.5 and np.isnan(split["corrected"])
