"""What a method is, and what it may ask of a traced model."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.short_repr import short_repr
from keras_saliency.methods.trace import Trace


@short_repr
@dataclass(frozen=True)
class Attribution:
    """What a method built into the graph.

    Attributes:
        heatmaps: float tensor (n, h, w), non-negative.
        description: {keyword: text}, what the method means for this model, for the settings
            page; such as "layer" and "rule". "advice" also goes to the user, once: why maps
            that are all zero are to be expected for the model, and what to use instead.
        signal: float tensor (n, H, W, C), the signed attributions, where they
            are worth a picture of their own; otherwise None.
    """

    heatmaps: tf.Tensor
    description: dict[str, str]
    signal: tf.Tensor | None = None


class Method:
    """One way to turn a traced model into heatmaps.

    Attributes:
        name: the method's name in the registry, in `logs` and in tags.
        is_grainy: whether its maps vary from pixel to pixel, as gradients do. Statistics
            smooth such maps by a Gaussian of 1 px.
        shows_weights: whether its maps depend on the weights of the upper layers. Where they
            hardly do, they are never the reason for a suspicion.
        suspects_first: of several methods, suspicions are drawn from the maps of the one with
            the largest number; of equal ones from the first.
    """

    name = ""
    is_grainy = False
    shows_weights = True
    suspects_first = 0

    def attribute(self, trace: Trace) -> Attribution:
        """Builds this method's part of the graph.

        Raises:
            ValueError: if the model has no meaningful map of this kind.
        """
        raise NotImplementedError

    def settings(self) -> dict[str, object]:
        """The constructor's arguments, for `repr` and to tell runs apart."""
        return dict(vars(self))

    def __repr__(self) -> str:
        arguments = ", ".join(
            f'{k}="{v}"' if isinstance(v, str) else f"{k}={v!r}"
            for k, v in self.settings().items()
            if v is not None
        )
        return f"{type(self).__name__}({arguments})"


def check_layer_name(method: str, layer: object) -> str | None:
    """Refuses what cannot be a layer's name."""
    if layer is None or (isinstance(layer, str) and layer):
        return layer
    raise TypeError(
        f"{method}(layer=...) must be a layer's name or None. Received: layer={layer!r}. "
        "Pass layer.name for a layer object."
    )


def check_number(method: str, name: str, value: Any, smallest: float = -math.inf) -> float:
    """Refuses what is no finite number of at least `smallest`."""
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < smallest:
        at_least = "" if smallest == -math.inf else f" of at least {smallest:g}"
        raise ValueError(
            f"{method}({name}=...) must be a finite number{at_least}. Received: {shown(value)}."
        )
    return float(value)
