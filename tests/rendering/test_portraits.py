"""How signals and volumes are drawn."""

import dataclasses

import numpy as np
import pytest

from keras_saliency import ProbeSet
from keras_saliency.rendering import Portraits
from keras_saliency.rendering.colormaps import colorize
from keras_saliency.rendering.curves import draw_curve
from keras_saliency.rendering.sheet import FAINT_INK, PAPER
from keras_saliency.rendering.slices import draw_slices, middle_slices, strongest_slices
from keras_saliency.shortcuts import Evidence
from keras_saliency.shortcuts.evidence import draw_evidence
from keras_saliency.shortcuts.swaps import Pairs


def is_colour(picture, ink, tolerance=12):
    return (np.abs(picture.astype(int) - np.array(ink)) <= tolerance).all(axis=-1)


def test_a_curve_is_grey_without_attention_and_coloured_where_there_is_some():
    signal = np.sin(np.linspace(0, 20, 400))[:, None]
    plain = draw_curve(signal)
    assert is_colour(plain, FAINT_INK).any() and is_colour(plain, PAPER).any()
    heatmap = np.zeros(40)
    heatmap[30:] = 1  # four times the mean: half of the scale
    found = draw_curve(signal, heatmap)
    hot = is_colour(found, colorize(np.array([[0.5]]))[0, 0], 40)
    columns = np.flatnonzero(hot.any(axis=0))
    assert columns.min() > 0.7 * 320 and columns.max() > 0.95 * 320
    left = slice(0, round(0.7 * 320))
    np.testing.assert_array_equal(found[:, left], plain[:, left])


def test_marked_samples_of_a_curve_have_their_colour_and_no_others():
    signal, ink = np.sin(np.linspace(0, 20, 400))[:, None], (255, 0, 0)
    columns = np.flatnonzero(is_colour(draw_curve(signal, marks=[((100, 200), ink)]), ink).any(0))
    assert abs(columns.min() - 80) <= 2 and abs(columns.max() - 160) <= 2


def test_peaks_of_long_signals_are_not_lost():
    signal = np.zeros((100_000, 1))
    signal[54_321] = 1
    ys, xs = np.nonzero(~is_colour(draw_curve(signal), PAPER))
    top = xs[ys == ys.min()]
    assert ys.min() < 12 and abs(top.mean() / 320 - 0.543) < 0.02


def test_each_lead_has_a_place_of_its_own():
    signal = np.zeros((50, 12))
    signal[:, 4] = np.linspace(0, 1, 50)
    drawn = ~is_colour(draw_curve(signal), PAPER)
    rows = np.flatnonzero(drawn.any(axis=1))
    height = len(drawn) / 12
    touched = {int(row // height) for row in rows}
    assert touched == set(range(12))
    per_lead = [
        drawn[round(i * height) : round((i + 1) * height)].any(axis=1).sum() for i in range(12)
    ]
    assert np.argmax(per_lead) == 4


def test_the_slices_with_most_attention_are_drawn():
    heatmap = np.zeros((4, 5, 5), np.float32)
    heatmap[2] = 1  # of eight slices the fifth and the sixth; then those beside them
    assert {4, 5} < set(strongest_slices(heatmap, 8))
    assert strongest_slices(np.ones((3, 2, 2)), 3) == [0, 1, 2]
    assert middle_slices(8) == [2, 4, 6] and middle_slices(1) == [0]


def test_a_volume_shows_its_slices_and_its_maximum():
    volume = np.zeros((6, 100, 90, 3), np.uint8)
    volume[1, 10:20, 10:20] = 250
    volume[4, 60:70, 60:70] = 130
    picture = draw_slices(volume, [1, 4])
    first, second, whole = (picture[:100, left : left + 90] for left in (0, 93, 186))
    np.testing.assert_array_equal(first, volume[1])
    np.testing.assert_array_equal(second, volume[4])
    np.testing.assert_array_equal(whole, volume.max(axis=0))
    heatmap = np.zeros((6, 10, 9), np.float32)
    heatmap[4, 6, 6] = 1
    found = draw_slices(volume, [1, 4], heatmap)
    gap = np.abs(found.astype(int) - picture)[:100].max(axis=-1)
    assert gap[60:70, 93 + 60 : 93 + 70].min() > 20, "where attention is"
    assert gap[60:70, 186 + 60 : 186 + 70].min() > 20, "and in the projection"


@pytest.mark.parametrize("shape", [(3, 60, 2), (3, 5, 20, 18, 1)])
def test_a_map_that_is_none_is_stamped(shape):
    images = np.random.default_rng(0).random(shape).astype(np.float32)
    portraits = Portraits(images, None, np.arange(2))
    assert len(portraits.plain) == 2
    heatmap = np.ones([max(1, side // 2) for side in shape[1:-1]], np.float32)
    plain, tile = portraits.attended(1, heatmap, False)
    assert plain.shape == tile.shape and (plain != tile).any()
    stamped = portraits.attended(1, 0 * heatmap, True)[1]
    assert stamped.shape == portraits.plain[1].shape and (stamped != portraits.plain[1]).any()
    broken = portraits.attended(1, np.full_like(heatmap, np.nan), False)[1]
    assert (broken != portraits.plain[1]).any()


@pytest.mark.parametrize("size", [(70,), (12, 10), (9, 12, 10)])
def test_the_channels_that_are_asked_for_are_drawn(size):
    images = np.random.default_rng(0).random((4, *size, 7))
    asked = ProbeSet(images, display_channels=(6, 2, 4))
    chosen = ProbeSet(images[..., [6, 2, 4]])
    drawn = [Portraits(p.drawn(p.images), None, [0, 3]).plain for p in (asked, chosen)]
    for one, same in zip(*drawn, strict=True):
        np.testing.assert_array_equal(one, same)
    after = images[:1].astype(np.float32)
    after[:, 2:4, ..., 2] = 0
    pairs = Pairs(*np.array([[1], [0], [1]]), np.zeros(1, bool))
    of_asked = Evidence(pairs, after, ["a"], ["b"], boxes=None)
    of_chosen = dataclasses.replace(of_asked, after=after[..., [6, 2, 4]])
    np.testing.assert_array_equal(
        draw_evidence(asked, of_asked, "title"), draw_evidence(chosen, of_chosen, "title")
    )
    grey = ProbeSet(images, display_channels=3)
    np.testing.assert_array_equal(grey.drawn(grey.images), grey.images[..., 3:4])
