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
    assert alert.loss_interval[0] > 0.04 and alert.accuracy_loss > 0.3
    assert alert.adoption - alert.control >= 0.2 and alert.evidence.dtype == np.uint8
    assert alert.message.startswith("Rows 0–3, columns 0–3: the model relies on this region")
    low = f"{100 * alert.loss_interval[0]:.0f}"
    assert f"At least {low} points of accuracy depend on it" in alert.message
    other = confirm(model, probes_of(), (9, 9, 13, 13))
    assert other.severity == "suspect" and other.region == (9, 9, 13, 13)
    assert other.loss_interval[0] <= 0.04 and abs(other.accuracy_loss) < 0.1
    assert "nothing proves that" in other.message


def test_confirm_is_the_same_again(model):
    first, again = (confirm(model, probes_of(), TAG) for _ in range(2))
    assert first.to_dict() == again.to_dict()


@pytest.mark.parametrize("donor_class", range(NUM_CLASSES))
def test_the_region_of_one_class_is_put_on_the_others(model, donor_class):
    alert = confirm(model, probes_of(), TAG, donor_class=donor_class)
    assert alert.class_index == donor_class and alert.severity == "alert"
    assert "It costs other classes at least" in alert.message


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


def test_confirm_needs_labels_and_enough_probes(model):
    with pytest.raises(ValueError, match="confirm needs labelled probes"):
        confirm(model, probes_of().images, TAG)
    images, labels = draw(36, 2)
    with pytest.raises(ValueError, match="at least 4 probes of a class, and 10 of other.*9 probes"):
        confirm(model, (images[:9], labels[:9]), TAG)
    few = images[labels < 2], labels[labels < 2]
    with pytest.raises(ValueError, match='Received: 24 probes, 0 of class "2"'):
        confirm(model, few, TAG, donor_class=2)


def test_a_model_that_is_always_wrong_has_nothing_to_lose(model):
    images, labels = draw(36, 2)
    alert = confirm(model, (images, (labels + 1) % NUM_CLASSES), (9, 9, 13, 13))
    assert alert.severity == "suspect" and alert.accuracy_loss <= 0


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
