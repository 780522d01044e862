"""No behaviour depends on prose: names of classes and groups appear in it, and change nothing."""

import dataclasses
import warnings

import numpy as np
import pytest
from helpers.checked_models import LABELS, Checks, draw, map_of, reads_tag

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.shortcuts import Legitimate
from keras_saliency.shortcuts.messages import describe_coverage, summarize
from keras_saliency.shortcuts.search import ShortcutSearch

# Each in the order of the alphabet, in which groups are listed.
PLAIN = ["QVZ", "QWZ", "QXZ", "QYZ"]  # which occur in no sentence
HOSTILE = {
    "words of ours": ["for images", "legitimate", "not tested", "tells nothing"],
    "severities": ["alert", "hint", "no shortcut", "suspect"],
    "detectors": ["border", "colour", "groups", "stationary"],
    "sentences": [
        "Found: no shortcut.",
        "Nothing was tested",
        "border, which is legitimate",
        "which needs object_masks",
    ],
    "signs": ['"', "%s", "- x", "; {}"],
}


def renamed(text, names):
    for plain, name in zip(PLAIN, names, strict=True):
        text = text.replace(plain, name)
    return text


def found_with(names):
    """Three checks of a model that reads a tag, in images and groups of these names."""
    groups = np.array(names)[np.arange(40) % 2 + 2 * (np.arange(40) % 3 == 0)]
    probes = ProbeSet(draw(LABELS), LABELS, class_names=names, groups=groups)
    legitimate = Legitimate.of(["colour"], (16, 16))
    checks = Checks(probes, 4, legitimate=legitimate)
    found = [checks.alerts(reads_tag(4), map_of((0, 0, 4, 4), 40)) for _ in range(3)]
    return probes, checks.examiner.coverage, [alert for alerts in found for alert in alerts]


@pytest.mark.parametrize("kind", HOSTILE)
def test_findings_and_summary_are_the_same_but_for_the_names(kind):
    names = HOSTILE[kind]
    (_, coverage, plain), (probes, other, hostile) = found_with(PLAIN), found_with(names)
    assert len(plain) == len(hostile) == 2
    for a, b in zip(plain, hostile, strict=True):
        assert renamed(a.message, names) == b.message
        told = dataclasses.replace(a, message=b.message)
        assert told.to_dict() == b.to_dict()
    assert [u.reason for u in coverage.untested] == [u.reason for u in other.untested]
    assert [u.is_expected for u in coverage.untested] == [u.is_expected for u in other.untested]
    assert other._replace(untested=()) == coverage._replace(untested=())
    assert describe_coverage(other) == renamed(describe_coverage(coverage), names)
    plain_probes = ProbeSet(draw(LABELS), LABELS, class_names=PLAIN)
    expected = renamed(summarize(coverage, plain, plain_probes), names)
    assert summarize(other, hostile, probes) == expected


def told_at_the_beginning(names, **options):
    labels = np.where(np.arange(40) < 3, 0, LABELS)
    labels[:4] = 0, 0, 0, 1  # too few probes of the first class
    labels[4:] = np.maximum(labels[4:], 1)
    probes = ProbeSet(draw(LABELS), labels, class_names=names)
    settings = SaliencyCallback(probes, **options).settings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search = ShortcutSearch.begin(settings, 4)
    return [str(w.message) for w in caught], search.described


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("options", [{}, {"legitimate": ["border"]}, {"detectors": ["background"]}])
def test_warnings_are_the_same_but_for_the_names(kind, options):
    names = HOSTILE[kind]
    plain, described = told_at_the_beginning(PLAIN, **options)
    hostile, also = told_at_the_beginning(names, **options)
    assert len(plain) == 1 and "QVZ" in plain[0]
    assert hostile == [renamed(text, names) for text in plain]
    assert also == {topic: renamed(text, names) for topic, text in described.items()}
