"""The region that carries a cue."""

import numpy as np
from helpers.stand_ins import scene_of
from helpers.tagged_scenes import CODES, SIZE, TAG, reads, reads_tag, tagged

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import BoxSwap, GainSwap, PairDrawer, find_region
from keras_saliency.shortcuts.trying import said_after


def whole(scene):
    return BoxSwap(scene, (0, 0, *SIZE), False)


def adopted_by_all(scene, rng, swap, c=2):
    """Pairs whose recipient is said to be of the donor's class, once it is edited."""
    rows = np.arange(len(scene.probes))
    classes = scene.class_labels.frequent_classes()
    pairs = PairDrawer(scene.class_labels, classes, rows, rows, rng).draw(90)
    pairs = pairs.take(~pairs.is_own & (pairs.classes == c))
    assert said_after(swap, pairs)[:, c].mean() > 0.9
    return pairs


def test_region_covers_what_is_read_and_little_more(rng):
    scene, _ = scene_of(tagged(rng), reads_tag)
    swap = whole(scene)
    y0, x0, y1, x1 = find_region(scene, swap, adopted_by_all(scene, rng, swap))
    assert y0 <= 2 and x0 <= 3 and y1 >= 5 and x1 >= 7
    assert (y1 - y0) * (x1 - x0) <= 2 * 12


def test_no_region_reaches_beyond_what_was_swapped(rng):
    scene, _ = scene_of(tagged(rng), reads_tag)
    swap = BoxSwap(scene, (2, 3, 5, 7), False)  # within cells of 2 x 3 pixels
    region = find_region(scene, swap, adopted_by_all(scene, rng, swap))
    assert region == (2, 3, 5, 7)


def test_a_cue_that_is_everywhere_has_no_region(rng):
    labels = np.arange(30) % 3
    noise = rng.normal(scale=0.1, size=(30, *SIZE, 3))
    probes = ProbeSet(CODES[labels][:, None, None, None] + noise, labels)
    scene, _ = scene_of(probes, lambda x: reads(x.mean(axis=(1, 2, 3))))
    swap = whole(scene)
    assert find_region(scene, swap, adopted_by_all(scene, rng, swap)) is None


def test_a_cue_of_a_quarter_of_the_image_is_at_no_one_place(rng):
    labels = np.arange(30) % 3
    images = rng.uniform(0.4, 0.6, size=(30, *SIZE, 3))
    images[:, :8, :12] = CODES[labels][:, None, None, None]  # four cells of eight, each way
    scene, _ = scene_of(ProbeSet(images, labels), lambda x: reads(x[:, :8, :12].mean((1, 2, 3))))
    swap = whole(scene)
    assert find_region(scene, swap, adopted_by_all(scene, rng, swap)) is None


def test_a_cue_that_moves_has_no_region(rng):
    images = rng.uniform(0, 0.2, size=(60, *SIZE, 3)).astype(np.float32)
    labels = np.arange(60) % 2
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, 13), rng.integers(0, 21)
        images[i, y : y + 3, x : x + 3] = 1
    bright = lambda x: 10 * (x.max(axis=(1, 2, 3)) > 0.9)[:, None] - 5.0  # noqa: E731
    scene, _ = scene_of(ProbeSet(images, labels), bright)
    swap = whole(scene)
    assert find_region(scene, swap, adopted_by_all(scene, rng, swap, 1)) is None


def test_no_region_of_what_is_no_place_or_was_not_adopted(rng):
    scene, _ = scene_of(tagged(rng), reads_tag)
    pairs = adopted_by_all(scene, rng, BoxSwap(scene, (2, 3, 5, 7), False))
    assert find_region(scene, GainSwap(scene), pairs) is None
    assert find_region(scene, whole(scene), pairs.take(slice(0))) is None


def test_region_is_not_in_what_is_legitimate(rng):
    """Two tags say the same; where one is legitimate, the other one is accused."""
    probes = tagged(rng)
    images = probes.images.copy()
    images[:, 11:14, 16:20] = images[:, TAG[0], TAG[1]]

    def reads_both(x):  # the brighter one, so that each of them alone brings class 2
        left, right = (p.mean(axis=(1, 2, 3)) for p in (x[:, TAG[0], TAG[1]], x[:, 11:14, 16:20]))
        return reads(np.maximum(left, right))

    spared = np.zeros(SIZE, bool)
    spared[:8, :12] = True
    scene, graph = scene_of(ProbeSet(images, probes.labels), reads_both, spared=spared)
    swap = whole(scene)
    pairs = adopted_by_all(scene, rng, swap)
    graph.seen.clear()
    y0, x0, y1, x1 = find_region(scene, swap, pairs)
    assert y0 <= 11 and x0 <= 16 and y1 >= 14 and x1 >= 20
    known = probes.images[:, spared]
    for shown in np.concatenate(graph.seen)[:, spared]:
        assert (shown == known).all(axis=(1, 2)).any(), "the search has lent a legitimate pixel"


def test_where_the_class_is_said_of_any_image_nothing_is_at_a_place(rng):
    """Such pairs count as adopted, though the edit changes none of their pixels."""
    probes = tagged(rng)
    images = np.array(probes.images)
    images[:, :2, :2] = 0.5
    scene, _ = scene_of(ProbeSet(images, probes.labels), lambda x: np.tile([0, 0, 1], (len(x), 1)))
    swap = BoxSwap(scene, (0, 0, 2, 2), False)
    assert find_region(scene, swap, adopted_by_all(scene, rng, swap)) is None
