"""What is no setting is refused when the callback is made."""

import warnings

import pytest
from helpers.training import fit

from keras_saliency import SaliencyCallback


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epoch_freq": 0}, ValueError, "epoch_freq must be an int of at least 1. Received: 0"),
        ({"epoch_freq": 1.5}, ValueError, "epoch_freq must be an int"),
        ({"num_drawn": 0}, ValueError, "num_drawn must be an int of at least 1"),
        ({"chunk_size": -3}, ValueError, "chunk_size must be an int of at least 1"),
        ({"target": "truth"}, ValueError, 'target must be "label", "predicted" or a class index'),
        ({"target": -1}, ValueError, "target must be"),
        ({"target": True}, ValueError, "target must be"),
        ({"log_keys": ("drfit",)}, ValueError, 'unknown statistic "drfit"'),
        (
            {"log_keys": ("object_mass",)},
            ValueError,
            "needs object_masks, but the probes have none",
        ),
        ({"log_keys": "drift"}, TypeError, "log_keys must be a sequence of names"),
        ({"log_keys": ("drift", "drift")}, ValueError, "twice"),
        ({"log_keys": ("drift", "drift_previous")}, ValueError, "twice"),
        ({"log_keys": ("method_agreement",)}, ValueError, "needs two methods"),
        ({"log_dir": "a\0b"}, ValueError, "no path that a file system takes"),
        ({"log_keys": None}, TypeError, "log_keys must be a sequence of names"),
        ({"methods": "cam"}, ValueError, 'unknown method "cam"'),
        ({"sinks": "nowhere"}, ValueError, 'unknown sink "nowhere"'),
        ({"sinks": [3]}, TypeError, "names or Sink objects"),
        ({"on_error": "ignore"}, ValueError, 'on_error must be "warn" or "raise"'),
        ({"log_dir": None}, TypeError, "log_dir must be a path. Received: None"),
        ({"log_dir": ""}, TypeError, "log_dir must be a path"),
        ({"history_maps": "small"}, ValueError, 'must be "reduced" .*"native" or None'),
        ({"history_maps": False}, ValueError, "history_maps must be"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(tmp_path, probes, options, error, message):
    with pytest.raises(error, match=message):
        SaliencyCallback(probes, **({"log_dir": tmp_path} | options))


def test_a_setting_can_be_assigned_and_is_checked(tmp_path, probes):
    class Mine(SaliencyCallback):
        def __init__(self, watched):
            super().__init__(watched, tmp_path, legitimate=["border"], detectors=["colour"])
            self.probes = watched
            self.epoch_freq = 2

    callback = Mine(probes)
    assert callback.probes is probes and callback.settings.epoch_freq == callback.epoch_freq == 2
    assert callback.battery.names == ("colour",) and callback.legitimate.cues == {"border"}
    with pytest.raises(ValueError, match="num_drawn must be an int of at least 1"):
        callback.num_drawn = 0


def test_what_is_refused_is_refused_before_anything_else_is_said(tmp_path, data, probes):
    with warnings.catch_warnings(), pytest.raises(ValueError, match="target must lie in 0 ... 3"):
        warnings.simplefilter("error", UserWarning)
        fit(SaliencyCallback(probes, tmp_path, target=9), data, epochs=1)
    assert not list(tmp_path.iterdir())
