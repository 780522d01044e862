"""Donors, recipients and controls."""

import numpy as np

from keras_saliency.shortcuts.swaps import (
    Pairs,
    draw_controls,
    draw_pairs,
)


def test_donors_have_the_class_and_recipients_neither_have_it_nor_are_said_to(rng):
    has, said = rng.random((2, 60, 3)) < 0.4
    pairs = draw_pairs(has, said, [0, 2], 90, rng)
    assert np.unique(pairs.classes, return_counts=True)[1].tolist() == [45, 45]
    for d, r, c in zip(pairs.donors, pairs.recipients, pairs.classes, strict=True):
        assert has[d, c] and said[d, c]
        assert not has[r, c] and not said[r, c]
    for c in (0, 2):
        of_class = pairs.take(pairs.classes == c)
        lenders = np.flatnonzero(has[:, c] & said[:, c])
        takers = np.flatnonzero(~has[:, c] & ~said[:, c])
        for members, drawn in ((lenders, of_class.donors), (takers, of_class.recipients)):
            counts = [(drawn == member).sum() for member in members]
            assert sum(counts) == 45 and max(counts) - min(counts) <= 1


def test_a_class_without_donor_or_recipient_has_no_pairs(rng):
    has = np.eye(3, dtype=bool)[[0, 0, 1, 1, 2]]
    said = np.eye(3, dtype=bool)[[0, 0, 0, 0, 2]]
    assert set(draw_pairs(has, said, [0, 1, 2], 30, rng).classes.tolist()) == {0, 2}
    everyone = np.ones((4, 1), bool)
    nobody = draw_pairs(everyone, everyone, [0], 30, rng)
    assert len(nobody) == 0 and nobody.take(nobody.classes == 0).donors.dtype.kind == "i"


def test_a_control_has_the_recipients_labels_but_is_another_probe(rng):
    has = np.eye(4, dtype=bool)[[0] * 8 + [1] * 8 + [2]]
    pairs = Pairs(np.zeros(30, int), rng.integers(8, 17, 30), np.zeros(30, int))
    controls = draw_controls(pairs, has, rng)
    np.testing.assert_array_equal(controls.recipients, pairs.recipients)
    np.testing.assert_array_equal(controls.classes, pairs.classes)
    for donor, recipient in zip(controls.donors, pairs.recipients, strict=True):
        assert donor != recipient and not has[donor, 0]
        assert recipient == 16 or 8 <= donor < 16  # nobody else is like probe 16
    alone = draw_controls(Pairs(*np.array([[0], [8], [0]])), has[:9], rng)
    assert alone.donors.tolist() == [8]
