"""What a battery is asked for and refuses; and the detectors that swap nothing: groups, hints."""

import re

import numpy as np
import pytest
from helpers.checked_models import LABELS, NAMES, SIZE, Checks, draw, reads_tag
from helpers.stand_ins import Probes

from keras_saliency import Battery, ProbeSet
from keras_saliency.shortcuts import Hints, Legitimate
from keras_saliency.shortcuts.groups import GroupGap
from keras_saliency.shortcuts.swaps import ClassLabels, wilson_bounds
from keras_saliency.training.settings import check_on_alert


@pytest.fixture(scope="module")
def four():
    return ProbeSet(draw(LABELS), LABELS, class_names=NAMES)


def test_legitimate_words_switch_detectors_off(four):
    legitimate = Legitimate.of(["border", "colour"], SIZE)
    checks = Checks(four, 4, legitimate=legitimate)
    names = [d.name for d in checks.examiner.detectors]
    assert names == ["stationary", "moving", "texture", "pattern"]
    assert "border, which is legitimate" in checks.untested
    assert "surroundings, which is legitimate" in checks.untested
    assert "background, which needs object_masks" in checks.untested


def test_texture_is_not_tested_where_a_class_is_yes_or_no(four):
    assert "texture" in {d.name for d in Checks(four, 4).examiner.detectors}
    two = ProbeSet(four.images, LABELS % 2)
    multi_label = ProbeSet(four.images, np.eye(4)[LABELS] + np.eye(4)[(LABELS + 1) % 4])
    for probes, num_logits in ((two, 2), (two, 1), (multi_label, 4)):
        checks = Checks(probes, num_logits)
        assert "texture" not in {d.name for d in checks.examiner.detectors}
        assert "texture, which tells nothing where a class is yes or no" in checks.untested


def test_surroundings_are_left_to_the_background_swap_where_there_are_masks(four):
    masks = np.zeros((len(LABELS), *SIZE), bool)
    masks[:, 4:9, 4:9] = True
    probes = ProbeSet(four.images, LABELS, object_masks=masks)

    def names(detectors="default", words=()):
        checks = Checks(probes, 4, Battery(detectors), legitimate=Legitimate.of(list(words), SIZE))
        return {d.name for d in checks.examiner.detectors} & {"background", "surroundings"}

    assert names() == names(["surroundings", "background"]) == {"background"}
    assert names(["surroundings"]) == {"surroundings"}
    assert names(words=["background"]) == set(), "both say that the background decides"


def test_a_legitimate_box_silences_a_tag_inside_of_it(four):
    for box, expected in (((0, 0, 5, 5), [[], []]), ((9, 9, 16, 16), [["suspect"], ["alert"]])):
        checks = Checks(four, 4, legitimate=Legitimate.of([box], SIZE))
        assert checks.severities(reads_tag(4), reads_tag(4)) == expected


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Battery(["borders"]), ValueError, 'unknown detector.*borders.*Pass.*"?border'),
        (lambda: Battery("nonsense"), ValueError, "nonsense.*stationary"),
        (lambda: Battery([3]), ValueError, "unknown detector 3"),
        (lambda: Battery(7), TypeError, 'detectors must be "default", None or a list.*7'),
        (lambda: Battery(classes=[]), ValueError, "classes must be a list of class numbers"),
        (lambda: Battery(classes=[1.5]), ValueError, "classes must be.*1.5"),
        (lambda: Battery(classes=[-1]), ValueError, "classes must be"),
        (lambda: Battery(classes=3), ValueError, "classes must be.*Received: 3"),
        (lambda: Battery(value_range=(1, 0)), ValueError, "value_range must be"),
        (lambda: Battery(value_range=3), ValueError, "value_range must be.*Received: 3"),
        (lambda: Battery(value_range=("a", "b")), ValueError, "value_range must be"),
        (lambda: Legitimate.of("border", SIZE), TypeError, "legitimate must be a list.*border"),
        (lambda: Legitimate.of(["edges"], SIZE), ValueError, '"edges".*Pass boxes.*border'),
        (lambda: Legitimate.of([(0, 0, 17, 4)], SIZE), ValueError, "16×16.*17"),
        (lambda: Legitimate.of([(4, 4, 4, 8)], SIZE), ValueError, "not be empty"),
        (lambda: Legitimate.of([(0, 0, 1.5, 4)], SIZE), TypeError, "must be .y0, x0, y1, x1"),
        (lambda: Legitimate.of([(0, 0, 4)], SIZE), TypeError, "must be .y0, x0, y1, x1"),
        (lambda: Legitimate.of([7], SIZE), TypeError, "Received: 7"),
        (lambda: check_on_alert("ring"), ValueError, 'on_alert must be "warn", "stop" or.*ring'),
        (lambda: check_on_alert(None), ValueError, "on_alert must be.*Received: None"),
    ],
)
def test_what_is_no_setting_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_classes_must_be_of_the_model(four):
    with pytest.raises(ValueError, match=r"classes must be below 4.*\[2, 4\]"):
        Checks(four, 4, Battery(classes=[4, 2]))
    only = Checks(four, 4, Battery(classes=[2]))
    assert [f.class_index for f in only.alerts(reads_tag(4))] == [2]


def test_of_many_classes_the_20_most_frequent_are_tested(rng):
    counts = rng.permutation(np.arange(6, 31))
    labels = np.repeat(np.arange(25), counts)
    images = np.zeros((len(labels), *SIZE, 3), np.uint8)
    checks = Checks(ProbeSet(images, labels), 25)
    assert checks.examiner.classes == sorted(np.flatnonzero(counts >= 11).tolist())
    assert any("other than the 20 that most probes have" in text for text in checks.untested)


def test_what_cannot_be_tested_is_said(four):
    few = ProbeSet(four.images[:15], LABELS[:15], class_names=NAMES)
    sentence = 'class "dog", which 3 of 15 probes have.*at least 4'
    assert any(re.search(sentence, s) for s in Checks(few, 4).untested)


def gap(right_of_a, num_a, right_of_b, num_b):
    """What the groups detector says of a class, of which so many are right in each group."""
    num = num_a + num_b
    probes = Probes(labels=np.zeros(num, int), groups=np.array(["a"] * num_a + ["b"] * num_b))
    probes.class_text = str
    has = np.eye(2, dtype=bool)[probes.labels]
    said = np.zeros((num, 2), bool)
    said[:right_of_a, 0] = said[num_a : num_a + right_of_b, 0] = True
    detector = GroupGap(probes, ClassLabels(has, False))
    return [detector.check(said, [0], epoch) for epoch in range(3)]


def test_a_gap_between_groups_is_proven_by_its_bounds():
    assert wilson_bounds(1, 20)[0] == pytest.approx(20 / 23.8416)  # 0.839
    first, second, third = gap(20, 20, 10, 20)  # 0.839 > 0.701
    assert [f[0].severity for f in (first, second)] == ["suspect", "alert"] and third == []
    found = second[0]
    assert found.adoption == 0.5 and found.control == 0 and found.num_pairs == 40
    assert found.probe_indices == tuple(range(20, 40)) and found.since_epoch == 0
    assert '10 of 20 probes of group "b", and on 20 of 20 of group "a"' in found.message


@pytest.mark.parametrize(
    "counts",
    [
        (16, 20, 12, 20),  # 0.584 < 0.781
        (200, 200, 170, 200),  # for certain, but by 0.15 only
        (200, 200, 0, 7),  # too few
        (20, 20, 20, 20),
    ],
)
def test_a_small_or_an_uncertain_gap_between_groups_is_none(counts):
    assert gap(*counts) == [[], [], []]


def test_groups_too_small_to_compare_are_said(four):
    groups = np.where(np.arange(40) // 4 < 8, "a", "b")  # 8 and 2 of each class
    probes = ProbeSet(four.images, LABELS, groups=groups, class_names=NAMES)
    untested = Checks(probes, 4, ["groups"]).untested
    assert len(untested) == 4 and "{'a': 8, 'b': 2}, needed: 8" in untested[0]


def test_a_hint_needs_two_epochs_in_a_row_and_comes_once(four):
    hints = Hints(four)
    low, high = np.full(40, 1.9), np.where(LABELS == 1, 2.5, 1.9)
    values = [high, low, high, high, high, low, high, high]
    found = [hints.check({"grad_cam": {"border_enrichment": v}}, e) for e, v in enumerate(values)]
    assert [len(f) for f in found] == [0, 0, 0, 1, 0, 0, 0, 1]
    hint = found[3][0]
    assert (hint.severity, hint.detector, hint.class_index) == ("hint", "border_enrichment", 1)
    assert (hint.epoch, hint.since_epoch) == (3, 2)
    assert 'of class "bee" is 2.5, above 2, for two epochs' in hint.message
    assert hint.probe_indices == tuple(range(1, 40, 4)) and hint.adoption is None


def test_undefined_statistics_hint_at_nothing_and_low_ones_may(four):
    hints = Hints(ProbeSet(four.images))
    values = np.full(40, np.nan), np.full(40, 1e-5)
    for epoch, (value, expected) in enumerate(zip([*values, values[1]], [0, 0, 1], strict=True)):
        found = hints.check({"grad_cam": {"drift_previous": value}}, epoch)
        assert len(found) == expected
    assert found[0].class_index is None and "frozen" in found[0].message
