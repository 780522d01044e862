"""What a battery is asked for and refuses; and the detector that swaps nothing: groups."""

import re

import numpy as np
import pytest
from helpers.checked_models import LABELS, NAMES, SIZE, Checks, draw, reads_tag
from helpers.stand_ins import Probes

from keras_saliency import Battery, ProbeSet
from keras_saliency.shortcuts import Legitimate
from keras_saliency.shortcuts.groups import GroupGap
from keras_saliency.shortcuts.streaks import Streaks
from keras_saliency.shortcuts.swaps import ClassLabels, wilson_bounds
from keras_saliency.training.settings import check_on_alert


@pytest.fixture(scope="module")
def four():
    return ProbeSet(draw(LABELS), LABELS, class_names=NAMES)


ALL = [
    "stationary",
    "border",
    "moving",
    "colour",
    "noise",
    "sharpness",
    "compression",
    "pattern",
    "background",
]


def names_of(probes, detectors="default", words=()):
    legitimate = Legitimate.of(list(words), probes.image_shape[:-1])
    return [d.name for d in Checks(probes, 4, detectors, legitimate).examiner.detectors]


def with_masks(probes):
    masks = np.zeros((len(probes), *SIZE), bool)
    masks[:, 4:12, 4:12] = True
    return ProbeSet(probes.images, probes.labels, object_masks=masks)


def test_by_default_all_are_tested_and_the_background_where_objects_are_known(four):
    assert names_of(with_masks(four)) == ALL
    assert names_of(four) == ALL[:-1]
    untested = Checks(four, 4).examiner.coverage.untested
    (background,) = [u for u in untested if u.subject == "background"]
    assert background.is_expected and "of the images; pass object_masks, one box" in background.text
    filled = ProbeSet(four.images, LABELS, object_masks=np.ones((len(four), *SIZE), bool))
    assert names_of(filled) == ALL[:-1]
    text = "background, which needs room beside the objects (they fill the images)"
    assert text in Checks(filled, 4).untested
    off = ProbeSet(four.images, LABELS, object_masks=None)
    assert "background, which needs object_masks" in Checks(off, 4).untested


@pytest.mark.parametrize(
    ("words", "off"),
    [
        (["border", "colour"], {"border", "colour"}),
        (["texture"], {"noise", "sharpness", "pattern"}),
        *[([name], {name}) for name in ALL],
    ],
)
def test_legitimate_words_switch_detectors_off(four, words, off):
    probes = with_masks(four)
    assert names_of(probes, words=words) == [name for name in ALL if name not in off]
    checks = Checks(probes, 4, legitimate=Legitimate.of(words, SIZE))
    assert [t for t in checks.untested if "legitimate" in t] == [
        f"{name}, which is legitimate" for name in ALL if name in off
    ]
    assert not [u for u in checks.examiner.coverage.untested if not u.is_expected]


def test_a_battery_has_those_that_are_named_once_and_in_their_order(four):
    assert names_of(four, ["pattern", "border", "pattern"]) == ["pattern", "border"]
    assert names_of(four, "border") == ["border"]
    assert Battery.of(None) is None and Battery.of(["border"]).names == ("border",)


def test_signals_and_volumes_are_tested_where_objects_are_known_unless_detectors_are_named(rng):
    images = rng.random((40, 50, 2)).astype(np.float32)
    plain = ProbeSet(images, LABELS)
    masked = ProbeSet(images, LABELS, object_masks=np.tile([10, 20], (40, 1)))
    assert names_of(plain) == [] and names_of(masked) == ["moving", "background"]
    assert any("signals and volumes without object_masks" in t for t in Checks(plain, 4).untested)
    named = ["border", "noise", "stationary"]
    assert names_of(plain, named) == ["border", "stationary"], "noise is of images"
    assert "noise, which is for images" in Checks(plain, 4, named).untested


def test_a_legitimate_box_silences_a_tag_inside_of_it(four):
    probes = with_masks(four)
    for box, expected in (((0, 0, 5, 5), [[], []]), ((9, 9, 16, 16), [["suspect"], ["alert"]])):
        checks = Checks(probes, 4, legitimate=Legitimate.of([box], SIZE))
        assert checks.severities(reads_tag(4), reads_tag(4)) == expected


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Battery(["borders"]), ValueError, 'unknown detector.*borders.*Pass.*"?border'),
        (lambda: Battery("nonsense"), ValueError, "nonsense.*stationary"),
        (lambda: Battery(["texture"]), ValueError, "unknown detector.*texture.*noise"),
        (lambda: Battery(["surroundings"]), ValueError, "unknown detector.*surroundings"),
        (lambda: Battery([3]), ValueError, "unknown detector 3"),
        (lambda: Battery(7), TypeError, 'detectors must be "default", None or a list.*7'),
        (lambda: Battery(classes=[]), ValueError, "classes must be a list of class numbers"),
        (lambda: Battery(classes=[1.5]), ValueError, "classes must be.*1.5"),
        (lambda: Battery(classes=[-1]), ValueError, "classes must be"),
        (lambda: Battery(classes=3), ValueError, "classes must be.*Received: 3"),
        (lambda: Battery(value_range=(1, 0)), ValueError, "value_range must be"),
        (lambda: Battery(value_range=(0, np.inf)), ValueError, "value_range must be"),
        (lambda: Battery(value_range="01"), ValueError, "value_range must be.*01"),
        (lambda: Battery(value_range=3), ValueError, "value_range must be.*Received: 3"),
        (lambda: Battery(value_range=("a", "b")), ValueError, "value_range must be"),
        (lambda: Legitimate.of("border", SIZE), TypeError, "legitimate must be a list.*border"),
        (lambda: Legitimate.of(["surroundings"], SIZE), ValueError, "surroundings.*background"),
        (lambda: Legitimate.of(["edges"], SIZE), ValueError, '"edges".*Pass boxes.*border'),
        (lambda: Legitimate.of([(0, 0, 17, 4)], SIZE), ValueError, "16×16.*17"),
        (lambda: Legitimate.of([(4, 4, 4, 8)], SIZE), ValueError, "not be empty"),
        (lambda: Legitimate.of([(0, 0, 1.5, 4)], SIZE), TypeError, "must be .y0, x0, y1, x1"),
        (lambda: Legitimate.of([(0, 0, 4)], SIZE), TypeError, "must be .y0, x0, y1, x1"),
        (lambda: Legitimate.of(["border", 7], SIZE), TypeError, "Received: 7"),
        (lambda: Legitimate.of((0, 0, 4, 4), SIZE), TypeError, r"legitimate=\[\(?.*y0, x0"),
        (
            lambda: Legitimate.of([(0, 0, 16, 9), (0, 8, 16, 16)], SIZE),
            ValueError,
            "cover the whole",
        ),
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
    assert Checks(four, 4, Battery(classes=[2])).examiner.classes == [2]


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


def test_a_range_that_does_not_hold_the_pixels_is_refused(four):
    with pytest.raises(ValueError, match=r"value_range must hold all pixels.*\(0.0, 0.5\)"):
        Checks(four, 4, Battery(value_range=(0, 0.5)))


def test_fewer_than_ten_probes_are_said():
    labels = np.arange(9) % 2
    assert Checks(ProbeSet(draw(labels), labels), 2).untested[0] == (
        "anything (9 probes; at least 10 are needed)"
    )


def gap(right_of_a, num_a, right_of_b, num_b):
    """What the groups detector says of a class, of which so many are right in each group."""
    num = num_a + num_b
    probes = Probes(labels=np.zeros(num, int), groups=np.array(["a"] * num_a + ["b"] * num_b))
    probes.class_text = str
    has = np.eye(2, dtype=bool)[probes.labels]
    said = np.zeros((num, 2), bool)
    said[:right_of_a, 0] = said[num_a : num_a + right_of_b, 0] = True
    detector = GroupGap(probes, ClassLabels(has, False), Streaks())
    return [detector.check(said, [0], epoch) for epoch in range(3)]


def test_a_gap_between_groups_is_proven_by_its_bounds():
    assert wilson_bounds(1, 20)[0] == pytest.approx(20 / 23.8416)  # 0.839
    first, second, third = gap(20, 20, 10, 20)  # 0.839 > 0.701
    assert [f[0].severity for f in (first, second)] == ["suspect", "alert"] and third == []
    found = second[0]
    assert found.adoption == 0.5 and found.control == 0 and found.num_pairs == 40
    assert found.accuracy_loss is None and found.loss_interval is None
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
