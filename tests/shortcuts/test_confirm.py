"""`confirm` on a model that a tag was trained into, and what is refused before a training."""

import numpy as np
import pytest
from helpers.tagged_training import NUM_CLASSES, TAG, draw, probes_of, train

from keras_saliency import SaliencyCallback, confirm


@pytest.fixture(scope="module")
def model():
    return train([], epochs=3)[0]


def test_confirm_tells_the_tag_from_another_place(model):
    alert = confirm(model, probes_of(), TAG)
    assert (alert.severity, alert.detector, alert.region) == ("alert", "confirm", TAG)
    assert alert.adoption - alert.control >= 0.2 and alert.evidence.dtype == np.uint8
    assert "the model decides by the region" in alert.message
    adopted = round(alert.adoption * alert.num_pairs)
    assert f"{adopted} of {alert.num_pairs} pairs with {alert.num_donors} donors" in alert.message
    hint = confirm(model, probes_of(), (9, 9, 13, 13))
    assert hint.severity == "hint" and hint.adoption - hint.control < 0.2
    assert "nothing proves that" in hint.message
    assert confirm(model, probes_of(), TAG, donor_class=1).class_index == 1


@pytest.mark.parametrize(
    ("region", "more", "error", "words"),
    [
        ((0, 0, 17, 4), {}, ValueError, "region must lie in the image of 16×16"),
        ((4, 4, 4, 8), {}, ValueError, "region must lie in the image.*not be empty"),
        ((0, 0, 4), {}, TypeError, "region must be .y0, x0, y1, x1"),
        ("corner", {}, TypeError, "region must be.*corner"),
        (TAG, {"donor_class": 3}, ValueError, "donor_class must be a class of the model, 0 ... 2"),
    ],
)
def test_confirm_refuses_what_is_no_region(model, region, more, error, words):
    with pytest.raises(error, match=words):
        confirm(model, probes_of(), region, **more)


def test_confirm_needs_labels_and_a_model_that_is_right(model):
    with pytest.raises(ValueError, match="confirm needs labelled probes"):
        confirm(model, probes_of().images, TAG)
    images, labels = draw(36, 2)
    with pytest.raises(ValueError, match="at least 4 probes.*0% of 36 probes right"):
        confirm(model, (images, (labels + 1) % NUM_CLASSES), TAG)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"detectors": ["edges"]}, ValueError, "unknown detector.*edges"),
        ({"detectors": True}, TypeError, "detectors must be"),
        ({"legitimate": ["edges"]}, ValueError, "legitimate holds.*edges"),
        ({"legitimate": [(0, 0, 20, 20)]}, ValueError, "legitimate must lie in the image"),
        ({"on_alert": "mail"}, ValueError, "on_alert must be.*mail"),
        ({"detect_freq": 0}, ValueError, "detect_freq must be"),
    ],
)
def test_what_is_no_setting_is_refused_before_fit(options, error, words):
    with pytest.raises(error, match=words):
        SaliencyCallback(probes_of(), **options)
