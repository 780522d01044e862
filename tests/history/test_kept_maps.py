"""Which heatmaps a history keeps, and at which size."""

import io

import numpy as np
import pytest

from keras_saliency import History
from keras_saliency.history.kept_maps import KeptMaps, reduced_size
from keras_saliency.records import Heatmaps, StoredMaps


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        ((7, 7), (7, 7)),
        ((64, 64), (64, 64)),
        ((65, 64), (64, 63)),
        ((224, 224), (64, 64)),
        ((224, 64), (64, 18)),
        ((3, 1000), (1, 64)),
        ((1000,), (64,)),
        ((64,), (64,)),
        ((128, 64, 32), (64, 32, 16)),
    ],
)
def test_large_maps_keep_their_shape_at_64_pixels(size, kept):
    assert reduced_size(size) == kept


def kept_of(maps, setting, history=None):
    native = {"m": StoredMaps.of(maps)}
    record = {"m": Heatmaps("m", maps, maps.shape[1:])}
    return KeptMaps(setting, history or History()).encode(record, native)


@pytest.mark.parametrize("magnitude", [1e-42, 1e-20, 1, 1e30, 3e38])
def test_reduced_maps_are_means_of_areas_at_any_magnitude(rng, magnitude):
    maps = (rng.random((3, 128, 64)) * magnitude).astype(np.float32)
    maps[1] = 0
    reduced = kept_of(maps, "reduced")["m"].restore()
    by_hand = maps.astype(np.float64).reshape(3, 64, 2, 32, 2).mean(axis=(2, 4))
    assert reduced.shape == (3, 64, 32) and not reduced[1].any()
    smallest = 1.5e-45  # float32 has few digits where it is smallest
    np.testing.assert_allclose(reduced, by_hand, rtol=1e-3, atol=by_hand.max() * 5e-8 + smallest)


def test_a_map_that_is_not_finite_is_nan_and_hurts_no_other(rng):
    maps = rng.random((4, 96, 96)).astype(np.float32)
    maps[0, 3, 3], maps[1, 5, 5] = np.nan, np.inf
    reduced = kept_of(maps, "reduced")["m"].restore()
    assert np.isnan(reduced[:2]).all() and np.isfinite(reduced[2:]).all()


@pytest.mark.parametrize("shape", [(3, 300), (2, 80, 40, 20), (1, 65, 65)])
def test_signals_and_volumes_are_reduced_too(rng, shape):
    maps = rng.random(shape).astype(np.float32)
    reduced = kept_of(maps, "reduced")["m"].restore()
    assert max(reduced.shape[1:]) == 64
    inside = tuple(range(1, maps.ndim))
    np.testing.assert_allclose(reduced.mean(inside), maps.mean(inside), rtol=1e-3)


def test_small_and_native_maps_are_kept_as_they_are(rng):
    small, large = rng.random((2, 64, 9)), rng.random((2, 96, 96))
    for maps, setting in ((small, "reduced"), (small, "native"), (large, "native")):
        kept = kept_of(maps.astype(np.float32), setting)["m"]
        np.testing.assert_array_equal(kept.codes, StoredMaps.of(maps).codes)
    assert kept_of(large, None) == {}


def history_with(maps):
    history = History()
    history.append(0, ([0, 1], [0.5, 0.5]), {"m": {"s": [1, 2]}}, maps)
    return history


@pytest.mark.parametrize(("held", "setting"), [((96, 48), "reduced"), ((64, 32), "native")])
def test_a_history_keeps_to_its_size_and_says_so_once(rng, held, setting):
    history = history_with({"m": rng.random((2, *held))})
    keeper = KeptMaps(setting, history)
    maps = rng.random((2, 96, 48)).astype(np.float32)
    record = {"m": Heatmaps("m", maps, (96, 48))}, {"m": StoredMaps.of(maps)}
    with pytest.warns(UserWarning, match="goes on with heatmaps of the size") as caught:
        kept = [keeper.encode(*record) for _ in range(3)]
    assert len(caught) == 1 and kept[0]["m"].codes.shape[1:] == held
    history.append(1, ([0, 1], [0.5, 0.5]), {}, kept[2])


def test_a_history_without_maps_says_why_also_after_a_round_trip():
    history = history_with({})
    file = io.BytesIO()
    history.save(file)
    file.seek(0)
    for one in (history, History.load(file)):
        with pytest.raises(
            KeyError, match=r"no heatmaps of 'm', only statistics.*history_maps=None"
        ):
            one.heatmaps("m", 0)
        assert one["m"]["s"].tolist() == [[1, 2]]
    with pytest.raises(KeyError, match="Known: none"):
        history.heatmaps("other", 0)
