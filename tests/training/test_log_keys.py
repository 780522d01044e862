"""What of the statistics stands in `logs`."""

import numpy as np
import pytest
from helpers.training import fit

from keras_saliency import SaliencyCallback


def test_log_keys_are_present_and_finite_in_every_epoch(tmp_path, data, probes):
    callback = SaliencyCallback(
        probes, tmp_path, epoch_freq=3, log_keys=("drift", "gini", "iou_start")
    )
    history = fit(callback, data, epochs=5).history
    for key in ("grad_cam_drift", "grad_cam_gini", "grad_cam_iou_start"):
        assert len(history[key]) == 5 and np.isfinite(history[key]).all()
        assert history[key][0] == history[key][1] == history[key][2] != history[key][3]
    assert callback.history.epochs == [-1, 0, 3]


def test_what_the_probes_have_no_axis_for_cannot_be_logged():
    from keras_saliency import ProbeSet
    from keras_saliency.training.log_keys import check_log_keys

    images = ProbeSet(np.zeros((2, 8, 8, 1)) + np.arange(2).reshape(2, 1, 1, 1))
    with pytest.raises(ValueError, match='"centroid_z", which probes of shape'):
        check_log_keys(("centroid_z",), images, 1)
    assert check_log_keys(("centroid_y",), images, 1)
