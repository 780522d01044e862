"""`explain`: heatmaps of a finished model, outside of training."""

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_saliency._utils.arguments import check_int
from keras_saliency._utils.notify import warn
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.preprocessor import prepared
from keras_saliency.attribution.target import Target
from keras_saliency.methods import Methods
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Heatmaps, Predictions
from keras_saliency.tracing.model_function import Indices


def explain(
    model: keras.Model,
    images: Any,
    target_classes: Any = None,
    method: Methods = "grad_cam",
    *,
    chunk_size: int = 32,
    output: str | int | None = None,
) -> np.ndarray | dict[str, np.ndarray]:
    """Returns heatmaps that show where a model looks for a class.

    The heatmaps are un-normalised: their magnitude is evidence, and two of
    them can be compared.

    Args:
        model: a `keras.Model`.
        images: array (n, H, W, C), as `model.predict` takes them, finite; for a model with several
            inputs, a dict or list of them, see `ProbeSet`; or a `ProbeSet`.
        target_classes: the class to explain: None for the predicted one, an int
            for all images, or ints (n,); "contrast" for the predicted class less the
            runner-up; of a number (a regression) None and 1 for what raises it, 0 for what lowers
            it; or a function that takes the model's outputs and a `ProbeBatch` and
            returns one score for each image, differentiable. Defaults to None.
        method: a name such as "grad_cam", see `keras_saliency.methods`, a method object
            such as `GradCAM(layer="conv_3")`, or a list of these. Defaults to
            "grad_cam".
        chunk_size: how many images go through the model at once.
        output: name or number of the output to explain, of a model that has several.

    Returns:
        float32 array (n, H, W), non-negative; for a list of methods a dict of
        such arrays by the method's name. A map that is all zero says that nothing
        speaks for the class; one that is not finite is all NaN. Both come with a
        warning that names the images.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if the images do not fit the model, a class is out of range, or
            a method has no meaningful map for this model.
    """
    _, _, heatmaps = attribute(
        model,
        images,
        target_classes,
        method,
        chunk_size=chunk_size,
        predict=target_classes is None,
        output=output,
    )
    maps = {name: _at_image_size(h) for name, h in heatmaps.items()}
    if isinstance(method, list | tuple):
        return maps
    return next(iter(maps.values()))


def attribute(
    model: keras.Model,
    images: Any,
    target_classes: Any = None,
    method: Methods = "grad_cam",
    *,
    chunk_size: int = 32,
    signals_of: Indices = (),
    predict: bool = True,
    output: str | int | None = None,
) -> tuple[ModelGraph, Predictions | None, dict[str, Heatmaps]]:
    """Does the work of `explain`, which has the same arguments.

    Args:
        model: a `keras.Model`.
        images: images or a `ProbeSet`.
        target_classes: what to explain.
        method: a method or a list of them.
        chunk_size: how many images go through the model at once.
        signals_of: indices of the images whose signed attributions are kept.
        predict: whether predictions are computed as well.
        output: name or number of the output to explain.

    Returns:
        The `ModelGraph`, `Predictions` (None without `predict`), and `Heatmaps` by method.
    """
    probes = prepared(model, images if isinstance(images, ProbeSet) else ProbeSet(images))
    target = Target.about(probes, target_classes, output)
    images = probes.model_inputs
    check_int("chunk_size", chunk_size)
    graph = ModelGraph(
        model,
        method,
        image_shape=images.shape[1:],
        chunk_size=min(chunk_size, len(images)),
        predict=predict,
        target=target,
    )
    classes = None if target.score is not None else target_classes
    predictions, heatmaps = graph.attribute(images, classes, signals_of=signals_of)
    # A `preprocess` may resize: the map is of the image as it is given.
    size = probes.image_shape[:-1]
    heatmaps = {m: dataclasses.replace(h, image_size=size) for m, h in heatmaps.items()}
    for found in heatmaps.values():
        for kind, problem in found.problems().items():
            is_advised = kind == "all zero" and found.advice
            warn(f"{problem} {found.advice}." if is_advised else problem)
    return graph, predictions, heatmaps


def _at_image_size(heatmaps: Heatmaps) -> np.ndarray:
    maps = heatmaps.at_image_size().copy()
    maps[heatmaps.non_finite] = np.nan
    return maps
