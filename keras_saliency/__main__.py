"""The command line.

python -m keras_saliency explain MODEL.keras IMAGE... -o OUT.png
python -m keras_saliency report LOG_DIR -o report.html
"""

import argparse
import inspect
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from keras_saliency._utils.files import written_whole
from keras_saliency._utils.notify import warn
from keras_saliency.attribution.explain import attribute
from keras_saliency.attribution.input_range import RANGES, Range, find_input_range
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.preprocessor import find_preprocessor
from keras_saliency.methods import METHODS, Method
from keras_saliency.probes import load_image
from keras_saliency.records import Predictions
from keras_saliency.rendering import (
    COLORMAPS,
    DEFAULT_COLORMAP,
    Caption,
    colorize_signed,
    defect,
    displayable,
    draw_grid,
    encode_png,
    overlay,
)
from keras_saliency.tab.report import build_report

# Why the default is applied.
_UNKNOWN = "a guess, since the model does not tell; pass --value-range LOW HIGH if it is another"

_WITH_LAYER = {
    name: method
    for name, method in METHODS.items()
    if "layer" in inspect.signature(method).parameters
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 2 for an error that the user can fix."""
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
            return options.run(options)
    except (ValueError, TypeError, OSError, tf.errors.OpError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m keras_saliency")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    explain = commands.add_parser("explain", help="draw where a saved model looks in image files")
    explain.set_defaults(run=_explain)
    explain.add_argument("model", metavar="MODEL", help="a .keras or .h5 file with one image input")
    explain.add_argument(
        "images", metavar="IMAGE", nargs="+", help=".png, .jpg, .bmp or .gif files"
    )
    explain.add_argument("--method", default="grad_cam", choices=list(METHODS))
    explain.add_argument("--layer", help=f"name of a layer, for {', '.join(_WITH_LAYER)}")
    explain.add_argument(
        "--target-class", type=int, help="class to explain (default: the predicted class)"
    )
    explain.add_argument(
        "--value-range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="the model's pixel values for black and white (default: what the model tells, else "
        "0 255)",
    )
    explain.add_argument(
        "--image-size", type=int, nargs=2, metavar=("H", "W"), help="needed for models of any size"
    )
    explain.add_argument("--colormap", default=DEFAULT_COLORMAP, choices=COLORMAPS)
    explain.add_argument("--opacity", type=float, default=0.6, help="0 ... 1 (default: 0.6)")
    explain.add_argument("-o", "--output", required=True, metavar="OUT.png")
    report = commands.add_parser("report", help="write the Saliency tab as one HTML file")
    report.set_defaults(run=_report)
    report.add_argument("log_dir", metavar="LOG_DIR", help="the same as for tensorboard --logdir")
    report.add_argument(
        "--run-name",
        action="append",
        metavar="RUN",
        help="a run to include; repeat for more (default: all runs)",
    )
    report.add_argument(
        "--max-epochs",
        type=int,
        default=50,
        help="how many epochs of a run have maps (default: 50)",
    )
    report.add_argument("-o", "--output", required=True, metavar="report.html")
    return parser


def _report(options: argparse.Namespace) -> int:
    if not options.output.lower().endswith((".html", ".htm")):
        raise ValueError(f'The output is an HTML file. Received: -o "{options.output}".')
    _check_folder(options.output)
    page = build_report(options.log_dir, runs=options.run_name, max_epochs=options.max_epochs)
    with written_whole(options.output) as file:
        file.write(page.encode())
    print(f"wrote {options.output}, {len(page) / 1e6:.1f} MB")
    return 0


def _explain(options: argparse.Namespace) -> int:
    _check(options)
    method = _method(options)
    model = _load_model(options.model)
    height, width, num_channels = _input_shape(model, options.image_size)
    pixels = [load_image(path, (height, width), num_channels) for path in options.images]
    (low, high), reason = _value_range(options, model, np.stack(pixels))
    print(f"pixel range: {low:g} ... {high:g} ({reason})")
    images = _scaled(np.stack(pixels), low, high)
    predictions: Any  # not None, unless `predict=False` is passed
    graph, predictions, heatmaps = attribute(
        model, images, options.target_class, method, signals_of=range(len(images))
    )
    if find_preprocessor(model) is None:
        _warn_of_saturation(graph, predictions, (low, high), reason, np.stack(pixels))
    found = heatmaps[options.method]
    display = displayable(np.stack(pixels).round().astype(np.uint8))
    tiles, captions = [], []
    for i, path in enumerate(options.images):
        note = defect(found.native[i], found.empty[i])
        if found.signal is not None and not note:
            tiles.append(colorize_signed(found.signal[i]))
        else:
            tiles.append(
                overlay(
                    display[i],
                    found.native[i],
                    opacity=options.opacity,
                    colormap=options.colormap,
                    empty=found.empty[i],
                )
            )
        prediction = f"score {predictions.logits[i, 0]:.3g}"
        if predictions.has_classes:
            prediction = f"class {predictions.classes[i]}"
        confidence = float(predictions.confidence[i])
        captions.append(Caption(os.path.basename(path), "", prediction, confidence, note=note))
    target = "" if options.target_class is None else f", class {options.target_class}"
    picture = draw_grid(
        tiles,
        captions,
        images=display,
        title=f"{options.method}{target}",
        colormap=None if found.signal is not None else options.colormap,
    )
    with open(options.output, "wb") as file:
        file.write(encode_png(picture))
    print(graph)
    print(f"wrote {options.output}")
    return 0


def _value_range(
    options: argparse.Namespace, model: keras.Model, pixels: np.ndarray
) -> tuple[Range, str]:
    """The model's values for black and white, and where they come from."""
    if options.value_range is not None:
        return tuple(options.value_range), "as given"
    return find_input_range(model, pixels) or (RANGES[0], _UNKNOWN)


def _scaled(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    return pixels / np.float32(255) * np.float32(high - low) + np.float32(low)


def _warn_of_saturation(
    graph: ModelGraph, predictions: Predictions, applied: Range, reason: str, pixels: np.ndarray
) -> None:
    """Warns where the model is certain of most images, as in a range that is too large for it."""
    certain = 0.995 if reason == _UNKNOWN else 1 - 1e-7  # a trained model is often certain, too
    if not (predictions.confidence > certain).mean() > 0.5:
        return
    others = []
    for low, high in RANGES:
        if (low, high) != applied:
            other = graph.predict(_scaled(pixels[:1], low, high))
            said = f"class {other.classes[0]}, {other.confidence[0]:.0%}"
            others.append(f"{said} with --value-range {low:g} {high:g}")
    warn(
        f"most images saturate the model in the pixel range {applied[0]:g} ... {applied[1]:g}: its "
        f"mean certainty is {predictions.confidence.mean():.1%}. It may have been trained on "
        f"another range. Of the first image it says: {', '.join(others)}."
    )


def _check(options: argparse.Namespace) -> None:
    """Checks the options before the model is loaded and run, which takes long."""
    if not 0 <= options.opacity <= 1:
        raise ValueError(f"--opacity must be in 0 ... 1. Received: {options.opacity}.")
    if options.value_range is not None and options.value_range[0] == options.value_range[1]:
        raise ValueError(f"--value-range needs two numbers. Received: {options.value_range}.")
    if options.image_size is not None and min(options.image_size) < 1:
        raise ValueError(f"--image-size must be at least 1 1. Received: {options.image_size}.")
    if not options.output.lower().endswith(".png"):
        raise ValueError(f'The output is a PNG file. Received: -o "{options.output}".')
    _check_folder(options.output)


def _check_folder(path: str) -> None:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise ValueError(f'There is no folder "{folder}" for -o "{path}".')


def _method(options: argparse.Namespace) -> str | Method:
    if options.layer is None:
        return options.method
    if options.method not in _WITH_LAYER:
        raise ValueError(f"--layer goes with {' and '.join(_WITH_LAYER)}, not {options.method}.")
    method: Any = _WITH_LAYER[options.method]
    return method(layer=options.layer)


def _load_model(path: str) -> keras.Model:
    if not os.path.exists(path):
        raise ValueError(f'There is no model file "{path}".')
    try:
        # Safe mode: a model file may hold code, which is not run.
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ValueError(
            f'The model "{path}" cannot be loaded in safe mode. Keras says: {error} '
            "A model with custom classes or Lambda layers can be explained from Python: "
            "keras_saliency.explain(model, images)."
        ) from error


def _input_shape(model: keras.Model, image_size: Sequence[int] | None) -> tuple[int, int, int]:
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] not in (1, 3):
        raise ValueError(
            f"The model must have one input of gray or RGB images. Received: input shape {shape}. "
            "Other models can be explained from Python: keras_saliency.explain(model, images)."
        )
    height, width = shape[1:3]
    if image_size is not None:
        height, width = image_size
    if height is None or width is None:
        raise ValueError("The model takes images of any size. Pass --image-size H W.")
    return height, width, shape[3]


if __name__ == "__main__":
    sys.exit(main())
