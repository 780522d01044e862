"""`ModelGraph`: the only class that runs the model."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_saliency._utils.arguments import check_int
from keras_saliency.attribution.checks import (
    check_backend,
    check_eager,
    check_input_shape,
    refuse_probabilities,
)
from keras_saliency.attribution.graph_outputs import Resolved, build_outputs, signal_name
from keras_saliency.attribution.logits import FUNCTION, NUMBER, UNSURE, probabilities_of
from keras_saliency.attribution.output import read_logits
from keras_saliency.attribution.target import Target, one_hot_targets
from keras_saliency.methods import Methods, get_methods
from keras_saliency.records import Heatmaps, Predictions
from keras_saliency.tracing.forward_pass import ForwardPass, ensure_built, run_forward
from keras_saliency.tracing.keras_versions import is_model, is_tf_keras
from keras_saliency.tracing.model_function import Indices, ModelFunction
from keras_saliency.tracing.relu_rules import rectifiable
from keras_saliency.tracing.replicas import first_replica


class ModelGraph:
    """A Keras model and some methods as one compiled graph.

    One concrete function holds one forward pass, and one backward pass for
    each ReLU rule that the methods ask for. It follows the model's live
    weights, so that it can be made once and run at every epoch's end. Use it
    from the main thread only.

    Args:
        model: a Keras model on the TensorFlow backend, or one of `tf_keras`, that takes images
            (n, H, W, C). An unbuilt one is given its weights, as Keras does, without being run.
        methods: a method's name, a `Method`, or a list of these.
        image_shape: (H, W, C) of the images that will be given; (length, C) for signals,
            (D, H, W, C) for volumes.
        chunk_size: how many images go through the graph at once.
        predict: whether `attribute` returns predictions. Without them target classes
            must be given, and TensorFlow leaves out what no map needs.
        target: `Target` of what is explained, and of what the model takes beside the
            images. Defaults to None: weighted logits of the only output, images alone.

    Attributes:
        methods, image_shape, chunk_size: as they were passed, checked.
        resolved: {method, or "score": {keyword: text}}: what each method means for this
            model (layer, rule, ReLU nodes rectified), and what is explained. `print(graph)`
            shows it.
        num_classes: k, the number of logits; 1 for a one-unit head.
        has_classes: whether the output names classes; else it is a number, or the user's score.

    Raises:
        RuntimeError: if Keras does not run on TensorFlow.
        TypeError: if `model` is no Keras model.
        ValueError: if the images do not fit the model, or a method has no
            meaningful map for it, or eager execution is disabled.
    """

    def __init__(
        self,
        model: keras.Model,
        methods: Methods = "grad_cam",
        *,
        image_shape: Sequence[int],
        chunk_size: int = 32,
        predict: bool = True,
        target: Target | None = None,
    ):
        if not is_tf_keras(model):
            check_backend()
        if not is_model(model):
            raise TypeError(f"model must be a keras.Model. Received: {type(model).__name__}.")
        check_eager()
        check_int("chunk_size", chunk_size)
        self.methods = get_methods(methods)
        self.image_shape = tuple(int(side) for side in image_shape)
        self.chunk_size = int(chunk_size)
        self._model, self._predicts = model, predict
        self._target = Target() if target is None else target
        self._is_channels_first = check_input_shape(model, self.image_shape, self._target.others)
        ensure_built(model, self.image_shape, self._target.others)
        self._traces: list[Resolved] = []
        weights = tf.TensorSpec((None, None), tf.float32, name="target_weights")
        specs = [weights, *self._target.specs]
        self._function = ModelFunction(self._build, self.image_shape, specs, self.chunk_size, True)
        found = self._traces[0]
        self.resolved, self.num_classes = found.descriptions, found.num_classes
        self.has_classes = found.head not in (FUNCTION, NUMBER)
        self._predictor: ModelFunction | None = None  # traced when it is first asked for

    def attribute(
        self,
        images: np.ndarray,
        target_classes: Any = None,
        *,
        weights: np.ndarray | None = None,
        signals_of: Indices = (),
    ) -> tuple[Predictions | None, dict[str, Heatmaps]]:
        """Computes predictions and every method's heatmaps.

        Args:
            images: array (n, H, W, C), as the model takes them.
            target_classes: what is explained: None for the predicted class,
                an int, or ints (n,).
            weights: float array (n, k) instead: the score is the sum of the weighted
                logits; an all-zero row means the predicted class.
            signals_of: indices of the images whose signed attributions are kept.

        Returns:
            `Predictions`, None without `predict`, and `Heatmaps` by the method's name.
        """
        if weights is None:
            n, k = len(images), self.num_classes
            weights = one_hot_targets(target_classes, n, k, "target_classes")
        must_be_given = not self._predicts and self._target.score is None
        if must_be_given and not weights.any(axis=1).all():
            raise ValueError("target_classes must be given, since nothing is predicted.")
        more = (array[: len(images)] for array in self._target.arrays)
        rows = {signal_name(method): signals_of for method in self.signed}
        found = self._function(images, weights, *more, rows=rows)
        if self._traces[0].head in UNSURE:
            refuse_probabilities(found["logits"], self._traces[0].head == "hidden")
        size, heatmaps = self.image_shape[:-1], {}
        for m in self.methods:
            signal = found.get(signal_name(m.name))
            heatmaps[m.name] = Heatmaps(
                m.name, found[m.name], size, signal, m.is_grainy, self.advice.get(m.name, "")
            )
        if not self._predicts:
            return None, heatmaps
        return Predictions(found["logits"], found["probabilities"], self.has_classes), heatmaps

    def predict(self, images: np.ndarray | tf.Tensor, rows: Indices | None = None) -> Predictions:
        """Runs the model forward, as it infers.

        Args:
            images: array (m, H, W, C), as the model takes them; or a float32 tensor, which is not
                copied to the host.
            rows: ints (m,), whose other inputs go with each image. Defaults to None, in order.

        Returns:
            `Predictions`, of the same logits that `attribute` explains.
        """
        chosen = np.arange(len(images)) if rows is None else np.asarray(rows)
        if self._predictor is None:
            self._predictor = self._make_predictor()
        others = self._target.arrays[: self._target.num_others]
        found = self._predictor(images, *(array[chosen] for array in others))
        return Predictions(found["logits"], found["probabilities"])

    def function_of(
        self,
        build: Callable[..., dict[str, tf.Tensor]],
        *specs: tf.TensorSpec,
        chunk_size: int | None = None,
    ) -> ModelFunction:
        """Compiles what `build` makes of the forward pass.

        Args:
            build: function from the `ForwardPass` and tensors of `specs` to {name: tensor}.
            specs: `tf.TensorSpec`s of what it takes beside the forward pass.
            chunk_size: how many images go through at once at most. Defaults to None, padded to
                the graph's chunk size.

        Returns:
            `ModelFunction` of images, the model's other inputs, and arrays of `specs`.
        """
        num_others = self._target.num_others

        def build_all(images: tf.Tensor, *tensors: tf.Tensor) -> dict[str, tf.Tensor]:
            forward = self._run_model(images, tensors[:num_others])
            return build(forward, *tensors[num_others:])

        return ModelFunction(
            build_all,
            self.image_shape,
            [*self._target.specs[:num_others], *specs],
            chunk_size or self.chunk_size,
            is_fixed=chunk_size is None,
        )

    def with_chunk_size(self, chunk_size: int) -> "ModelGraph":
        """Returns the same graph for chunks of another size, traced anew."""
        return ModelGraph(
            self._model,
            self.methods,
            image_shape=self.image_shape,
            chunk_size=chunk_size,
            predict=self._predicts,
            target=self._target,
        )

    @property
    def num_traces(self) -> int:
        """How often the model was traced for the methods: 1."""
        return len(self._traces)

    @property
    def advice(self) -> dict[str, str]:
        """{method: why many of its maps may be all zero for this model, and what to use}."""
        found = {m.name: self.resolved[m.name].get("advice", "") for m in self.methods}
        return {name: advice for name, advice in found.items() if advice}

    @property
    def map_sizes(self) -> dict[str, list[int]]:
        """{method: [h, w]} of the maps at native size."""
        return {m.name: self._function.shapes[m.name] for m in self.methods}

    @property
    def signed(self) -> list[str]:
        """Names of the methods that have signed attributions."""
        shapes = self._function.shapes
        return [m.name for m in self.methods if signal_name(m.name) in shapes]

    def non_finite_weights(self) -> list[str]:
        """Names of the model's weights that hold NaN or infinity."""
        with first_replica(self._model):
            return [
                getattr(w, "path", w.name)
                for w in self._model.weights
                if w.dtype != "string" and not np.isfinite(np.asarray(w, np.float64)).all()
            ]

    def _build(
        self, images: tf.Tensor, weights: tf.Tensor, *tensors: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Builds what `attribute` runs. What was found is noted: a graph returns tensors only."""
        target, methods = self._target, self.methods
        outputs, found = build_outputs(
            self._run_model, target, methods, self._predicts, images, weights, tensors
        )
        self._traces.append(found)
        return outputs

    def _make_predictor(self) -> ModelFunction:
        def build(forward: ForwardPass) -> dict[str, tf.Tensor]:
            head = read_logits(forward, self._target)
            return {"logits": head.logits, "probabilities": probabilities_of(head)}

        # A full chunk's worth of a large image in small ones: a call costs more than they do.
        at_once = max(self.chunk_size, min(256, 2**21 // int(np.prod(self.image_shape))))
        return self.function_of(build, chunk_size=at_once)

    def _run_model(self, images: tf.Tensor, tensors: Sequence[tf.Tensor]) -> ForwardPass:
        """Runs the model in the graph being traced; its ReLUs then obey rules."""
        given = images
        if self._is_channels_first:
            rank = images.shape.rank
            given = tf.transpose(images, (0, rank - 1, *range(1, rank - 1)))
        with rectifiable():
            return run_forward(self._model, images, self._target.model_input(given, tensors))

    def __str__(self) -> str:
        return "\n".join(
            f"{name}: " + ", ".join(f"{key} {text}" for key, text in description.items())
            for name, description in self.resolved.items()
        )
