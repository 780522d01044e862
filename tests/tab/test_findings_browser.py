"""Findings and objects in a real browser, from logs that no training has written."""

import cv2
import numpy as np
import pytest
from helpers.browser import (
    CHROMIUM,
    DRIVER,
    drawn,
    enter_saliency_tab,
    look_at,
    read,
    tensorboard,
    wait_until,
)
from helpers.tab_logs import make_alert, make_older_alert, write_log
from helpers.tab_page import click, errors, find, fragment, pixels, settle
from sklearn.datasets import load_digits

from keras_saliency import ProbeSet

pytest.importorskip("selenium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
SIDE = 32


def digit_images():
    """Digits on a black page, uint8 (40, 32, 32, 1), and where they are bright."""
    images = np.zeros((40, SIDE, SIDE, 1), np.uint8)
    for image, small in zip(images, load_digits().images, strict=False):
        large = cv2.resize(small, (20, 20), interpolation=cv2.INTER_CUBIC)
        image[6:26, 6:26, 0] = np.clip(255 / 16 * large, 0, 255)
    return images, images[..., 0] > 60


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings")
    images, masks = digit_images()
    labels = load_digits().target[:40] % 3
    alert = make_alert(1, "what is said")
    suspect = make_alert(0, severity="suspect", detector="colour", evidence=False)
    runs = {
        "found": ("auto", [suspect, alert]),
        "older": (None, [make_older_alert(1), make_older_alert(2, severity="hint")]),
        "given": (masks, [suspect]),
    }
    for name, (objects, findings) in runs.items():
        probes = ProbeSet(images, labels, object_masks=objects, class_names=list("xyz"))
        tested = "" if name == "older" else f"Nothing of {name} was tested\n<b>since"
        wrong = (7, 3) if name == "found" else ()
        write_log(folder / name, probes, findings=findings, tested=tested, mislabelled=wrong)
    with tensorboard(folder) as (address, _):
        known = f"{address}/data/plugin/saliency/data/runs"
        wait_until(lambda: all(name.encode() in read(known) for name in runs), 120, "the runs")
        yield address


def enter(browser, board, run, **state):
    enter_saliency_tab(browser, board, fragment(run=f"{run}/saliency", **state))
    settle(browser)


def test_the_newest_run_with_an_alert_is_opened_first(browser, board):
    enter_saliency_tab(browser, board)
    assert drawn(browser) == "older/saliency 2", "written before one that has a suspect only"


def test_an_alert_shows_its_loss_and_interval(browser, board):
    enter(browser, board, "found")
    card = find(browser, ".finding.alert")[0].text
    assert "31 points of accuracy, 95 % interval 22 to 40" in card
    assert "Predicted as y after the swap: 90 %" in card
    left, width = browser.execute_script(
        "const s = document.querySelector('.interval').style; return [s.left, s.width]"
    )
    assert float(left[:-1]) == pytest.approx(22) and float(width[:-1]) == pytest.approx(18)
    assert not find(browser, ".finding.suspect"), "the list of suspects is closed"
    click(browser, "details:last-of-type summary")
    assert "Nothing of found was tested" in find(browser, ".findings")[0].text
    assert not errors(browser)


def test_labels_that_may_be_wrong_are_listed_with_their_pictures(browser, board):
    enter(browser, board, "found")
    click(browser, ".labels summary")
    settle(browser)
    look_at(browser, "tab_labels")
    first, second = find(browser, ".labels .doubt")
    assert first.text == "probe 7: labelled y (3 %), may be z"
    assert second.text == "probe 3: labelled x (3 %), may be z"
    images, _ = digit_images()
    drawn_one = pixels(browser, 0, ".doubt canvas")[..., 0]
    large = cv2.resize(images[7, ..., 0], (40, 40), interpolation=cv2.INTER_NEAREST)
    assert np.corrcoef(drawn_one.ravel(), large.ravel())[0, 1] > 0.95
    assert [e.text for e in find(browser, ".chip")].count("label?") == 2
    click(browser, ".labels .doubt")
    wait_until(lambda: "probe 7" in [e.text for e in find(browser, "dialog[open] h2")], 10, "page")
    assert not errors(browser)
    enter(browser, board, "given")
    assert not find(browser, ".labels") and "label?" not in find(browser, ".grid")[0].text


def test_suspects_are_open_where_there_is_no_alert(browser, board):
    enter(browser, board, "given")
    wait_until(lambda: find(browser, ".finding.suspect"), 10, "the suspect")
    said = find(browser, ".findings")[0].text
    assert "No alert" in said and "Nothing of given was tested" in said
    assert "<b>since, epoch 2" in said and "saliency/summary" not in said
    assert not find(browser, ".timeline .marks i"), "no marker warns of it"
    assert not find(browser, ".chip.alerted")


def test_findings_of_older_versions_are_drawn_as_before(browser, board):
    enter(browser, board, "older")
    card = find(browser, ".finding.alert")[0].text
    assert "adoption" in card and "90 %" in card and "points" not in card
    assert "1 hint" in find(browser, ".findings")[0].text
    assert not find(browser, ".outline")


def outlined_pixels(browser):
    """Which pixels of the first tile its outline changes."""
    outlined = pixels(browser)
    click(browser, "[data-value=outlined]")
    settle(browser)
    return (outlined != pixels(browser)).any(axis=-1)


@pytest.mark.parametrize("run", ["found", "given"])
def test_objects_are_outlined_along_the_edges_of_their_masks(browser, board, run):
    enter(browser, board, run, view="image", size=128)
    images, masks = digit_images()
    mask = masks[0]
    if run == "found":
        found = ProbeSet(images, load_digits().target[:40] % 3).found_objects
        mask = found.masks[0]
        look_at(browser, "tab_objects")
    changed = outlined_pixels(browser)
    large = cv2.resize(mask.astype(np.uint8), (128, 128), interpolation=cv2.INTER_NEAREST)
    kernel = np.ones((5, 5), np.uint8)
    near = cv2.dilate(large, kernel) != cv2.erode(large, kernel)
    edge = cv2.morphologyEx(large, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    assert changed.any() and not (changed & ~near).any(), "only edges are drawn on"
    shares = {"found": (0.5, 0.8), "given": (0.9, 1.01)}  # in dashes, on a black page
    low, high = shares[run]
    assert low * edge.sum() < (changed & edge).sum() < high * edge.sum()


def test_the_legend_says_whether_objects_were_found_or_given(browser, board):
    enter(browser, board, "found")
    assert "found by the program" in find(browser, ".outline")[0].text
    enter(browser, board, "given")
    assert "as given" in find(browser, ".outline")[0].text
    click(browser, "[data-value=outlined]")
    settle(browser)
    assert not find(browser, ".outline")
