"""`sanity_check`: which methods depend on the model's weights at all."""

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from keras_saliency._utils.arguments import check_int
from keras_saliency._utils.short_repr import short_repr
from keras_saliency._utils.spread import spread_evenly
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.preprocessor import prepared
from keras_saliency.attribution.target import one_hot_targets
from keras_saliency.methods import METHODS, Methods, get_methods
from keras_saliency.probes import ProbeSet
from keras_saliency.statistics.drift import rank_correlation

# Above this correlation, maps count as the same without what the model has learned.
SAME = 0.5


@short_repr
@dataclass(frozen=True, eq=False)
class SanityCheck:
    """How each method's maps change when the weights are randomized from the top down.

    Attributes:
        layers: the lowest layer that is random in each stage. In the first stage this is the
            top one, in the last stage all are random.
        correlations: {method: float array (num_stages,)}, the mean over probes of Spearman's
            rank correlation of the map with that of the model as it is; NaN where there is no map.
        refused: {method: reason}, methods that have no meaningful map for the model.
    """

    layers: list[str]
    correlations: dict[str, np.ndarray]
    refused: dict[str, str] = field(default_factory=dict)

    def verdict(self, method: str) -> str:
        """What a method's maps depend on: "all weights", "lower layers only", "none" or "unknown".

        "none" if they stay much the same (a correlation above 0.5) once all weights are random,
        "lower layers only" if they stay much the same with the upper half random, "unknown" where
        there is no map to compare.
        """
        values = self.correlations[method]
        half, whole = values[(len(values) - 1) // 2], values[-1]
        if whole > SAME:
            return "none"
        if np.isnan(whole) or np.isnan(half):
            return "unknown"
        return "lower layers only" if half > SAME else "all weights"

    def depends(self, method: str) -> bool:
        """Whether a method's maps change once all weights are random; False if that is unknown."""
        return self.verdict(method) not in ("none", "unknown")

    def __str__(self) -> str:
        """A Markdown table, and how to read it."""
        stages = spread_evenly(len(self.layers), 5)
        rows = [
            "| method | "
            + " | ".join(f"down to {self.layers[s]}" for s in stages)
            + " | depends on |",
            "|---" * (len(stages) + 2) + "|",
        ]
        for method, values in self.correlations.items():
            cells = " | ".join(
                "no map" if np.isnan(values[s]) else f"{values[s]:.2f}" for s in stages
            )
            rows.append(f"| {method} | {cells} | {self.verdict(method)} |")
        rows += [f"Not tried: {method}. {reason}" for method, reason in self.refused.items()]
        rows.append(
            "Rank correlation with the maps of the model as it is. Near 1 although the layers down "
            "to the named one are random: the method does not show what they have learned."
        )
        return "\n".join(rows)


def sanity_check(
    model: keras.Model,
    probes: ProbeSet,
    methods: Methods | None = None,
    *,
    num_stages: int = 8,
    seed: int = 0,
    chunk_size: int = 32,
) -> SanityCheck:
    """Randomizes a model's weights layer by layer, from the top, and compares the maps.

    The values of each weight are shuffled, so that their distribution stays. The model is the
    same afterwards, bit for bit, after an error too. The table is printed.

    Args:
        model: a `keras.Model`, built.
        probes: `ProbeSet`; what is explained is their labels, or else the predicted classes
            of the model as it is.
        methods: names, `Method` objects, or a list of these. Defaults to None, all that have a
            meaningful map for the model.
        num_stages: how often maps are computed, at most.
        seed: of the shuffling.
        chunk_size: how many images go through the model at once.

    Returns:
        `SanityCheck`.

    Raises:
        TypeError: if `probes` is no `ProbeSet`.
        ValueError: if a method that was asked for has no meaningful map.

    References:
        Adebayo et al., Sanity Checks for Saliency Maps, 2018, https://arxiv.org/abs/1810.03292,
        section 3.1: cascading randomization, with Spearman's rank correlation.
    """
    if not isinstance(probes, ProbeSet):
        raise TypeError(f"probes must be a ProbeSet. Received: {type(probes).__name__}.")
    probes = prepared(model, probes)
    check_int("num_stages", num_stages)
    check_int("chunk_size", chunk_size)
    graphs, refused = _graphs(model, probes, methods, min(chunk_size, len(probes)))
    if not graphs:
        raise ValueError(f"No method has a meaningful map for this model: {refused}.")
    explained = _fixed_weights(probes, next(iter(graphs.values())))
    groups = _by_layer(model)
    stages = spread_evenly(len(groups), num_stages).tolist()
    before = {name: _maps(graph, probes, explained) for name, graph in graphs.items()}
    correlations = {name: np.full(len(stages), np.nan) for name in graphs}
    originals = [(w, w.numpy().copy()) for _, weights in groups for w in weights]
    rng = np.random.default_rng(seed)
    try:
        for place, (_, weights) in enumerate(groups):
            for weight in weights:
                values = weight.numpy()
                weight.assign(rng.permutation(values.ravel()).reshape(values.shape))
            if place in stages:
                for name, graph in graphs.items():
                    unlike = rank_correlation(_maps(graph, probes, explained), before[name])
                    found = unlike[np.isfinite(unlike)]
                    if len(found):
                        correlations[name][stages.index(place)] = 1 - found.mean()
    finally:
        for weight, values in originals:
            weight.assign(values)
    check = SanityCheck([groups[s][0] for s in stages], correlations, refused)
    print(check)
    return check


def _graphs(
    model: keras.Model, probes: ProbeSet, methods: Methods | None, chunk_size: int
) -> tuple[dict[str, ModelGraph], dict[str, str]]:
    """{method: `ModelGraph`}, and {method: reason} of those that are refused."""
    graphs, refused = {}, {}
    for method in get_methods(list(METHODS) if methods is None else methods):
        try:
            graphs[method.name] = ModelGraph(
                model,
                method,
                image_shape=probes.model_inputs.shape[1:],
                chunk_size=chunk_size,
            )
        except ValueError as error:
            if methods is not None:
                raise
            refused[method.name] = str(error)
    return graphs, refused


def _fixed_weights(probes: ProbeSet, graph: ModelGraph) -> np.ndarray:
    """What is explained, (n, k), fixed, because a random model predicts something else."""
    if not graph.has_classes:
        return np.ones((len(probes), 1), np.float32)  # what raises the number
    if probes.class_labels is not None:
        return one_hot_targets(probes.class_labels, len(probes), graph.num_classes, "labels")
    if probes.multi_hot is not None:
        return np.asarray(probes.multi_hot, np.float32)
    predicted: Any = graph.attribute(probes.model_inputs)[0]
    return one_hot_targets(predicted.classes, len(probes), graph.num_classes, "target")


def _maps(graph: ModelGraph, probes: ProbeSet, weights: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        _, heatmaps = graph.attribute(probes.model_inputs, weights=weights)
    [found] = heatmaps.values()
    return found.native


def _by_layer(model: keras.Model) -> list[tuple[str, list]]:
    """(layer, its float weights), from the top down; the order is that of their creation."""
    groups: dict[str, list] = {}
    for weight in model.weights:
        path = getattr(weight, "path", weight.name)
        values = weight.numpy()
        if values.dtype.kind == "f" and values.size > 1:
            groups.setdefault(path.rpartition("/")[0] or path, []).append(weight)
    if not groups:
        raise ValueError("The model has no weights to randomize.")
    return list(groups.items())[::-1]
