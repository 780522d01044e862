"""What a class loses where a region of others is put on its probes."""

import numpy as np
import pytest
from helpers.checked_models import LABELS, TAG, draw, reads_object, reads_tag
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.removal import NUM_PAIRS, Removal, remove
from keras_saliency.shortcuts.swaps import PatchSwap


def removal_of(logits_of, labels=LABELS, class_index=2):
    scene, _ = scene_of(ProbeSet(draw(labels), labels), logits_of)
    swap = PatchSwap(scene, lambda donors, _: np.tile(TAG, (len(donors), 1)))
    return remove(scene, swap, class_index, np.random.default_rng(0))


def test_a_class_is_lost_with_the_tag_that_it_is_read_from():
    removal = removal_of(reads_tag(4))
    assert removal.num_probes == 10, "each probe of the class once, whatever its pairs"
    assert removal.share == 1 and removal.control < 0.5
    assert removal.is_proven(0.2) and not removal.is_proven(1.01 - removal.control)


def test_a_class_stays_where_the_region_is_not_read():
    removal = removal_of(reads_object(4))
    assert removal.num_probes == 10 and removal.share == 0
    assert not removal.is_proven(0.0), "nothing is lost for certain"


def test_each_probe_counts_once_however_many_pairs_it_is_in():
    labels = np.where(np.arange(40) < 28, LABELS, 0)  # seven of class 2, in 14 or 15 pairs each
    tag = reads_tag(4)

    def logits(images):
        """Bright pixels outside of the tag keep the class, whatever the tag says."""
        found = tag(images)
        found[images[:, 8, 0, 0] > 0.5] = [0, 0, 9, 0]
        return found

    num_kept = (draw(labels)[labels == 2, 8, 0, 0] > 0.5).sum()
    assert 0 < num_kept < 7 and NUM_PAIRS % 7
    removal = removal_of(logits, labels)
    assert removal.num_probes == 7 and removal.share == pytest.approx(1 - num_kept / 7, abs=1e-12)


@pytest.mark.parametrize("said", [0, 1])
def test_nothing_is_removed_where_the_model_is_never_right(said):
    removal = removal_of(lambda x: np.eye(4)[np.full(len(x), said)])
    assert removal.num_probes == 0 and not removal.is_proven(0.0)
    assert np.isnan(removal.share) and np.isnan(removal.control)


def test_a_loss_is_proven_by_its_excess_and_its_bound():
    def removal(lost, elsewhere, num=20):
        return Removal(np.full(num, lost), np.full(num, elsewhere))

    assert removal(0.75, 0.5).is_proven(0.25)  # Wilson's lower bound is 0.531
    assert not removal(0.75, 0.5).is_proven(0.26)
    assert not removal(0.75, 0.54).is_proven(0.2), "the bound does not exceed the control"
    assert removal(0.75, 0.54, num=200).is_proven(0.2)
