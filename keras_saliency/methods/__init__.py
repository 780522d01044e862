"""The methods. To add one: one file here, and one line in `METHODS`."""

import difflib
import re
from collections.abc import Sequence

from keras_saliency._utils.arguments import shown
from keras_saliency.methods.base import Method
from keras_saliency.methods.deconvnet import DeconvNet
from keras_saliency.methods.grad_cam import GradCAM
from keras_saliency.methods.grad_cam_plus_plus import GradCAMPlusPlus
from keras_saliency.methods.guided_backprop import GuidedBackprop
from keras_saliency.methods.guided_grad_cam import GuidedGradCAM
from keras_saliency.methods.hires_cam import HiResCAM
from keras_saliency.methods.input_x_gradient import InputXGradient
from keras_saliency.methods.integrated_gradients import IntegratedGradients
from keras_saliency.methods.layer_cam import LayerCAM
from keras_saliency.methods.occlusion import Occlusion
from keras_saliency.methods.score_cam import ScoreCAM
from keras_saliency.methods.smooth_grad import SmoothGrad
from keras_saliency.methods.trace import Trace
from keras_saliency.methods.vanilla_gradients import VanillaGradients

# Names become tags, folders and rows of the settings page, where these topics stand already.
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_TAKEN = ("features", "probes", "run", "score", "shortcuts", "versions", "workers")

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        GradCAM,
        VanillaGradients,
        DeconvNet,
        GuidedBackprop,
        GuidedGradCAM,
        SmoothGrad,
        IntegratedGradients,
        InputXGradient,
        GradCAMPlusPlus,
        LayerCAM,
        HiResCAM,
        ScoreCAM,
        Occlusion,
    )
}

Methods = str | Method | Sequence[str | Method]  # what a user may pass

__all__ = ["METHODS", "Method", "Trace", "get_methods", *(m.__name__ for m in METHODS.values())]


def get_methods(methods: Methods) -> list[Method]:
    """Turns names and `Method` objects into a list of distinct methods.

    Args:
        methods: a name of `METHODS`, a `Method`, or a list of these.

    Raises:
        TypeError: if an entry is neither a name nor a `Method`.
        ValueError: if a name is unknown, a method comes twice, or there is none.
    """
    entries = list(methods) if isinstance(methods, (list, tuple)) else [methods]
    if not entries:
        raise ValueError(f"methods is empty. Pass at least one of: {_known()}.")
    found = [_get(entry) for entry in entries]
    names = [method.name for method in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f'methods holds "{name}" twice. Received: {entries!r}. Pass each method once; '
                "statistics and tags are kept by its name."
            )
    return found


def _get(entry: object) -> Method:
    if isinstance(entry, Method):
        return _checked_name(entry)
    if isinstance(entry, type) and issubclass(entry, Method):
        raise TypeError(
            f"methods holds the class {entry.__name__}. Pass an object: {entry.__name__}()."
        )
    if not isinstance(entry, str):
        raise TypeError(
            f"methods must hold names or method objects. Received: {shown(entry)}. "
            f"Pass one of: {_known()}."
        )
    if entry not in METHODS:
        near = difflib.get_close_matches(entry, METHODS, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise ValueError(
            f"methods holds an unknown method {shown(entry)}.{hint} Pass one of: {_known()}."
        )
    return METHODS[entry]()


def _checked_name(method: Method) -> Method:
    name = method.name
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _TAKEN:
        raise ValueError(
            "A method's name must be 1 to 100 of the characters A-Z, a-z, 0-9, _, - and ., not "
            f"begin with a dot and be none of {', '.join(_TAKEN)}. Received: {shown(name)} of "
            f"{type(method).__name__}. Set its attribute `name`; tags and folders are called so."
        )
    return method


def _known() -> str:
    return ", ".join(f'"{name}"' for name in METHODS)
