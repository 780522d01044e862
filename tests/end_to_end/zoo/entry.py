"""`Entry`: a model, what is explained of it, and what is expected; `try_out` tries all methods."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

METHODS = ("grad_cam", "vanilla_gradients", "deconvnet")
NO_RELU = "there is no ReLU to rectify"
NO_POOLING = "without max-pooling, the same map for every image"
ATTENTION = "no rule for attention"
UNREACHABLE = "a ReLU that cannot be rectified"
NO_LOGITS = "the logits are hidden in a loop"
NO_MAPS = "there are no maps"

# What an error says, and what the table says of it.
_REASONS = {
    "needs a ReLU to rectify": NO_RELU,
    "would draw the same map for every image of a class": NO_POOLING,
    "has no rule for attention": ATTENTION,
    "must rectify every ReLU": UNREACHABLE,
    "this model's last maps are 1x1": "the last maps are 1×1",
    "logits cannot be found": NO_LOGITS,
    "found no activation with a spatial extent": NO_MAPS,
}


@dataclass(frozen=True)
class Entry:
    """One row of the table.

    Attributes:
        name: what the user brings.
        make: returns the Keras model.
        shape: of one image, signal or volume.
        layer: the layer that Grad-CAM is to take; "" where no layer stands for its maps.
        deconvnet: why DeconvNet is refused; "" where it works.
        ask: further arguments of `explain`.
        images: function from a shape to the images, where noise will not do.
        is_slow: left out of the tests, but not of the table.
    """

    name: str
    make: Callable[[], Any]
    shape: tuple[int, ...]
    layer: str = ""
    deconvnet: str = ""
    ask: dict = field(default_factory=dict)
    images: Callable[[tuple], Any] | None = None
    is_slow: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the model takes the images as they are, and its one output names classes."""
        is_usual = "channels first" not in self.name and "whole numbers" not in self.name
        return self.images is None and not self.ask and is_usual


@dataclass(frozen=True)
class Result:
    """What became of one method: the layer and the native size of its map, or why it is refused."""

    layer: str = ""
    size: tuple[int, ...] = ()
    refused: str = ""

    def __str__(self):
        return f"refused: {self.refused}" if self.refused else "works"


def try_out(entry: Entry) -> dict[str, Result]:
    """Runs all three methods on one image of noise.

    Raises:
        AssertionError: if a map is not finite or not of the image's size, or more than one
            trace was made.
        ValueError: if a method is refused with a reason that the table does not know.
    """
    import keras

    from keras_saliency import ProbeSet

    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = entry.make()
    draw = entry.images or (lambda s: np.random.default_rng(0).uniform(0, 1, s).astype("float32"))
    probes = ProbeSet(draw((1, *entry.shape)))
    others = METHODS[:-1]
    try:
        if not entry.deconvnet:
            return _explained(model, probes, METHODS, entry)
        found = _explained(model, probes, others, entry)  # in one trace, as a refusal ends it
    except ValueError:
        found = {m: _explained_or_refused(model, probes, m, entry) for m in others}
    return found | {METHODS[-1]: _explained_or_refused(model, probes, METHODS[-1], entry)}


def _explained_or_refused(model, probes, method, entry):
    try:
        return _explained(model, probes, [method], entry)[method]
    except ValueError as error:
        known = [reason for words, reason in _REASONS.items() if words in str(error)]
        if not known:
            raise
        return Result(refused=known[0])


def assert_as_predicted(predictions, model, probes):
    """The class of each probe is the one that `model.predict` names.

    Of classes whose probabilities are alike, as in networks that are not trained, it is any.
    """
    output = model.predict(probes.model_inputs, verbose=0)
    if output.shape[1] == 1:
        np.testing.assert_array_equal(predictions.classes, output[:, 0] > 0.5)
    else:
        said = np.take_along_axis(output, predictions.classes[:, None], axis=1)[:, 0]
        np.testing.assert_allclose(said, output.max(axis=1), rtol=1e-5)


def _explained(model, probes, methods, entry):
    from keras_saliency import ModelGraph
    from keras_saliency.attribution.target import Target

    target = Target.about(probes, entry.ask.get("target"), entry.ask.get("output"))
    graph = ModelGraph(model, list(methods), image_shape=entry.shape, chunk_size=1, target=target)
    predictions, heatmaps = graph.attribute(probes.model_inputs)
    assert graph.num_traces == 1
    if entry.is_plain and METHODS[0] in methods:
        assert_as_predicted(predictions, model, probes)
    found = {}
    for method in methods:
        native, at_image_size = heatmaps[method].native, heatmaps[method].at_image_size()
        assert np.isfinite(native).all(), f"{method} is not finite"
        assert at_image_size.shape == (1, *entry.shape[:-1]), at_image_size.shape
        found[method] = Result(graph.resolved[method]["layer"], native.shape[1:])
    return found
