"""What a notebook shows of findings and epochs: markup in which every text is text."""

import copy
import pickle
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.hostile_names import HOSTILE
from helpers.tab_logs import make_alert, make_probes, make_report

from keras_saliency.cards import EpochView, FindingList, SavedReport
from keras_saliency.cards.drift_chart import drift_chart

PICTURE = np.full((8, 8, 3), 200, np.uint8)
OURS = {"div", "b", "br", "img", "span", "svg", "text", "line", "polyline", "circle", "details"}
OURS |= {"summary", "table", "tr", "td", "iframe"}


class Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("img", "br", "line", "polyline", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


def cards(text):
    alert = make_alert(1, message=f"said {text}", detector=text or "none")
    report = make_report(make_probes(), 1, (alert,), scalars={text: 0.5})
    view = EpochView(text, {text: PICTURE, "b": PICTURE}, {text: [(0, 0.1)]}, (alert,), note=text)
    return [alert, report, view, FindingList([alert], text, text), SavedReport(text, "<p>page")]


@pytest.mark.parametrize("text", [*HOSTILE, '" onload="alert(1)', "$x^2$ \\(y\\)"])
def test_texts_never_become_markup(text):
    for shown in cards(text):
        page = Page(shown._repr_html_())
        assert set(page.tags) <= OURS, type(shown)
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        shown._repr_html_().encode()  # no half surrogates, which no message can hold
        classes = dict(page.attributes)["class"]  # MathJax leaves formulas in it alone
        assert {"tex2jax_ignore", "mathjax_ignore"} <= set(classes.split())


def test_an_alert_is_shown_with_its_message_numbers_and_evidence():
    page = Page(make_alert(1, message='to recognise "cat" <b>')._repr_html_())
    assert 'to recognise "cat" <b>' in page.texts
    assert "accuracy loss 31 points; 95 % interval 22 to 40; probes 0, 2" in page.texts
    assert page.tags.count("img") == 1
    bare = make_alert(1, evidence=False, accuracy_loss=None, loss_interval=None, probe_indices=())
    assert "img" not in Page(bare._repr_html_()).tags


def test_a_list_of_findings_is_a_list():
    alerts = [make_alert(i, message=f"number {i}") for i in range(3)]
    found = FindingList(alerts, "tested")
    assert found == alerts and found[1:] == alerts[1:] and isinstance(found, list)
    assert [*found, 1] == [*alerts, 1] and sorted(found, key=id) == sorted(alerts, key=id)
    assert copy.copy(found) == alerts and len(pickle.loads(pickle.dumps(found))) == 3
    assert len(repr(found).splitlines()) == 3 and len(repr(found)) < 200
    assert FindingList() == [] and repr(FindingList()) == "[]"


def test_an_empty_list_says_what_was_tested_and_what_was_not():
    found = FindingList([], "Shortcut tests: 3 checks.\nNothing was tested", "Nothing was tested")
    assert repr(found) == "[] (Nothing was tested)"
    page = Page(found._repr_html_())
    assert "Shortcut tests: 3 checks." in page.texts and "Nothing was tested" in page.texts


def test_many_findings_are_shown_newest_first_and_few_of_them_with_pictures():
    found = FindingList([make_alert(i, message=f"number {i}.") for i in range(50)])
    page = Page(found._repr_html_())
    numbers = [int(n) for n in re.findall(r"number (\d+)\.", page.text)]
    assert numbers == list(range(49, 29, -1))
    assert page.tags.count("img") == 3 and "30 older ones are not shown." in page.text
    assert repr(found).endswith("... 30 more]")


def test_a_suspect_of_a_detector_that_has_raised_an_alert_is_settled():
    suspect = make_alert(0, severity="suspect", message="once")
    other = make_alert(0, severity="suspect", detector="border", message="other")
    alert = make_alert(1, message="twice")
    page = Page(EpochView("epoch 2", findings=(suspect, other, alert))._repr_html_())
    assert "Findings so far: 1 alert, 1 suspect." in page.texts
    assert "once" not in page.texts and {"other", "twice"} <= set(page.texts)
    assert "Findings so far: 2 suspects." in EpochView("x", findings=(suspect, other))._repr_html_()
    assert "Findings so far: none." in EpochView("x")._repr_html_()


def test_the_drift_chart_draws_each_value_at_its_epoch():
    curves = {"grad_cam": [(0, 0.0), (1, 0.5), (4, 1.0)], "other": [], "third": [(2, 0.25)]}
    page = Page(drift_chart(curves))
    points = [v for name, v in page.attributes if name == "points"]
    first, third = ([tuple(map(float, p.split(","))) for p in line.split()] for line in points)
    (x0, y0), (x1, y1), (x2, y2) = first
    np.testing.assert_allclose((x1 - x0) / (x2 - x0), 1 / 4, atol=1e-3)
    np.testing.assert_allclose((y1 - y0) / (y2 - y0), 0.5, atol=1e-3)
    np.testing.assert_allclose((third[0][0] - x0) / (x2 - x0), 1 / 2, atol=1e-3)
    assert y2 < y0  # upwards
    assert "epoch 1" in page.texts and "epoch 5" in page.texts
    assert "grad_cam 1" in page.text and "third 0.25" in page.text and "other" not in page.text


def test_the_drift_chart_of_nothing_one_point_and_thousands():
    assert drift_chart({}) == drift_chart({"grad_cam": []}) == ""
    for curve in ([(3, 0.0)], [(i, 0.1) for i in range(20_000)]):
        markup = drift_chart({"grad_cam": curve})
        assert Page(markup).tags.count("polyline") == 1 and len(markup) < 10_000
        assert f"epoch {curve[-1][0] + 1}" in markup and "nan" not in markup


def test_a_report_of_an_epoch_shows_its_pictures_and_numbers():
    report = make_report(make_probes(), 2, scalars={"saliency/grad_cam/drift_previous": 0.25})
    object.__setattr__(report, "pictures", {"saliency/grad_cam/overlays": PICTURE, "film": PICTURE})
    object.__setattr__(report, "filmstrips", frozenset({"film"}))
    page = Page(report._repr_html_())
    assert page.tags.count("img") == 1
    assert {"4 probes, epoch 3", "saliency/grad_cam/drift_previous", "0.25"} <= set(page.texts)


def test_a_saved_report_is_framed_with_an_origin_of_its_own_and_says_its_size():
    content = "<!DOCTYPE html><script>1 < 2 && '\"'</script>"
    shown = SavedReport("/tmp/a & b.html", content)
    page = Page(shown._repr_html_())
    attributes = dict(page.attributes)
    assert attributes["srcdoc"] == content
    assert "allow-same-origin" not in attributes["sandbox"]
    assert "/tmp/a & b.html, 0.0 MB." in page.texts and "<!DOCTYPE" not in repr(shown)
    large = SavedReport("r.html", "x" * 31_000_000)
    assert repr(large) == "SavedReport('r.html', 31.0 MB)"
    assert "iframe" not in Page(large._repr_html_()).tags and "31.0 MB" in large._repr_html_()
