"""Who lends to whom."""

import numpy as np
import pytest

from keras_saliency.shortcuts.swaps import ClassLabels, PairDrawer, Pairs


def labels_of(labels, num_classes=3):
    return ClassLabels(np.eye(num_classes, dtype=bool)[np.asarray(labels)], False)


def drawer_of(class_labels, classes, seed=0, recipients=None, donors=None, folds=None):
    everyone = np.arange(len(class_labels.has_class))
    recipients, donors = (everyone if e is None else e for e in (recipients, donors))
    rng = np.random.default_rng(seed)
    return PairDrawer(class_labels, classes, recipients, donors, rng, folds)


def test_each_recipient_has_a_donor_of_its_own_class_and_one_of_another_and_never_itself():
    labels = np.arange(30) % 3
    pairs = drawer_of(labels_of(labels), [0, 1, 2]).draw(75)
    assert len(pairs) == 150 and pairs.num_recipients == 30
    for donor, recipient, c, is_own in zip(
        pairs.donors, pairs.recipients, pairs.classes, pairs.is_own, strict=True
    ):
        assert donor != recipient and c == labels[donor]
        assert is_own == (labels[donor] == labels[recipient])
    own, other = pairs.take(pairs.is_own), pairs.take(~pairs.is_own)
    np.testing.assert_array_equal(own.recipients, other.recipients)


def test_each_image_of_a_class_lends_about_as_often_and_is_edited_as_often():
    labels = np.repeat([0, 1, 2], [20, 6, 10])
    pairs = drawer_of(labels_of(labels), [0, 1, 2]).draw(360)
    edited = np.bincount(pairs.recipients, minlength=36)
    assert edited.min() == edited.max() == 20  # 10 with a donor of its own class, 10 with another
    lent = np.bincount(pairs.donors, minlength=36)
    for c in range(3):
        of_class = lent[labels == c]
        assert of_class.min() > 0 and of_class.max() - of_class.min() <= 2


def test_classes_take_turns_among_the_recipients_however_rare():
    labels = np.repeat([0, 1, 2], [30, 4, 4])
    pairs = drawer_of(labels_of(labels), [0, 1, 2]).draw(12)
    rounds = labels[pairs.recipients[pairs.is_own]].reshape(4, 3)
    assert [sorted(classes) for classes in rounds.tolist()] == [[0, 1, 2]] * 4


def test_the_other_class_is_any_of_the_others_alike():
    labels = np.repeat([0, 1, 2], [40, 5, 40])
    pairs = drawer_of(labels_of(labels), [0, 1, 2], recipients=np.arange(40)).draw(400)
    counts = np.bincount(pairs.classes[~pairs.is_own], minlength=3)
    assert counts[0] == 0 and 160 < counts[1] < 240, "the rare class lends as often as the other"


def test_images_of_classes_that_are_not_drawn_take_no_part():
    labels = np.arange(40) % 4
    pairs = drawer_of(labels_of(labels, 4), [0, 3]).draw(60)
    assert set(labels[pairs.donors]) == set(labels[pairs.recipients]) == {0, 3}


def test_only_those_that_may_are_edited_and_lend():
    labels = np.arange(40) % 2
    recipients, donors = np.arange(25), np.arange(15, 40)
    drawer = drawer_of(labels_of(labels, 2), [0, 1], recipients=recipients, donors=donors)
    assert set(drawer.recipients) == set(recipients)
    pairs = drawer.draw(100)
    assert set(pairs.recipients) == set(recipients) and set(pairs.donors) == set(donors)


def test_both_of_a_pair_are_of_one_fold():
    folds = np.random.default_rng(1).integers(0, 2, 40)
    pairs = drawer_of(labels_of(np.arange(40) % 2, 2), [0, 1], folds=folds).draw(80)
    assert len(pairs) == 160 and set(folds[pairs.donors]) == {0, 1}
    np.testing.assert_array_equal(folds[pairs.donors], folds[pairs.recipients])


def test_a_recipient_without_both_kinds_of_donors_is_passed_over():
    labels = np.array([0] * 6 + [1] * 6 + [2])  # nobody else is of class 2
    pairs = drawer_of(labels_of(labels), [0, 1, 2]).draw(26)
    assert 12 not in pairs.recipients and 12 in pairs.donors
    alone = drawer_of(labels_of(labels), [0]).draw(10)
    assert len(alone) == 0 and alone.donors.dtype.kind == "i", "no class lends to class 0"
    assert len(drawer_of(labels_of(labels), [0, 1], recipients=np.zeros(0, int)).draw(5)) == 0


def test_each_label_of_a_multi_label_task_is_a_question_by_itself():
    has = np.random.default_rng(2).random((40, 3)) < 0.4
    pairs = drawer_of(ClassLabels(has, True), [0, 2]).draw(160)
    assert np.unique(pairs.classes, return_counts=True)[1].tolist() == [160, 160]
    for donor, recipient, c, is_own in zip(
        pairs.donors, pairs.recipients, pairs.classes, pairs.is_own, strict=True
    ):
        assert donor != recipient and (has[donor, c] == has[recipient, c]) == is_own
    assert {len(np.unique(pairs.recipients[pairs.classes == c])) for c in (0, 2)} == {40}


@pytest.mark.parametrize("is_multi_label", [False, True])
def test_pairs_depend_on_the_seed_alone(is_multi_label):
    labels = ClassLabels(np.eye(3, dtype=bool)[np.arange(30) % 3], is_multi_label)
    first, again, other = (drawer_of(labels, [0, 1, 2], seed).draw(40) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.donors, again.donors)
    np.testing.assert_array_equal(first.recipients, again.recipients)
    assert (first.donors != other.donors).any()


def test_the_partner_is_the_other_donor_of_the_recipient():
    pairs = drawer_of(labels_of(np.arange(30) % 3), [0, 1, 2]).draw(20)
    drawn = pairs.donors.reshape(-1, 2)
    np.testing.assert_array_equal(pairs.partners.reshape(-1, 2), drawn[:, ::-1])
    others = Pairs.join([pairs, pairs]).take(~np.tile(pairs.is_own, 2))
    np.testing.assert_array_equal(others.partners, np.tile(drawn[:, 0], 2))


def test_pairs_are_joined_and_taken_in_order():
    first = Pairs(np.array([1, 2]), np.array([3, 3]), np.array([0, 1]), np.array([True, False]))
    both = Pairs.join([first, first.take([1])])
    assert both.donors.tolist() == [1, 2, 2] and both.is_own.tolist() == [True, False, False]
    assert (both.num_donors, both.num_recipients, len(both)) == (2, 1, 3)
    assert both.partners.tolist() == [1, 2, 2], "the donors, as none were drawn with them"
    assert len(Pairs.join([])) == 0 and Pairs.join([]).num_donors == 0
