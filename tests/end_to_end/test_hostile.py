"""Input from outside is not trusted: odd probes, odd pictures, and names that are no names."""

import time
import warnings

import numpy as np
import pytest
from helpers.hostile_names import HOSTILE
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keras_saliency import ProbeSet
from keras_saliency.rendering import (
    Caption,
    Filmstrip,
    colorize_signed,
    displayable,
    draw_grid,
    encode_png,
    overlay,
)

ODD_PROBE_SETS, ODD_PICTURES, ODD_SIGNALS = 350, 150, 100  # 600 inputs in all
SECONDS = 5  # of one processor for one input; a tenth is what the slowest need

texts = st.sampled_from(HOSTILE) | st.text(max_size=30)
DTYPES = [
    "bool",
    "uint8",
    "int64",
    "uint64",
    "f2",
    "f4",
    "f8",
    "g",
    "O",
    "c16",
    "U3",
    "S2",
    "M8[s]",
]
VALUES = [0, 1, 255, -1, 0.5, np.nan, np.inf, -np.inf, 1e300, -1e38, 5e-324, 2**63, 2**31, 1e-40]


def fuzz(num):
    """The same inputs in every run; a slow machine is not an error."""
    return settings(max_examples=num, derandomize=True, deadline=None, database=None)


@st.composite
def arrays(draw, shape):
    """An array of a shape, or nearly so, of any kind of numbers, or of none."""
    shape = list(shape)
    change = draw(st.sampled_from(["none"] * 7 + ["side", "drop", "add"]))
    if change == "side" and shape:
        shape[draw(st.integers(0, len(shape) - 1))] = draw(st.sampled_from([0, 1, 2, 4, 60]))
    elif change == "drop" and shape:
        shape.pop(draw(st.integers(0, len(shape) - 1)))
    elif change == "add":
        shape.append(draw(st.sampled_from([0, 1, 3])))
    base = np.full(shape, draw(st.sampled_from(VALUES[:5])), np.float64)
    if base.size:
        base.flat[:: draw(st.integers(1, 5))] = draw(st.sampled_from(VALUES))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        array = base.astype(draw(st.sampled_from(DTYPES[:7] * 2 + DTYPES)))
    form = draw(st.sampled_from(["array", "array", "list", "fortran", "swapped"]))
    if form == "swapped" and array.dtype.kind in "iuf":
        return array.astype(array.dtype.newbyteorder())
    if form == "fortran":
        return np.asfortranarray(array)
    return array.tolist() if form == "list" else array


def many(entry, num):
    """A list of about `num` entries, in what may hold them, or something else altogether."""
    right = st.lists(entry, min_size=num, max_size=num)
    any_list = right | right | st.lists(entry, max_size=4)
    forms = (
        any_list
        | any_list
        | any_list.map(iter)
        | any_list.map(tuple)
        | any_list.map(lambda values: np.array(values, object))
    )
    endless = st.builds(lambda text: iter(lambda: text, None), entry)  # never ends
    return st.none() | forms | endless | st.sampled_from(["abc", b"abc", 3, {}, {"a"}, object()])


class Trap:
    """Says no to whatever is asked of it."""

    def refuse(self, *_):
        raise RuntimeError("no")

    __hash__ = __str__ = __repr__ = __iter__ = refuse


PREPROCESS = [lambda x: x / 255, lambda x: x * np.nan, lambda x: x[:1], lambda x: 1 / 0, list, "no"]


@st.composite
def probe_arguments(draw):
    num, size = draw(st.integers(1, 3)), draw(st.sampled_from([(4, 5), (1, 1), (1, 200), (300, 2)]))
    channels = draw(st.sampled_from([1, 2, 3, 4, 17]))
    boxes = st.lists(
        st.lists(st.sampled_from([0, 1, 2, -1, 0.5, np.nan, 2**63]), min_size=4, max_size=4),
        min_size=num,
        max_size=num,
    )
    odd_groups = texts | st.integers() | st.sampled_from([None, b"\xff", 10**5000, [1]])
    optional = {
        "labels": arrays((num,)) | arrays((num, 3)) | st.just(["cat"] * num),
        "object_masks": arrays((num, *size)) | boxes | arrays((num, 4)),
        "groups": many(odd_groups | st.builds(Trap), num) | st.builds(Trap),
        "names": many(texts, num) | many(texts | st.builds(Trap) | st.just(3), num),
        "class_names": many(texts, 3),
        "display_images": arrays((num, *size, 3)) | arrays((num, *size)),
        "preprocess": st.sampled_from(PREPROCESS),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional)), min_size=1, max_size=2))
    images = draw(arrays((num, *size, channels)) | st.just(np.ones((num, *size, channels))))
    return {"images": images} | {name: draw(optional[name]) for name in sorted(chosen)}


def check_probe_set(probes, given):
    num = len(probes)
    assert num == len(probes.names) == len(probes.model_inputs) == len(probes.images)
    assert np.isfinite(probes.model_inputs).all() and np.isfinite(probes.images).all()
    assert all(isinstance(name, str) for name in (*probes.names, *(probes.class_names or ())))
    assert len(bytes.fromhex(probes.fingerprint)) == 32
    for name in ("labels", "multi_hot", "object_masks", "groups", "display_images", "images"):
        array = getattr(probes, name)
        assert array is None or (len(array) == num and not array.flags.writeable), name
    if probes.groups is not None and isinstance(given["groups"], list):
        as_given = {g.decode(errors="replace") if isinstance(g, bytes) else str(g)
                    for g in given["groups"]}  # fmt: skip
        assert len(set(probes.groups.tolist())) == len(as_given)
    assert len(repr(probes)) < 500 and all(probes.label_text(i) is not None for i in range(num))
    with pytest.raises(AttributeError, match="immutable"):
        probes.names = ()


@pytest.mark.slow
@fuzz(ODD_PROBE_SETS)
@given(probe_arguments())
def test_odd_arguments_make_a_probe_set_or_an_error_that_names_one(arguments):
    began = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_probe_set(ProbeSet(**arguments), arguments)
    except (TypeError, ValueError) as error:
        assert any(name in str(error) for name in arguments), error
        assert "eceived: " in str(error) and len(str(error)) < 1000, error
    assert time.process_time() - began < SECONDS


SIDES = st.sampled_from([1, 2, 3, 7, 30, 161, 3000])
SIZES = st.tuples(SIDES, SIDES).filter(lambda size: size[0] * size[1] < 50_000)
NUMBERS = [0.0, 1.0, -1.0, 5e-324, 1e-310, 1e-40, 1e38, 1.7e308, -1.7e308, np.nan, np.inf]


@st.composite
def numbers(draw, shapes):
    """Floats of every magnitude, some not finite."""
    few = draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4))
    values = np.resize(np.array(few), draw(shapes))
    with np.errstate(over="ignore"):
        return values.astype(draw(st.sampled_from(["f2", "f4", "f8", "f8"])))


def check_picture(picture, largest):
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    assert min(picture.shape) > 0 and max(picture.shape[:2]) <= largest, picture.shape


captions = st.builds(
    Caption,
    texts,
    texts,
    texts,
    st.sampled_from([None, 0.5, np.nan, -np.inf, 1e300]),
    st.sampled_from([None, True, False]),
    texts,
)


@fuzz(ODD_PICTURES)
@given(
    st.lists(SIZES, min_size=1, max_size=3),
    numbers(SIZES),
    st.lists(captions, min_size=3, max_size=3),
    texts,
    st.sampled_from(["mean", "map"]),
    st.booleans(),
)
@example([(1, 1)], np.zeros((1, 1)), [Caption("a")] * 3, "\ufdfa" * 10_000, "mean", False)
@example([(1, 1)], np.zeros((1, 1)), [Caption("a")] * 3, "seven77 " * 50, "mean", False)
def test_odd_maps_and_words_make_pictures_of_a_sane_size(
    sizes, heatmap, words, title, scale, with_
):
    began = time.process_time()
    images = [np.full((h, w, 3), 77, np.uint8) for h, w in sizes]
    words = words[: len(images)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tiles = [overlay(image, heatmap, scale=scale) for image in images]
        for tile, image in zip(tiles, images, strict=True):
            assert tile.dtype == np.uint8 and tile.shape == image.shape
        grid = draw_grid(tiles, words, images=images if with_ else None, title=title)
        film = Filmstrip(images, [w.name for w in words], title=title)
        film.add(title, -1, tiles, words)
        for picture, largest in ((grid, 2200), (film.picture(), 1000)):
            check_picture(picture, largest)
            assert encode_png(picture).startswith(b"\x89PNG")
    assert time.process_time() - began < SECONDS


@fuzz(ODD_SIGNALS)
@given(numbers(st.tuples(st.integers(0, 3), SIDES, st.integers(0, 40), st.integers(0, 5))))
def test_odd_pixels_are_drawn_or_refused(images):
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "The pixel range of the probes")
        for draw, given_ in ((displayable, images), *((colorize_signed, i) for i in images)):
            try:
                drawn = draw(given_)
            except ValueError as error:
                assert "Received: " in str(error) or "NaN or infinity" in str(error)
                continue
            assert drawn.dtype == np.uint8 and drawn.shape == (*given_.shape[:-1], 3)
    assert time.process_time() - began < SECONDS
