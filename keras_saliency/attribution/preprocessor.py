"""The preprocessor of a model: what its `fit` and `predict` do to images before it is called."""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np

from keras_saliency.probes import ProbeSet

# The methods with which a model meets data. What they apply, `model(images)` does not.
_MEETS_DATA = (
    *("preprocess_samples", "fit", "evaluate", "predict", "predict_on_batch"),
    *("predict_step", "test_step", "train_step"),
    *("make_predict_function", "make_test_function", "make_train_function"),
)


def find_preprocessor(model: Any) -> Callable[..., Any] | None:
    """Returns what `fit` and `predict` of a model apply to images, as tasks of `keras_hub` do.

    That is `model.preprocessor`, if it can be called and a method of the model's own class uses it
    that meets the data, such as `preprocess_samples`, `predict` or `train_step`. Where `call` uses
    it, too, it is a part of the model.
    """
    preprocessor = getattr(model, "preprocessor", None)
    if not callable(preprocessor):
        return None
    own = [cls for cls in type(model).__mro__ if not _is_of_keras(cls)]
    if any(_uses(vars(cls).get("call")) for cls in own):
        return None
    if any(_uses(vars(cls).get(name)) for cls in own for name in _MEETS_DATA):
        return preprocessor
    return None


def prepared(model: Any, probes: ProbeSet) -> ProbeSet:
    """Returns the probes as `fit` and `predict` of the model prepare them.

    Args:
        model: the model.
        probes: `ProbeSet`. Where it has a `preprocess` of its own, that makes the model's input,
            and the model's preprocessor is left out.

    Returns:
        The same `ProbeSet` where there is nothing to apply.

    Raises:
        ValueError: if the preprocessor does not turn the probes into images of the same shape of
            side, or the model takes several inputs.
    """
    preprocessor = find_preprocessor(model)
    if preprocessor is None or probes.preprocess is not None:
        return probes
    name = f"{type(model).__name__}.preprocessor, which fit and predict apply,"
    fix = (
        "Prepare the probes yourself: ProbeSet(images, labels, preprocess=function), whose result "
        "the model is then called on, or train with model.preprocessor = None on prepared images."
    )
    if probes.other_inputs is not None:
        raise ValueError(f"{name} takes images alone, but there are other inputs. {fix}")
    try:
        found = probes.with_preprocess(_Preprocess(preprocessor))
        inputs = found.model_inputs
    except Exception as error:
        raise ValueError(f"{name} cannot be used for the probes: {error} {fix}") from error
    if not _has_same_proportions(probes.images.shape, inputs.shape):
        height, width = inputs.shape[1:3]
        raise ValueError(
            f"{name} turns images of {probes.images.shape[1:]} into {inputs.shape[1:]}. It may cut "
            "off or add edges, so that a map could not be placed in the image. Pass images of the "
            f"size that it makes: tf.image.resize(images, ({height}, {width})), or "
            f"image_size=({height}, {width}) in from_directory."
        )
    return found


class _Preprocess:
    """A preprocessor as a function from images to the model's input."""

    def __init__(self, preprocessor: Callable[..., Any]):
        self._preprocessor = preprocessor

    def __repr__(self) -> str:
        return "the model's preprocessor, as in fit and predict"

    def __call__(self, images: np.ndarray) -> Any:
        result = self._preprocessor(images)
        # Some pack their result as `fit` takes it, without labels.
        return result[0] if isinstance(result, tuple) and len(result) == 1 else result


def _has_same_proportions(images: tuple[int, ...], inputs: tuple[int, ...]) -> bool:
    """Whether sizes (n, H, W, C) differ at most by a factor, up to a pixel."""
    (height, width), (to_height, to_width) = images[1:3], inputs[1:3]
    if images[1:-1] == inputs[1:-1]:
        return True
    slack = max(height, width, to_height, to_width)
    return len(images) == 4 and abs(to_height * width - to_width * height) < slack


def _is_of_keras(cls: type) -> bool:
    return cls.__module__.split(".")[0] in ("keras", "tf_keras", "builtins")


def _uses(method: Any) -> bool:
    """Whether the code of a method names a preprocessor."""
    function = getattr(method, "__func__", method)
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    return code is not None and any("preprocessor" in part.co_names for part in _parts(code))


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
