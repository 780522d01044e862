"""Watch where an image model looks while Keras trains it.

The names below are loaded when they are first used, so that importing the
package loads neither TensorFlow nor OpenCV.
"""

import importlib

__version__ = "0.1.0"

_MODULES = {
    "Alert": "keras_saliency.records",
    "Battery": "keras_saliency.shortcuts",
    "DeconvNet": "keras_saliency.methods",
    "GradCAM": "keras_saliency.methods",
    "GradCAMPlusPlus": "keras_saliency.methods",
    "GuidedBackprop": "keras_saliency.methods",
    "GuidedGradCAM": "keras_saliency.methods",
    "HiResCAM": "keras_saliency.methods",
    "History": "keras_saliency.history",
    "InputXGradient": "keras_saliency.methods",
    "IntegratedGradients": "keras_saliency.methods",
    "LayerCAM": "keras_saliency.methods",
    "ModelGraph": "keras_saliency.attribution.model_graph",
    "Occlusion": "keras_saliency.methods",
    "ProbeSet": "keras_saliency.probes",
    "SaliencyCallback": "keras_saliency.training.callback",
    "ScoreCAM": "keras_saliency.methods",
    "SmoothGrad": "keras_saliency.methods",
    "VanillaGradients": "keras_saliency.methods",
    "confirm": "keras_saliency.shortcuts.confirm",
    "explain": "keras_saliency.attribution.explain",
    "findings": "keras_saliency.history.findings",
    "sanity_check": "keras_saliency.attribution.sanity_check",
}

__all__ = [*_MODULES, "__version__"]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
