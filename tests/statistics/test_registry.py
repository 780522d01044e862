"""Statistics that users register themselves."""

import warnings

import numpy as np
import pytest
from helpers.events import events_of
from helpers.stand_ins import Probes, attend
from helpers.training import fit

from keras_saliency import SaliencyCallback
from keras_saliency.statistics import STATISTICS, statistic


@pytest.fixture(autouse=True)
def kept_registry():
    """Forgets after a test what it has registered."""
    before = dict(STATISTICS)
    yield
    STATISTICS.clear()
    STATISTICS.update(before)


def upper_half(maps):
    half = maps.unit[:, : maps.unit.shape[1] // 2]
    return half.sum(axis=(1, 2))


def test_a_statistic_of_the_users_own_is_in_history_tensorboard_and_logs(tmp_path, data, probes):
    statistic("upper_half", worse="low", num_axes=2)(upper_half)
    callback = SaliencyCallback(probes, tmp_path, log_keys=("drift", "upper_half"), detectors=None)
    logged = fit(callback, data).history["grad_cam_upper_half"]
    values = callback.history["grad_cam"]["upper_half"]
    assert values.shape == (3, len(probes)) and ((values >= 0) & (values <= 1)).any()
    np.testing.assert_allclose(logged, np.nanmean(values[1:], axis=1), rtol=1e-5)
    events = events_of(callback.run_dir)
    written = [float(value) for _, _, value in events["saliency/grad_cam/upper_half"]]
    np.testing.assert_allclose(written, np.nanmean(values, axis=1), rtol=1e-5)
    assert "saliency/grad_cam/upper_half_worst" in events


def test_what_it_needs_decides_what_it_is_given():
    @statistic("on_object", needs=("object_masks", "predictions"))
    def on_object(maps, probes, *, predictions):
        return (maps.unit * probes.object_masks).sum(axis=(1, 2)) * predictions

    masks = np.zeros((2, 2, 2), bool)
    masks[:, 0] = True
    maps = attend([[[1, 2], [3, 4]], [[1, 1], [1, 1]]])
    found = on_object(maps, Probes(object_masks=masks), predictions=2)
    np.testing.assert_allclose(found, [0.6, 1])
    assert found.dtype == np.float32
    assert STATISTICS["on_object"].needs == ("object_masks", "predictions")


def test_a_need_that_nothing_meets_is_refused_at_once():
    with pytest.raises(ValueError, match=r"'brightness' holds 'images'. Pass some of: 'cue_map'"):
        statistic("brightness", needs="images")
    assert "brightness" not in STATISTICS


@pytest.mark.parametrize("returned", [1.0, np.ones((6, 1)), np.ones(5)])
def test_one_that_returns_no_number_for_each_probe_is_left_out_alone(
    tmp_path, data, probes, returned
):
    statistic("broken")(lambda maps: returned)
    callback = SaliencyCallback(probes, tmp_path, detectors=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(callback, data, epochs=1)
    assert any("must return one number for each probe, (6,)" in str(w.message) for w in caught)
    assert callback.history.epochs == [-1, 0]
    assert "broken" not in callback.history["grad_cam"]
    assert "gini" in callback.history["grad_cam"]
