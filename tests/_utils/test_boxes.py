"""Boxes as masks, and sums over windows."""

import numpy as np
import pytest

from keras_saliency._utils import boxes as boxes_module
from keras_saliency._utils.boxes import box_masks, grow_box, hottest_boxes, window_sums


def test_box_masks_hold_the_half_open_box_without_the_holes(rng):
    boxes = np.array([[0, 0, 2, 3], [4, 5, 9, 6], [3, 3, 3, 9]])
    holes = rng.random((3, 9, 14)) < 0.5
    masks, pierced = box_masks(boxes, (9, 14)), box_masks(boxes, (9, 14), holes)
    for i, y, x in np.ndindex(masks.shape):
        y0, x0, y1, x1 = boxes[i]
        assert masks[i, y, x] == (y0 <= y < y1 and x0 <= x < x1)
        assert pierced[i, y, x] == (masks[i, y, x] and not holes[i, y, x])


def test_hottest_boxes_of_many_maps_are_those_of_each(rng, monkeypatch):
    """In groups of two, the last of which is one."""
    maps = rng.random((5, 7, 9))
    alone = [hottest_boxes(one[None], 2, 4)[0] for one in maps]
    monkeypatch.setattr(boxes_module, "_CACHED", 2 * 7 * 9 + 5)
    np.testing.assert_array_equal(hottest_boxes(maps, 2, 4), alone)


def test_window_sums_and_hottest_boxes_equal_loops(rng):
    maps = rng.normal(size=(3, 7, 9))
    maps[2, 0, 0] = np.nan
    filled = np.where(np.isnan(maps), 0, maps)
    sums = window_sums(filled, 2, 4)
    assert sums.shape == (3, 6, 6)
    for i in range(3):
        best = (-np.inf, None)
        for y in range(6):
            for x in range(6):
                total = filled[i, y : y + 2, x : x + 4].sum()
                assert sums[i, y, x] == pytest.approx(total)
                best = max(best, (total, (y, x, y + 2, x + 4)), key=lambda found: found[0])
        assert tuple(hottest_boxes(maps, 2, 4)[i]) == best[1]
    assert hottest_boxes(np.zeros((1, 7, 9)), 2, 4).tolist() == [[0, 0, 2, 4]]
    assert window_sums(filled, 7, 9)[1, 0, 0] == pytest.approx(filled[1].sum())


def test_pixels_that_are_left_out_count_as_nothing(rng):
    maps, without = rng.random((9, 7, 12)), rng.random((9, 7, 12)) < 0.5
    found = hottest_boxes(maps, 2, 4, without=without)
    np.testing.assert_array_equal(found, hottest_boxes(np.where(without, 0, maps), 2, 4))
    assert not np.array_equal(found, hottest_boxes(maps, 2, 4))


def test_sums_of_many_maps_are_those_of_each(rng):
    """Of many maps, whole rows are added."""
    maps = rng.random((64, 9, 30)).astype(np.float32)
    np.testing.assert_array_equal(
        window_sums(maps, 3, 5), np.concatenate([window_sums(one[None], 3, 5) for one in maps])
    )


def test_a_box_grows_by_lines_as_long_as_half_of_them_are_true():
    mask = np.zeros((9, 12), bool)
    mask[2:8, 3:11] = True
    mask[8, 5:7] = True  # two of eight
    mask[0:2, 3:8] = True  # five of eight
    np.testing.assert_array_equal(grow_box(np.array([4, 5, 6, 7]), mask, 0.5), (0, 3, 8, 11))
    np.testing.assert_array_equal(grow_box(np.array([4, 5, 6, 7]), mask, 0.9), (2, 3, 8, 11))
    assert (grow_box(np.array([0, 0, 9, 12]), ~mask | mask, 0.5) == (0, 0, 9, 12)).all()
