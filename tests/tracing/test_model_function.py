"""`ModelFunction`: chunks, outputs that are kept of some images, and what a run writes."""

import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.tracing.model_function import ModelFunction


@pytest.fixture
def arrays(rng):
    return rng.integers(0, 9, (7, 3, 2)), rng.normal(size=7).astype(np.float32)


def scaled(images, factors):
    product = images * factors[:, None, None]
    return {"product": product, "mean": tf.reduce_mean(product, axis=(1, 2))}


def function_of(build, chunk_size, is_fixed=True):
    specs = [tf.TensorSpec((None,), tf.float32)]
    return ModelFunction(build, (3, 2), specs, chunk_size, is_fixed)


@pytest.mark.parametrize("is_fixed", [True, False])
@pytest.mark.parametrize("chunk_size", [1, 3, 7, 20])
def test_results_do_not_depend_on_the_chunks(arrays, chunk_size, is_fixed):
    found = function_of(scaled, chunk_size, is_fixed)(*arrays)
    expected = arrays[0].astype(np.float32) * arrays[1][:, None, None]
    np.testing.assert_array_equal(found["product"], expected)
    np.testing.assert_allclose(found["mean"], expected.mean(axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("rows", [[1, 2, 6], [6, 0, 5, 3, 3], [], np.array([5])])
def test_some_outputs_are_kept_of_some_images_in_the_order_asked_for(arrays, rows):
    function = function_of(scaled, 3)
    found = function(*arrays, rows={"product": rows})
    whole = function(*arrays)
    np.testing.assert_array_equal(found["product"], whole["product"][np.asarray(rows, int)])
    np.testing.assert_array_equal(found["mean"], whole["mean"])


def test_a_fixed_chunk_is_filled_with_its_last_image(arrays):
    seen = []

    def note(images, factors):
        seen.append(tuple(images.shape))
        return {"largest": tf.fill(images.shape[:1], tf.reduce_max(images))}

    found = function_of(note, 5)(*arrays)["largest"]
    assert seen == [(5, 3, 2)], "traced once, of one size"
    images = arrays[0]
    np.testing.assert_array_equal(found, [images[:5].max()] * 5 + [images[5:].max()] * 2)


def test_what_a_run_writes_is_undone(arrays):
    counter = tf.Variable(0.0)

    def count(images, factors):
        return {"count": tf.fill(tf.shape(factors), counter.assign_add(1.0))}

    function = function_of(count, 3)
    for _ in range(2):
        np.testing.assert_array_equal(function(*arrays)["count"], [1, 1, 1, 2, 2, 2, 3])
        assert counter.numpy() == 0


def test_shapes_are_those_of_one_image(arrays):
    assert function_of(scaled, 4).shapes == {"product": [3, 2], "mean": []}
