"""`Bank`: preprocessing that TensorFlow can trace, chunks, and edits without XLA."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.stand_ins import scene_of

from keras_saliency import ProbeSet
from keras_saliency.shortcuts.swaps import (
    BoxSwap,
    GainSwap,
    LadderSwap,
    PairDrawer,
    PatternSwap,
    RegionSwap,
    Swap,
    ValueRange,
    bank,
)
from keras_saliency.shortcuts.swaps.bank import Bank, CompiledEdit, tensor_preprocess

LABELS = np.arange(70) % 2


def with_numpy(images):
    return np.asarray(images, np.float32) / 255


def of_whole_numbers(images):
    return (images // 2).astype(np.float32) if isinstance(images, np.ndarray) else images / 2


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (70, 8, 8, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "preprocess, is_traced",
    [
        (None, True),
        (keras.layers.Rescaling(1 / 127.5, -1), True),
        (tf.function(lambda x: tf.cast(x, tf.float32) / 255), True),
        (lambda x: x / 255, True),
        (keras.applications.mobilenet_v2.preprocess_input, True),
        (with_numpy, False),
        (of_whole_numbers, False),
    ],
)
def test_a_preprocess_stays_on_the_device_where_it_says_the_same_there(
    images, preprocess, is_traced
):
    probes = ProbeSet(images, LABELS, preprocess=preprocess)
    found = tensor_preprocess(probes)
    assert (found is not None) == is_traced
    if is_traced:
        made = found(tf.constant(images, tf.float32)).numpy()
        np.testing.assert_allclose(made, probes.model_inputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("preprocess", [lambda x: x / 255, with_numpy])
def test_predictions_are_those_of_edited_clipped_and_preprocessed_pixels(images, rng, preprocess):
    """Of more pairs than a chunk holds."""
    probes = ProbeSet(images, LABELS, preprocess=preprocess, object_masks=None)
    scene, graph = scene_of(probes, lambda x: np.stack([x.sum((1, 2, 3)), x.max((1, 2, 3))], 1))
    rows = np.arange(70)
    pairs = PairDrawer(scene.class_labels, [0, 1], rows, rows, rng).draw(130)
    swap = RegionSwap(scene, rng.random((8, 8)) < 0.5, False)
    assert len(pairs) == 260 and scene.bank.chunk_size == 240
    edited = swap.edit(pairs)
    inputs = probes.prepare(ValueRange.of(probes).clip(edited))
    np.testing.assert_allclose(swap.predict(pairs), graph.predict(inputs).logits, rtol=1e-5)


def test_a_preprocess_is_traced_once_for_chunks_of_any_size(images):
    traces = []

    def preprocess(x):
        traces.extend([1] * tf.is_tensor(x))
        return x / 255

    found = tensor_preprocess(ProbeSet(images, LABELS, preprocess=preprocess))
    for size in (64, 22, 5):
        found(tf.constant(images[:size], tf.float32))
    assert len(traces) == 1


class LeftHalf(Swap):
    """A user's own, of arrays."""

    def edit(self, pairs):
        edited = self.scene.take(pairs.recipients)
        edited[:, :, :4] = self.scene.take(pairs.donors)[:, :, :4]
        return edited


def test_a_swap_of_ones_own_may_edit_arrays_and_spares_what_is_legitimate(images, rng):
    spared = np.zeros((8, 8), bool)
    spared[:3] = True
    scene, _ = scene_of(ProbeSet(images, LABELS), lambda x: x[:, 0, :2, 0], spared=spared)
    rows = np.arange(70)
    pairs = PairDrawer(scene.class_labels, [0, 1], rows, rows, rng).draw(75)
    swap = LeftHalf(scene)
    np.testing.assert_array_equal(swap.predict(pairs), images[pairs.recipients][:, 0, :2, 0])
    np.testing.assert_array_equal(swap.edited(pairs)[:, 3:, :4], images[pairs.donors][:, 3:, :4])


def test_edits_work_where_tensorflow_has_no_xla(images, monkeypatch):
    scene, _ = scene_of(ProbeSet(images, LABELS), lambda x: np.zeros((len(x), 2)))
    edit = CompiledEdit(scene.bank, lambda bank, variant, ends: bank.take(ends[1]), None, False)

    class Refuses:
        def get_concrete_function(self, *specs):
            def refuse(*numbers):
                raise tf.errors.UnimplementedError(None, None, "no XLA")

            return refuse

    monkeypatch.setattr(edit, "_compiled", Refuses())
    rows = np.arange(5, dtype=np.int32)
    for _ in range(2):
        np.testing.assert_array_equal(edit((rows, rows + 3), ()), images[3:8])


@pytest.mark.parametrize(
    "make",
    [
        lambda scene: RegionSwap(scene, np.eye(16, dtype=bool), False),
        lambda scene: BoxSwap(scene, (2, 3, 9, 16), False),
        GainSwap,
        PatternSwap,
        lambda scene: LadderSwap(scene, "noise"),
    ],
)
def test_edits_are_the_same_with_xla_and_without(make, rng, monkeypatch):
    images, rows = rng.integers(0, 256, (70, 16, 16, 3)).astype(np.uint8), np.arange(70)
    edited = []
    for least in (0, np.inf):
        monkeypatch.setattr(bank, "_LEAST_COMPILED", least)
        scene, _ = scene_of(ProbeSet(images, LABELS), lambda x: np.zeros((len(x), 2)))
        drawer = PairDrawer(scene.class_labels, [0, 1], rows, rows, np.random.default_rng(0))
        edited.append(make(scene).edit(drawer.draw(20)))
    np.testing.assert_allclose(*edited, rtol=1e-5, atol=1e-3)
    assert not np.array_equal(edited[0], edited[0][::-1])


def test_many_edits_bring_no_warning_of_retracing(images):
    """TensorFlow counts the traces of functions with the same code together."""
    scene, _ = scene_of(ProbeSet(images, LABELS), lambda x: np.zeros((len(x), 2)))
    rows, told, logger = np.arange(5, dtype=np.int32), [], logging.getLogger("tensorflow")
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logger.addHandler(handler)
    try:
        for gain in range(7):
            edit = CompiledEdit(
                scene.bank, lambda bank, gain, ends: bank.take(ends[1]) * gain, float(gain), False
            )
            np.testing.assert_array_equal(edit((rows, rows + 3), ()), images[3:8] * float(gain))
    finally:
        logger.removeHandler(handler)
    assert not told


def test_the_last_pairs_are_filled_up_to_the_next_size_that_is_compiled(images):
    scene, _ = scene_of(ProbeSet(images, LABELS), lambda x: np.zeros((len(x), 2)))
    sizes = []

    def lend(bank, variant, ends):
        sizes.append(ends[0].shape[0])
        return bank.take(ends[1])

    edit = CompiledEdit(scene.bank, lend, None, False)
    for num in (5, 24, 25, 144, 145, 193, 100):
        rows = np.arange(num, dtype=np.int32) % 70
        np.testing.assert_array_equal(edit((rows, rows[::-1]), ()), images[rows[::-1]])
    assert sizes == [24, 72, 144, 192, 240], "each is traced once"


def test_of_large_images_fewer_are_edited_at_once():
    sizes = {
        (2, 8, 8, 1): 240,
        (2, 96, 96, 3): 72,
        (2, 224, 224, 3): 24,
        (2, 512, 512, 1): 16,
        (2, 2048, 2048, 1): 8,
    }
    for shape, expected in sizes.items():
        assert Bank(tf.zeros(shape, tf.uint8), None, None, None, None).chunk_size == expected
