"""The logits behind any head: the class that they name is the one that the output names."""

import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.attribution.logits import find_logits, probabilities_of

WEIGHTS = np.random.default_rng(3).normal(size=(4, 6)).astype(np.float32)
FEATURES = np.random.default_rng(4).normal(size=(60, 4)).astype(np.float32)


def scores(x, *columns):
    """Scores (n, k) of features, as a Dense layer computes them."""
    return tf.matmul(x, WEIGHTS[:, list(columns or (0,))])


def one(x):
    return tf.sigmoid(scores(x, 0) - 0.3)


def other(x):
    return tf.sigmoid(2.0 * scores(x, 1) + 0.8)


def three(x):
    return tf.nn.softmax(scores(x, 0, 1, 2))


def other_three(x):
    return tf.nn.softmax(2.0 * scores(x, 3, 4, 5))


@tf.custom_gradient
def own_gradient(z):
    p = tf.sigmoid(z)
    return p, lambda signal: signal * p * (1 - p)


@tf.function(autograph=False)
def silu_then_softmax(z):
    return tf.nn.softmax(tf.nn.silu(z))


def stable(z):
    tail = tf.exp(-tf.abs(z))
    return tf.where(z >= 0, 1 / (1 + tail), tail / (1 + tail))


def piecewise(x):
    z = scores(x)
    middle = tf.where(tf.greater(1.0, z), (z + 1.0) / 2.0, 1.0)
    return tf.where(z <= -1.0, 0.0, middle)


def share_of_exponential(z):
    return tf.exp(z) / (1.0 + tf.exp(z))


def softmax_by_hand(z):
    powers = tf.exp(z - tf.reduce_max(z, axis=-1, keepdims=True))
    return powers / tf.reduce_sum(powers, axis=-1, keepdims=True)


def normalized(p):
    return p / tf.reduce_sum(p, axis=-1, keepdims=True)


SIGMOIDS = {
    "sigmoid": one,
    "cast to half": lambda x: tf.cast(tf.cast(one(x), tf.float16), tf.float32),
    "average": lambda x: (one(x) + other(x)) / 2.0,
    "average of a stack": lambda x: tf.reduce_mean(tf.stack([one(x), other(x)]), 0),
    "weighted": lambda x: 0.3 * one(x) + 0.7 * other(x),
    "difference": lambda x: 0.5 * one(x) - 0.5 * other(x) + 0.5,
    "hard sigmoid": lambda x: tf.nn.relu6(scores(x) + 3.0) / 6.0,
    "clipped score": lambda x: tf.clip_by_value(scores(x), 0.0, 1.0),
    "capped ReLU": lambda x: tf.minimum(tf.nn.relu(scores(x)), 1.0),
    "clipped": lambda x: tf.clip_by_value(one(x), 0.01, 0.99),
    "clipped to one side": lambda x: tf.maximum(one(x), 0.4),
    "1 - p": lambda x: 1.0 - one(x),
    "rescaled by -1": lambda x: one(x) * -1.0 + 1.0,
    "smoothed": lambda x: 0.9 * one(x) + 0.05,
    "smoothed to one side": lambda x: 0.8 * one(x) + 0.2,
    "halved": lambda x: 0.5 * one(x),
    "temperature": lambda x: tf.sigmoid(scores(x) / 3.0),
    "own gradient": lambda x: own_gradient(scores(x)),
    "tf.function": lambda x: tf.function(tf.sigmoid, autograph=False)(scores(x)),
    "compiled": lambda x: tf.function(tf.sigmoid, autograph=False, jit_compile=True)(scores(x)),
    "tanh": lambda x: (tf.tanh(scores(x)) + 1.0) / 2.0,
    "probit": lambda x: 0.5 * (1.0 + tf.math.erf(scores(x) + 0.2)),
    "log-log": lambda x: 1.0 - tf.exp(-tf.exp(scores(x))),
    "by hand": lambda x: 1.0 / (1.0 + tf.exp(-scores(x))),
    "by hand, otherwise": lambda x: share_of_exponential(scores(x)),
    "piecewise": piecewise,
    "piecewise, from the other side": lambda x: 1.0 - piecewise(x),
    "rounded": lambda x: tf.round(one(x)),
    "compared": lambda x: tf.cast(one(x) > 0.3, tf.float32),
    "compared from the other side": lambda x: tf.cast(one(x) <= 0.3, tf.float32),
    "product": lambda x: one(x) * other(x),
    "noisy or": lambda x: 1.0 - (1.0 - one(x)) * (1.0 - other(x)),
    "geometric mean": lambda x: tf.sqrt(one(x) * other(x)),
    "square": lambda x: tf.square(one(x)),
    "power": lambda x: one(x) ** 0.3,
    "highest": lambda x: tf.maximum(one(x), other(x)),
    "lowest of a stack": lambda x: tf.reduce_min(tf.concat([one(x), other(x)], 1), 1, True),
    "where": lambda x: tf.where(one(x) > 0.9, tf.ones_like(one(x)), other(x)),
    "one of two": lambda x: tf.nn.softmax(scores(x, 0, 1))[:, 1:],
    "three side by side": lambda x: tf.concat([one(x), 1.0 - other(x), 0.9 * one(x)], 1),
    "p and 1 - p": lambda x: tf.stack([1.0 - one(x)[:, 0], one(x)[:, 0]], 1),
    "multi-label": lambda x: tf.sigmoid(scores(x, 0, 1, 2)),
    "groups": lambda x: tf.reshape(
        tf.nn.softmax(tf.reshape(scores(x, *range(6)), (-1, 2, 3))), (-1, 6)
    ),
    "average of softmaxes": lambda x: (three(x) + other_three(x)) / 2.0,
    "average with a prior": lambda x: 0.5 * (three(x) + tf.constant([[0.1, 0.2, 0.7]])),
    "prior": lambda x: three(x) * tf.constant([[0.2, 0.5, 1.0]]),
    "masked": lambda x: three(x) * tf.constant([[1.0, 0.0, 1.0]]),
    "other order": lambda x: tf.gather(three(x), [2, 0, 1], axis=1),
    "softmax by hand": lambda x: softmax_by_hand(scores(x, 0, 1, 2)),
    "sharpened": lambda x: normalized(tf.square(three(x))),
    "product of experts": lambda x: normalized(three(x) * other_three(x)),
    "shares of sigmoids": lambda x: normalized(tf.sigmoid(scores(x, 0, 1, 2))),
}
SOFTMAXES = {
    "softmax": three,
    "clipped softmax": lambda x: tf.clip_by_value(three(x), 1e-7, 1 - 1e-7),
    "1 - softmax": lambda x: 1.0 - three(x),
    "exponential": lambda x: tf.exp(tf.nn.log_softmax(scores(x, 0, 1, 2))),
    "reshaped softmax": lambda x: tf.reshape(tf.reshape(three(x), (-1, 1, 1, 3)), (-1, 3)),
    "softmax in a tf.function": lambda x: silu_then_softmax(scores(x, 0, 1, 2)),
}
AS_THEY_ARE = {
    "stable, by hand": lambda x: stable(scores(x)),
    "gated": lambda x: tf.reduce_sum(
        tf.nn.softmax(scores(x, 0, 1)) * tf.sigmoid(scores(x, 2, 3)), 1, keepdims=True
    ),
    "median": lambda x: tf.sort(tf.concat([one(x), other(x), 1 - one(x)], 1), 1)[:, 1:2],
}


def read_all(heads, ask_loss=lambda: None):
    """What is found behind heads: {name: (kind, logits, probabilities, outputs, gradients)}."""
    kinds = {}

    @tf.function(autograph=False)
    def build(x):
        found = {}
        for name, head in heads.items():
            output = head(x)
            read = find_logits(output, ask_loss)
            kinds[name] = read.kind
            top = tf.reduce_max(read.logits, axis=1)
            gradient = tf.reduce_sum(tf.abs(tf.gradients(top, x)[0]), axis=1)
            output = tf.cast(output, tf.float32)
            found[name] = read.logits, probabilities_of(read), output, gradient
        return found

    found = build(tf.constant(FEATURES))
    return {name: (kinds[name], *(t.numpy() for t in found[name])) for name in heads}


def read(head, ask_loss=lambda: None):
    return read_all({"head": head}, ask_loss)["head"]


@pytest.fixture(scope="module")
def all_read():
    """All heads in one graph, because each graph costs time."""
    return read_all(SIGMOIDS | SOFTMAXES | AS_THEY_ARE)


def named(output, above=0.5):
    """The class that an output names."""
    return output[:, 0] > above if output.shape[1] == 1 else output.argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "sigmoid") for name in SIGMOIDS),
        *((name, "softmax") for name in SOFTMAXES),
        *((name, "probability") for name in AS_THEY_ARE),
    ],
)
def test_the_class_is_the_one_that_the_output_names(name, kind, all_read):
    found, logits, probabilities, output, gradient = all_read[name]
    assert found == kind
    np.testing.assert_array_equal(named(logits, 0), named(output))
    assert len(np.unique(named(output))) > 1 or name == "halved", "the case is empty"
    np.testing.assert_allclose(probabilities, output, atol=1e-3 if "half" in name else 1e-6)
    assert np.isfinite(logits).all() and np.isfinite(gradient).all()
    if name != "where":  # what is 1 whatever the score has none
        assert (gradient > 0).all()


def log_odds(p):
    return np.log(p) - np.log1p(-p)


def sigmoid(z):
    return 1 / (1 + np.exp(-z.astype(np.float64)))


def softmax(z):
    powers = np.exp(z.astype(np.float64))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hard sigmoid", lambda z: z[:, :1]),
        ("1 - p", lambda z: 0.3 - z[:, :1]),
        ("own gradient", lambda z: z[:, :1]),
        ("tf.function", lambda z: z[:, :1]),
        ("compiled", lambda z: z[:, :1]),
        ("tanh", lambda z: z[:, :1]),
        ("by hand", lambda z: z[:, :1]),
        ("by hand, otherwise", lambda z: z[:, :1]),
        ("piecewise", lambda z: z[:, :1]),
        ("piecewise, from the other side", lambda z: -z[:, :1]),
        ("clipped", lambda z: z[:, :1] - 0.3),
        ("clipped score", lambda z: z[:, :1] - 0.5),
        ("compared", lambda z: z[:, :1] - 0.3 - log_odds(0.3)),
        ("smoothed to one side", lambda z: z[:, :1] - 0.3 - log_odds(0.375)),
        ("probit", lambda z: z[:, :1] + 0.2),
        ("log-log", lambda z: z[:, :1] - np.log(np.log(2))),
        ("multi-label", lambda z: z[:, :3]),
        (
            "average",
            lambda z: log_odds((sigmoid(z[:, :1] - 0.3) + sigmoid(2 * z[:, 1:2] + 0.8)) / 2),
        ),
        (
            "average of softmaxes",
            lambda z: log_odds((softmax(z[:, :3]) + softmax(2 * z[:, 3:])) / 2),
        ),
        ("groups", lambda z: log_odds(softmax(z.reshape(-1, 2, 3)).reshape(-1, 6))),
        ("one of two", lambda z: z[:, 1:2] - z[:, :1]),
        *((name, lambda z: z[:, :3]) for name in ("softmax", "clipped softmax", "exponential")),
        *((name, lambda z: z[:, :3]) for name in ("reshaped softmax",)),
        ("1 - softmax", lambda z: -z[:, :3]),
    ],
)
def test_logits_are_the_scores_or_else_the_log_odds(name, expected, all_read):
    expected = expected(FEATURES @ WEIGHTS)
    np.testing.assert_allclose(all_read[name][1], expected, rtol=1e-4, atol=1e-5)


def test_log_odds_have_a_gradient_where_the_model_is_certain():
    def certain(x):
        return (tf.sigmoid(60.0 + scores(x)) + tf.sigmoid(70.0 + scores(x))) / 2.0

    _, logits, probabilities, _, gradient = read(certain)
    assert (probabilities == 1).all() and (logits > 30).all()
    np.testing.assert_allclose(gradient, np.abs(WEIGHTS[:, 0]).sum(), rtol=1e-3)


def test_of_scores_that_the_output_no_longer_tells_apart_the_first_is_named():
    _, logits, _, output, gradient = read(
        lambda x: tf.nn.relu6(8.0 * scores(x, 0, 1, 2) + 3.0) / 6.0
    )
    assert ((output == output.max(axis=1, keepdims=True)).sum(axis=1) > 1).any()
    np.testing.assert_array_equal(logits.argmax(axis=1), output.argmax(axis=1))
    own = np.abs(WEIGHTS[:, output.argmax(axis=1)]).sum(axis=0)
    tied = (logits == logits.max(axis=1, keepdims=True)).sum(axis=1) > 1
    np.testing.assert_allclose(gradient[~tied], own[~tied], rtol=1e-4)


OTHER_RANGES = {
    50: lambda x: 100.0 * one(x),
    0: lambda x: 2.0 * one(x) - 1.0,
    np.log(0.5): lambda x: tf.math.log_sigmoid(scores(x) - 0.3),
}


def test_other_ranges_are_cut_where_the_probability_is_a_half():
    for above, (kind, logits, probabilities, output, _) in read_all(OTHER_RANGES).items():
        assert kind == "sigmoid"
        np.testing.assert_array_equal(named(logits, 0), named(output, above))
        np.testing.assert_allclose(logits, (FEATURES @ WEIGHTS)[:, :1] - 0.3, atol=1e-5)
        np.testing.assert_allclose(probabilities, sigmoid(logits), atol=1e-6)


def test_what_is_no_probability_is_taken_for_logits():
    heads = {
        "score": scores,
        "negative": lambda x: -scores(x),
        "tanh": lambda x: tf.tanh(scores(x)),
        "several": lambda x: scores(x, 0, 1, 2),
        "bounded at another place only": lambda x: tf.where(
            tf.logical_and(scores(x, 0, 1) > 0, scores(x, 0, 1) < 1), scores(x, 1, 0), 0.5
        ),
        "bounded by another score": lambda x: tf.where(
            scores(x) > 0, tf.where(scores(x) < 1, scores(x, 1), 0.5), 0.5
        ),
    }
    for kind, logits, _, output, _ in read_all(heads).values():
        assert kind == "linear"
        np.testing.assert_array_equal(logits, output)


def test_silu_hides_no_probabilities_unless_all_outputs_look_like_some():
    kind, logits, _, output, _ = read(lambda x: tf.nn.silu(scores(x)))
    assert kind == "hidden" and (output < 0).any()
    np.testing.assert_array_equal(logits, output)


@pytest.mark.parametrize(
    ("head", "wanted", "kind"),
    [
        (scores, "numbers", "number"),
        (scores, "logits", "linear"),
        (scores, "probabilities", "probability"),
        (lambda x: scores(x, 0, 1), "numbers", "linear"),
        (lambda x: tf.nn.softplus(scores(x)), None, "number"),
        (lambda x: tf.nn.relu(scores(x)), None, "number"),
        (lambda x: tf.nn.relu(scores(x)), "logits", "linear"),
        (lambda x: tf.nn.relu(scores(x)), "probabilities", "probability"),
    ],
)
def test_the_loss_tells_numbers_from_logits(head, wanted, kind):
    found, logits, _, output, _ = read(head, lambda: wanted)
    assert found == kind
    np.testing.assert_allclose(logits, output - 0.5 * (kind == "probability"), atol=1e-5)


def test_a_softmax_of_one_unit_is_refused():
    with pytest.raises(ValueError, match=r"is 1 for every image.*target=lambda outputs, probes"):
        read(lambda x: tf.nn.softmax(scores(x)))
