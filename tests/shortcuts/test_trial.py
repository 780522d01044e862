"""Trials: swaps on many pairs, of models whose true loss is known."""

import dataclasses

import numpy as np
import pytest
from helpers.checked_models import SIZE, TAG, draw, reads_object, reads_tag
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts import Proposal, SwapDetector
from keras_saliency.shortcuts.loss import BOUND, CLASS_BOUND, Loss, estimate_loss
from keras_saliency.shortcuts.swaps import BoxSwap
from keras_saliency.shortcuts.trying import LEAST_OF_CLASS, MAX_DONORS, STAGES, run_trial

DETECTOR = SwapDetector("tag", lambda *_: [], "a tag", "", frozenset())


def by_tag_where_marked(num_classes, head=lambda logits: logits):
    """Reads the tag in images with a mark in the corner, and the object in the others."""
    tag, objects = reads_tag(num_classes), reads_object(num_classes)

    def logits(images):
        is_marked = images[:, -1, -1, :1] > 0.5
        return head(np.where(is_marked, tag(images), objects(images)))

    return logits


def marked(labels, share, **more):
    """Probes of which so many are told by their tag."""
    images = draw(labels)
    rank = np.random.default_rng(4).permutation(len(labels))
    images[:, -1, -1] = (rank < share * len(labels))[:, None]
    return ProbeSet(images, labels, **more)


def proposal_of(scene, box=TAG, **more):
    rows = np.arange(len(scene.probes))
    return Proposal(BoxSwap(scene, box, False), rows, rows, **more)


def try_tag(probes, logits_of, classes=None, stages=STAGES, **more):
    scene, _ = scene_of(probes, logits_of)
    classes = scene.class_labels.frequent_classes() if classes is None else classes
    rng = np.random.default_rng(0)
    return run_trial(scene, DETECTOR, proposal_of(scene, **more), classes, rng, stages)


def one_unit(logits):
    return logits[:, 1:] - logits[:, :1]


@pytest.mark.parametrize("share", [0.25, 0.6, 1.0])
@pytest.mark.parametrize(
    ("num_classes", "head"), [(2, lambda x: x), (2, one_unit), (6, lambda x: x)]
)
def test_the_interval_holds_the_accuracy_that_a_random_tag_costs(num_classes, head, share):
    """Where the tag is of a random class, one in K is right by chance: the gap is share·(1−1/K)."""
    labels = np.arange(60) % num_classes
    trial = try_tag(marked(labels, share), by_tag_where_marked(num_classes, head))
    gap = share * (1 - 1 / num_classes)
    assert trial.loss.low - 1e-9 <= gap <= trial.loss.high + 1e-9
    assert trial.loss.value == pytest.approx(gap, abs=0.05)
    assert trial.is_proven and trial.worst == trial.loss and trial.bound == BOUND
    assert trial.loss.high - trial.loss.low < 0.3


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_of_labels_each_has_a_loss_of_its_own(share):
    """Label 0 has a tag, which decides on it in some images; label 1 is told by its object."""
    rng = np.random.default_rng(5)
    has = np.stack([np.arange(80) % 2, np.arange(80) // 2 % 2], axis=1)
    images = rng.uniform(0.4, 0.6, size=(80, *SIZE, 3)).astype(np.float32)
    images[:, :4, :4] = has[:, 0, None, None, None]
    images[:, 8, 8:10] = has[:, None, :, None].transpose(0, 2, 1, 3)[:, :, 0]
    images[:, -1, -1] = (rng.permutation(80) < share * 80)[:, None]

    def logits(x):
        is_marked = x[:, -1, -1, 0] > 0.5
        first = np.where(is_marked, x[:, :4, :4].mean(axis=(1, 2, 3)), x[:, 8, 8, 0])
        return np.stack([first, x[:, 8, 9, 0]], axis=1) - 0.5

    trial = try_tag(ProbeSet(images, has.astype(np.float32)), logits)
    assert trial.loss is None and set(trial.by_class) == {0, 1}
    assert trial.by_class[0].low <= share / 2 <= trial.by_class[0].high
    assert trial.by_class[0].value == pytest.approx(share / 2, abs=0.05)
    assert trial.by_class[1] == (0, 0, 0)
    assert trial.worst == trial.by_class[0] and trial.accused_class == 0


@pytest.mark.parametrize("num_classes", [2, 6])
def test_a_model_that_reads_the_object_loses_nothing_and_is_soon_done_with(num_classes):
    trial = try_tag(marked(np.arange(60) % num_classes, 0), by_tag_where_marked(num_classes))
    assert trial.loss == (0, 0, 0) and set(trial.by_class.values()) <= {(0, 0, 0)}
    assert not trial.is_proven and not trial.is_undecided
    assert len(trial.pairs) == 2 * max(STAGES[0], LEAST_OF_CLASS * num_classes), "it stops at once"


def test_pairs_are_drawn_while_it_is_undecided_up_to_eight_donors_for_each_recipient():
    labels = np.arange(40) % 2
    trial = try_tag(marked(labels, 0.1), by_tag_where_marked(2))
    assert trial.is_undecided and trial.loss.low < BOUND < trial.loss.high
    counts = np.bincount(trial.pairs.recipients[~trial.pairs.is_own])
    assert set(counts) == {MAX_DONORS}
    sure = try_tag(marked(labels, 1), by_tag_where_marked(2))
    assert len(sure.pairs) == 2 * STAGES[0], "as soon as it is proven, no more"


@pytest.mark.parametrize("num_classes", [3, 20])
def test_with_however_many_classes_it_goes_on_while_it_is_undecided(num_classes):
    labels = np.arange(100) % num_classes
    images = np.full((100, *SIZE, 3), 0.5, np.float32)
    codes = np.arange(num_classes) / (num_classes - 1)
    images[:, :4, :4] = images[:, 8:10, 8:10] = codes[labels][:, None, None, None]
    is_read = np.random.default_rng(0).random(100) < 0.05
    images[:, -1, -1] = is_read[:, None]

    def logits(x):
        value = np.where(x[:, -1, -1, 0] > 0.9, x[:, 0, 0, 0], x[:, 8, 8, 0])
        return -np.abs(value[:, None] - codes)

    trial = try_tag(ProbeSet(images, labels, object_masks=None), logits)
    assert trial.is_undecided and len(trial.pairs) > 2 * STAGES[1]


def test_the_loss_is_the_formula_over_all_pairs_and_that_of_a_class_over_its_donors():
    labels = np.arange(60) % 3
    trial = try_tag(marked(labels, 0.3), by_tag_where_marked(3), stages=[120])
    pairs, is_right = trial.pairs, trial.scores
    expected_said = trial.said[np.arange(len(pairs)), labels[pairs.recipients]]
    np.testing.assert_array_equal(is_right, expected_said)
    expected = estimate_loss(
        is_right, pairs.recipients, pairs.donors, pairs.is_own, factor=2 / 3, confidence=0.95
    )
    np.testing.assert_allclose(trial.loss, expected)
    for c in range(3):
        is_asked = ~pairs.is_own & (pairs.classes == c)
        takes_part = set(pairs.recipients[is_asked].tolist())
        asked = [
            i
            for i, recipient in enumerate(pairs.recipients.tolist())
            if is_asked[i] or (pairs.is_own[i] and recipient in takes_part)
        ]
        some = pairs.take(np.array(asked))
        expected = estimate_loss(
            is_right[asked],
            some.recipients,
            some.donors,
            some.is_own,
            factor=1,
            confidence=1 - 0.05 / 3,
        )
        np.testing.assert_allclose(trial.by_class[c], expected)


def one_class_has_a_cue(labels, c):
    """All tags are grey, but for those of one class, which are black."""
    images = draw(labels)
    images[:, :4, :4] = np.where(labels == c, 0.0, 0.5)[:, None, None, None]
    return ProbeSet(images, labels)


def brings(c, num_classes):
    """A black tag makes anything one of the class; without it, objects are read."""
    objects = reads_object(num_classes)

    def logits(x):
        found = objects(x)
        found[x[:, :4, :4].mean(axis=(1, 2, 3)) < 0.1, c] = 99
        return found

    return logits


def needs(c, num_classes):
    """Objects of the class are not known without a black tag; the tag alone brings nothing."""
    objects = reads_object(num_classes)

    def logits(x):
        found = objects(x)
        has_tag = x[:, :4, :4].mean(axis=(1, 2, 3)) < 0.1
        is_class = found.argmax(axis=1) == c
        found[is_class & ~has_tag, (c + 1) % num_classes] = 99
        return found

    return logits


def test_a_cue_in_one_class_of_six_is_its_loss_by_class():
    labels = np.arange(90) % 6
    trial = try_tag(one_class_has_a_cue(labels, 2), brings(2, 6), stages=[240])
    assert trial.by_class[2].value == 1 and trial.accused_class == 2
    others = [trial.by_class[c].value for c in (0, 1, 3, 4, 5)]
    assert max(others) == 0, "the objects of class 2 are still known without the tag"
    # Of the recipients five in six are of other classes, and a fifth of their donors have the tag.
    assert trial.loss.low <= 5 / 6 * 5 / 6 / 5 <= trial.loss.high


@pytest.mark.parametrize("model", [brings, needs])
def test_the_class_with_the_cue_is_accused_whether_it_is_given_or_taken(model):
    labels = np.arange(60) % 4
    for c in range(4):
        trial = try_tag(one_class_has_a_cue(labels, c), model(c, 4))
        assert trial.is_proven and trial.accused_class == c


@pytest.mark.parametrize("c", [0, 1])
def test_of_two_classes_the_one_that_is_adopted_is_accused(c):
    trial = try_tag(one_class_has_a_cue(np.arange(60) % 2, c), brings(c, 2))
    assert trial.is_proven and trial.accused_class == c
    assert trial.adopted(c, is_own=False)[1].any()


def test_only_classes_that_are_tested_are_accused_and_all_are_edited():
    labels = np.arange(60) % 4
    trial = try_tag(marked(labels, 1), by_tag_where_marked(4), classes=[2])
    assert trial.loss is None, "not all classes are tested"
    assert set(trial.by_class) == {2} and trial.accused_class == 2
    assert set(labels[trial.pairs.recipients]) == {0, 1, 2, 3}


def test_too_few_images_have_no_loss():
    labels = np.array([0] * 3 + [1] * 5)
    trial = try_tag(marked(labels, 1), by_tag_where_marked(2))
    assert trial.loss is None and trial.by_class == {}
    assert trial.worst == (0, 0, 0) and not trial.is_proven and not trial.is_undecided
    few = np.array([0] * 3 + [1] * 20)  # 3 donors of class 0, 3 recipients for class 1
    assert try_tag(marked(few, 1), by_tag_where_marked(2)).by_class == {}


def test_what_another_swap_costs_is_subtracted():
    """The tag is all that counts, and both boxes hold it: neither costs more than the other."""
    labels = np.arange(60) % 3
    probes, model = marked(labels, 1), by_tag_where_marked(3)
    scene, _ = scene_of(probes, model)
    same = BoxSwap(scene, (0, 0, 8, 8), False)
    assert try_tag(probes, model, less=same).loss == (0, 0, 0)
    elsewhere = BoxSwap(scene, (10, 10, 14, 14), False)
    assert try_tag(probes, model, less=elsewhere).loss.value == pytest.approx(2 / 3)


def test_adoption_is_among_recipients_without_the_class():
    labels = np.arange(60) % 3
    trial = try_tag(marked(labels, 1), by_tag_where_marked(3))
    pairs = trial.pairs
    shown, adopted = trial.adopted(1, is_own=False)
    expected = [
        labels[r] != 1 and labels[d] == 1
        for r, d in zip(pairs.recipients, pairs.donors, strict=True)
    ]
    np.testing.assert_array_equal(shown, expected)
    np.testing.assert_array_equal(adopted, shown)  # the tag is all that counts
    control_shown, control = trial.adopted(1, is_own=True)
    np.testing.assert_array_equal(control_shown, pairs.is_own & (labels[pairs.recipients] != 1))
    assert not control.any()
    np.testing.assert_array_equal(trial.lost, ~pairs.is_own)


def test_the_worst_is_the_loss_over_all_classes_where_that_is_proven():
    labels = np.arange(90) % 6
    trial = try_tag(one_class_has_a_cue(labels, 2), brings(2, 6), stages=[240])
    assert trial.loss.low > BOUND and trial.worst == trial.loss
    weak = dataclasses.replace(trial, scores=np.where(trial.pairs.classes == 2, trial.scores, 1))
    assert weak.by_class[2].value == 1
    assert weak.is_proven
    silent = dataclasses.replace(trial, scores=np.ones(len(trial.scores)))
    assert silent.worst == (0, 0, 0)


@pytest.mark.parametrize(
    "low, is_proven", [(CLASS_BOUND - 0.01, False), (CLASS_BOUND + 0.01, True)]
)
def test_the_loss_to_donors_of_one_class_has_a_higher_bound(low, is_proven):
    """Each class is one more chance of an alert, on fewer pairs."""
    labels = np.arange(90) % 6
    trial = try_tag(one_class_has_a_cue(labels, 2), brings(2, 6), stages=[60])
    trial.__dict__["loss"] = Loss(0.03, 0.01, 0.05)
    trial.__dict__["by_class"] = {1: Loss(0, -0.2, 0.2), 2: Loss(low + 0.1, low, low + 0.2)}
    assert trial.is_proven == is_proven
    assert trial.worst == trial.by_class[2] and trial.bound == CLASS_BOUND
    assert trial.is_undecided == (not is_proven)
    trial.__dict__["loss"] = Loss(0.06, BOUND + 0.001, 0.08)
    assert trial.is_proven and trial.worst == trial.loss and trial.bound == BOUND


@pytest.mark.parametrize(("high", "is_proven"), [(-0.01, False), (0.01, True)])
def test_where_other_donors_do_less_harm_one_class_shows_nothing(high, is_proven):
    labels = np.arange(90) % 6
    trial = try_tag(one_class_has_a_cue(labels, 2), brings(2, 6), stages=[60])
    trial.__dict__["loss"] = overall = Loss(-0.06, -0.12, high)
    trial.__dict__["by_class"] = {2: Loss(0.25, CLASS_BOUND + 0.02, 0.4)}
    assert trial.is_proven == is_proven
    assert trial.worst == (trial.by_class[2] if is_proven else overall)
    assert not trial.is_undecided


def test_a_label_is_no_chance_among_several_but_a_question():
    """So its loss has the bound of a loss over all classes."""
    labels = np.arange(90) % 6
    trial = try_tag(one_class_has_a_cue(labels, 2), brings(2, 6), stages=[60])
    of_labels = dataclasses.replace(trial, is_multi_label=True)
    of_labels.__dict__["loss"] = None
    of_labels.__dict__["by_class"] = {2: Loss(0.08, BOUND + 0.01, 0.12)}
    assert of_labels.is_proven


@pytest.mark.parametrize(("reads", "is_asked"), [(reads_object, False), (reads_tag, True)])
def test_what_a_swap_costs_beyond_another_is_asked_only_where_it_costs_something(reads, is_asked):
    class Counted(BoxSwap):
        num_asked = 0

        def predict(self, pairs):
            self.num_asked += len(pairs)
            return super().predict(pairs)

    scene, _ = scene_of(ProbeSet(draw(np.arange(40) % 4), np.arange(40) % 4), reads(4))
    other = Counted(scene, (12, 12, 16, 16), False)
    rng = np.random.default_rng(0)
    trial = run_trial(scene, DETECTOR, proposal_of(scene, less=other), range(4), rng)
    assert other.num_asked == (len(trial.pairs) if is_asked else 0)
    assert trial.is_proven == is_asked
