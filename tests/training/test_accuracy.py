"""A notice where the probes are not prepared like the data that the model is fitted to."""

import itertools
import math
import warnings
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.records import Moment, Predictions
from keras_saliency.training.accuracy import FALSE_NOTICES, AccuracyComparison, chance_of
from keras_saliency.training.run import Run

MANY = 10**9  # other images: their accuracy is the true one
NOTICE = "may not be prepared like the training data"


def binomial_tail(num_correct, num, accuracy):
    return sum(
        math.comb(num, i) * accuracy**i * (1 - accuracy) ** (num - i)
        for i in range(num_correct + 1)
    )


def tail_of_two_classes(correct, sizes, shares, accuracies):
    """The exact probability of a share of correct probes as low as this, by enumeration."""
    weights = np.array(shares) / sizes
    seen = (weights * correct).sum() + 1e-12
    return sum(
        math.prod(
            math.comb(n, i) * a**i * (1 - a) ** (n - i)
            for i, n, a in zip(found, sizes, accuracies, strict=True)
        )
        for found in itertools.product(*(range(n + 1) for n in sizes))
        if (weights * np.array(found)).sum() <= seen
    )


@pytest.mark.parametrize(("num_correct", "accuracy"), [(10, 0.9), (15, 0.9), (19, 0.99), (2, 0.4)])
def test_the_bound_is_chernoffs_and_above_the_binomial_where_all_probes_weigh_the_same(
    num_correct, accuracy
):
    correct, sizes = np.array([num_correct / 2] * 2), np.array([10, 10])
    bound = chance_of(correct, sizes, np.array([0.5, 0.5]), accuracy, MANY)
    seen = num_correct / 20
    pairs = ((seen, accuracy), (1 - seen, 1 - accuracy))
    chernoff = math.exp(-20 * sum(p * math.log(p / q) for p, q in pairs))
    assert bound == pytest.approx(chernoff, rel=0.1)
    assert binomial_tail(num_correct, 20, accuracy) <= bound


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.2, 0.8)])
@pytest.mark.parametrize("correct", [(5, 2), (8, 0), (3, 4)])
def test_the_bound_holds_whatever_the_accuracies_of_the_classes_are(shares, correct):
    accuracy, sizes = 0.8, (8, 5)
    bound = chance_of(np.array(correct), np.array(sizes), np.array(shares), accuracy, MANY)
    for first in np.linspace(0, 1, 41):
        second = (accuracy - shares[0] * first) / shares[1]
        if 0 <= second <= 1:
            exact = tail_of_two_classes(correct, sizes, shares, (first, second))
            assert exact <= bound + 1e-9
    seen = (np.array(shares) * correct / sizes).sum()
    assert (bound < 1) == (seen < accuracy)


def test_the_bound_at_its_ends():
    shares, sizes = np.array([0.5, 0.5]), np.array([10, 10])
    for correct, accuracy in (((10, 10), 0.9), ((10, 10), 1.0), ((0, 0), 0.0), ((9, 9), 0.9)):
        assert chance_of(np.array(correct), sizes, shares, accuracy, 10**6) > 0.999
    # One error where 100 others had none proves nothing; ten do.
    assert chance_of(np.array([10, 9]), sizes, shares, 1.0, 100) > 0.3
    assert chance_of(np.array([5, 5]), sizes, shares, 1.0, 100) < 1e-5
    # With unknown shares, the others may all be of the good class.
    assert chance_of(np.array([10, 0]), sizes, None, 0.9, 100) == 1
    assert chance_of(np.array([3, 3]), sizes, None, 0.9, 100) < 1e-3


def comparison(labels, counts=None):
    probes = ProbeSet(np.zeros((len(labels), 4, 4, 1), np.float32), labels)
    probes._set(class_counts=counts)
    return AccuracyComparison(probes)


def notices(compare, classes, logs, num_classes=2, epoch=0):
    logits = np.eye(num_classes, dtype=np.float32)[np.asarray(classes)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compare.compare(Predictions(logits, logits), Moment(epoch), logs)
    return [str(warning.message) for warning in caught]


LABELS = np.arange(20) % 2
HALF = np.where(np.arange(20) < 10, LABELS, 1 - LABELS)
COUNTS = {0: 100, 1: 100}


def test_the_notice_comes_once_with_both_figures_and_the_range():
    compare = comparison(LABELS, COUNTS)
    [told] = notices(compare, HALF, {"val_accuracy": 0.85}, epoch=2)
    assert told.startswith("Epoch 3: 50% of the probes, weighted by the classes' shares, are")
    assert "val_accuracy is 85%" in told and NOTICE in told and "pixels in 0 … 0" in told
    assert notices(compare, HALF, {"val_accuracy": 0.85}, epoch=3) == []


@pytest.mark.parametrize(
    "logs",
    [
        {},
        {"val_loss": 0.1, "accuracy": 0.95},
        {"val_accuracy": float("nan")},
        {"val_accuracy": 0.55},  # chance explains it
        {"val_accuracy": 0.3},  # the probes are better
        {"val_binary_accuracy": 0.95},  # of several units: the share of correct bits
        {"val_top_5_accuracy": 0.95},
    ],
)
def test_without_a_lower_accuracy_nothing_is_said(logs):
    assert notices(comparison(LABELS, COUNTS), HALF, logs) == []


@pytest.mark.parametrize("key", ["accuracy", "acc", "sparse_categorical_accuracy"])
def test_other_names_of_the_accuracy_count(key):
    assert notices(comparison(LABELS, COUNTS), HALF, {f"val_{key}": 0.95})


def test_shares_decide_and_without_them_any_shares_are_possible():
    classes = np.zeros(20, int)  # all are taken for class 0
    assert notices(comparison(LABELS, {0: 95, 1: 5}), classes, {"val_accuracy": 0.95}) == []
    assert notices(comparison(LABELS, {0: 50, 1: 50}), classes, {"val_accuracy": 0.95})
    assert notices(comparison(LABELS), classes, {"val_accuracy": 0.95}) == []
    assert notices(comparison(LABELS), 1 - LABELS, {"val_accuracy": 0.95})
    # The probes do not have all classes of the model.
    assert notices(comparison(LABELS), 1 - LABELS, {"val_accuracy": 0.95}, num_classes=3) == []


def test_one_unit_is_read_as_keras_reads_it():
    """Keras compares the output with 0.5, also where it is a logit."""
    logits = np.where(LABELS, 0.4, -1.0).astype(np.float32)[:, None]
    compare = comparison(LABELS, COUNTS)
    for found in (logits, -logits):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            compare.compare(Predictions(found, found), Moment(0), {"val_accuracy": 0.95})
        assert len(caught) == (found is not logits)


def test_at_most_one_training_in_a_hundred_gets_the_notice_by_chance():
    """Twelve independent epochs, other images than the validation's: the hardest case."""
    rng = np.random.default_rng(0)
    num_told, num_runs = 0, 100
    for _ in range(num_runs):
        counts = np.maximum(rng.multinomial(120, rng.dirichlet([2, 2, 2])), 3)
        sizes, shares = np.minimum(8, counts), counts / counts.sum()
        accuracies = rng.beta(4, 1, 3)
        for epoch in range(1, 13):
            correct, right = rng.binomial(sizes, accuracies), rng.binomial(counts, accuracies)
            value = right.sum() / counts.sum()
            risk = FALSE_NOTICES / (epoch * (epoch + 1))
            if chance_of(correct, sizes, shares, value, counts.sum()) < risk:
                num_told += 1
                break
    assert num_told <= FALSE_NOTICES * num_runs


def stripes(num, seed):
    """Images in 0 ... 255 of vertical or horizontal stripes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    images = rng.integers(0, 100, (num, 8, 8, 1)).astype(np.float32)
    images[labels == 1, ::2] += 150
    images[labels == 0, :, ::2] += 150
    return images, labels


def trained_on(scale, probes, tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(2, bias_initializer=keras.initializers.Constant([0.0, 0.5])),
        ]
    )
    model.compile(
        keras.optimizers.Adam(3e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    (x, y), (val_x, val_y) = stripes(200, 1), stripes(120, 2)
    callback = SaliencyCallback(probes, tmp_path, "vanilla_gradients", detectors=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(
            x * scale - 0.5,
            y,
            validation_data=(val_x * scale - 0.5, val_y),
            epochs=3,
            verbose=0,
            callbacks=[callback],
        ).history
    assert history["val_accuracy"][-1] > 0.9
    return [str(w.message) for w in caught if NOTICE in str(w.message)]


@pytest.mark.slow
def test_fit_with_probes_of_another_range(tmp_path):
    images, labels = stripes(120, 2)
    inverted = ProbeSet.from_dataset((255 - images, labels), per_class=20)
    [told] = trained_on(1 / 255, inverted, tmp_path / "inverted")
    assert "of the probes, weighted by the classes' shares, are classified correctly" in told
    prepared = ProbeSet.from_dataset((images / 255 - 0.5, labels), per_class=20)
    assert trained_on(1 / 255, prepared, tmp_path / "prepared") == []


@pytest.mark.parametrize("use_ema", [False, True])
def test_with_averaged_weights_the_validation_may_have_used_others(use_ema):
    asked = []
    run = SimpleNamespace(
        model=SimpleNamespace(optimizer=keras.optimizers.Adam(use_ema=use_ema)),
        observer=SimpleNamespace(compare_accuracy=asked.append),
    )
    Run.compare_accuracy(run, {"val_accuracy": 0.9})
    assert len(asked) == (not use_ema)
