"""`ModelGraph`: the only room that calls the model."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from keras_saliency._utils.arguments import check_int
from keras_saliency.attribution.checks import (
    check_backend,
    check_input_shape,
    refuse_probabilities,
    tell_half_precision,
)
from keras_saliency.attribution.output import FUNCTION, probabilities_of, read_logits, read_output
from keras_saliency.attribution.target import CONTRAST, Target, one_hot_targets
from keras_saliency.methods import get_methods
from keras_saliency.methods.trace import Trace
from keras_saliency.records import Heatmaps, Predictions
from keras_saliency.tracing.forward_pass import ensure_built, run_forward
from keras_saliency.tracing.keras_versions import is_model, is_tf_keras
from keras_saliency.tracing.model_function import ModelFunction, filled
from keras_saliency.tracing.relu_rules import rectifiable
from keras_saliency.tracing.replicas import first_replica
from keras_saliency.tracing.side_effects import SideEffects


class ModelGraph:
    """A Keras model and some methods as one compiled graph.

    One concrete function holds one forward pass, and one backward pass for
    each ReLU rule that the methods ask for. It follows the model's live
    weights, so that it can be made once and run at every epoch's end. To be
    used from the main thread only.

    Args:
        model: a Keras model on the TensorFlow backend, or one of `tf_keras`, that takes images
            (n, H, W, C). An unbuilt one is given its weights, as Keras does, without being run.
        methods: a method's name, a `Method`, or a list of these.
        image_shape: (H, W, C) of the images that will be given; (length, C) of signals,
            (D, H, W, C) of volumes.
        chunk_size: how many images go through the graph at once.
        predict: whether `attribute` returns predictions. Without them target classes
            must be given, and TensorFlow leaves out what no map needs.
        target: `Target` of what is explained, and of what the model takes beside the
            images. Defaults to None: weighted logits of the only output, images alone.

    Attributes:
        resolved: words by method and keyword: what each method means for
            this model (layer, rule, ReLU nodes rectified), and under "score" what
            is explained. `print(graph)` shows them.
        num_classes: k, the number of logits; 1 for a one-unit head.
        has_classes: whether the output has classes; else the user's score is taken for a logit.
        num_traces: how often the model was traced: 1.

    Raises:
        RuntimeError: if Keras does not run on TensorFlow.
        TypeError: if `model` is no Keras model.
        ValueError: if the images do not fit the model, or a method has no
            honest map for it.
    """

    def __init__(
        self,
        model,
        methods="grad_cam",
        *,
        image_shape,
        chunk_size=32,
        predict=True,
        target=None,
    ):
        if not is_tf_keras(model):
            check_backend()
        if not is_model(model):
            raise TypeError(f"model must be a keras.Model. Received: {type(model).__name__}.")
        check_int("chunk_size", chunk_size)
        self.methods = get_methods(methods)
        self.image_shape = tuple(int(side) for side in image_shape)
        self.chunk_size = int(chunk_size)
        self._predicts = predict
        self.resolved: dict[str, dict[str, str]] = {}
        self.num_traces = 0
        self._target = Target() if target is None else target
        others = self._target.others
        self._is_channels_first = check_input_shape(model, self.image_shape, others)
        ensure_built(model, self.image_shape, others)
        self._model = model
        self._function = self._trace(model)
        self._state = SideEffects(self._function.graph)
        self._predictor: Any = None  # traced when it is first asked for

    def attribute(
        self, images, target_classes=None, *, weights=None, signals_of=()
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
            weights = one_hot_targets(
                target_classes, len(images), self.num_classes, "target_classes"
            )
        is_filled = not self._predicts and self._target.score is None
        if is_filled and not weights.any(axis=1).all():
            raise ValueError("target_classes must be given, since nothing is predicted.")
        joined: dict[str, np.ndarray] = {}
        with self._state.kept():
            for start in range(0, len(images), self.chunk_size):
                inside = slice(start, start + self.chunk_size)
                wanted = [i - start for i in signals_of if start <= i < start + self.chunk_size]
                more = self._target.arrays(inside)
                results = self._run([images[inside], weights[inside], *more])
                self._keep(joined, results, len(images), inside, wanted)
        if self._head == "linear":
            refuse_probabilities(joined["logits"])
        heatmaps = {
            m.name: Heatmaps(
                m.name,
                joined[m.name],
                self.image_shape[:-1],
                joined.get(f"{m.name}/signal"),
                m.is_grainy,
            )
            for m in self.methods
        }
        if not self._predicts:
            return None, heatmaps
        predictions = Predictions(joined["logits"], joined["probabilities"], self.has_classes)
        return predictions, heatmaps

    def predict(self, images, rows=None) -> Predictions:
        """Runs the model forward, as it infers.

        Args:
            images: array (m, H, W, C), as the model takes them.
            rows: ints (m,), whose other inputs go with each image. Defaults to None, in order.

        Returns:
            `Predictions`, of the same logits that `attribute` explains.
        """
        others = () if self._target.others is None else self._target.others.arrays
        rows = np.arange(len(images)) if rows is None else np.asarray(rows)
        if self._predictor is None:
            self._predictor = self._make_predictor()
        return Predictions(*self._predictor(images, *(array[rows] for array in others)))

    def function_of(self, build, *specs, chunk_size=None) -> ModelFunction:
        """Compiles what `build` makes of the forward pass; see `ModelFunction`.

        Args:
            build: function from the `ForwardPass` and tensors of `specs` to a list of tensors.
            specs: `tf.TensorSpec`s.
            chunk_size: how many images go through at once at most. Defaults to None, as
                many as the graph's, and always so many.
        """
        others = dataclasses.replace(self._target, facts={}).specs(None)
        return ModelFunction(
            build,
            self._model,
            self._model_input,
            self.image_shape,
            others,
            specs=specs,
            chunk_size=chunk_size or self.chunk_size,
            is_fixed=chunk_size is None,
        )

    def with_chunk_size(self, chunk_size) -> "ModelGraph":
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
    def map_sizes(self) -> dict[str, list[int]]:
        """{method: [h, w]} of the maps at native size."""
        outputs = self._function.structured_outputs
        return {m.name: outputs[m.name].shape.as_list()[1:] for m in self.methods}

    @property
    def signed(self) -> list[str]:
        """Names of the methods that have signed attributions."""
        outputs = self._function.structured_outputs
        return [m.name for m in self.methods if f"{m.name}/signal" in outputs]

    def non_finite_weights(self) -> list[str]:
        """Names of the model's weights that hold NaN or infinity."""
        with first_replica(self._model):
            return [
                getattr(w, "path", w.name)
                for w in self._model.weights
                if w.dtype != "string" and not np.isfinite(np.asarray(w, np.float64)).all()
            ]

    def _run(self, arrays):
        """Runs one chunk, filled up with its last image so that its size is always the same."""
        arrays = [filled(array, self.chunk_size) for array in arrays]
        arrays[0] = arrays[0].astype(np.float32, copy=False)
        return self._function(*map(tf.constant, arrays))

    @staticmethod
    def _keep(joined, results, num_images, inside, wanted):
        """Copies a chunk's results to their place, so that there is one copy of them."""
        for name, value in results.items():
            if name.endswith("/signal"):
                kept = tf.gather(value, np.asarray(wanted, np.int32)).numpy()
                before = joined.get(name, kept[:0])
                joined[name] = np.concatenate([before, kept])
                continue
            value = value.numpy()
            if name not in joined:
                joined[name] = np.empty((num_images, *value.shape[1:]), value.dtype)
            place = joined[name][inside]
            place[...] = value[: len(place)]

    def _trace(self, model):
        def read(images, weights, tensors, target, fill):
            with rectifiable():
                forward = run_forward(model, images, self._model_input(images, tensors))
            return forward, read_output(forward, target, weights, tensors, model, fill=fill)

        def trace_of(forward, reading, tensors):
            target = self._target
            if target.score == CONTRAST:  # of the two classes that were meant at first
                target = dataclasses.replace(target, score=None)

            def again(images):
                found, read_there = read(images, reading.weights, tensors, target, False)
                return trace_of(found, read_there, tensors)

            return Trace(forward, reading.start, reading.score, reading.weights, again)

        def run(images, weights, *tensors):
            self.num_traces += 1
            forward, reading = read(images, weights, tensors, self._target, self._predicts)
            self.num_classes = reading.logits.shape[1]
            self.has_classes = reading.head != FUNCTION
            self.resolved["score"] = reading.words
            tell_half_precision(forward, self.resolved["score"])
            self._head = reading.head
            trace = trace_of(forward, reading, tensors)
            results = {}
            if self._predicts or self._head == "linear":  # probabilities in disguise are refused
                results["logits"] = reading.logits
            if self._predicts:
                results["probabilities"] = reading.probabilities
            for method in self.methods:
                attribution = method.attribute(trace)
                self.resolved[method.name] = attribution.words
                results[method.name] = tf.cast(attribution.heatmaps, tf.float32)
                if attribution.signal is not None:
                    results[f"{method.name}/signal"] = tf.cast(attribution.signal, tf.float32)
            return results

        return tf.function(run, autograph=False).get_concrete_function(
            tf.TensorSpec((self.chunk_size, *self.image_shape), tf.float32, name="images"),
            tf.TensorSpec((self.chunk_size, None), tf.float32, name="target_weights"),
            *self._target.specs(self.chunk_size),
        )

    def _model_input(self, images, tensors):
        """What the model is called on."""
        if self._is_channels_first:
            rank = images.shape.rank
            images = tf.transpose(images, (0, rank - 1, *range(1, rank - 1)))
        return self._target.model_input(images, tensors)

    def _make_predictor(self):
        target = dataclasses.replace(self._target, facts={})

        def build(forward):
            logits, head = read_logits(forward, target, self._model)
            return logits, probabilities_of(logits, head)

        # A full chunk's worth of a large image in small ones: a call costs more than they do.
        at_once = max(self.chunk_size, min(256, 2**21 // int(np.prod(self.image_shape))))
        return self.function_of(build, chunk_size=at_once)

    def __str__(self):
        lines = []
        for name, words in self.resolved.items():
            lines.append(f"{name}: " + ", ".join(f"{k} {v}" for k, v in words.items()))
        return "\n".join(lines)
