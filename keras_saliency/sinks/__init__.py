"""Where reports go. To add a sink: one file here, and one line in `SINKS`."""

from collections.abc import Sequence
from typing import Any

from keras_saliency._utils.arguments import shown
from keras_saliency.sinks.folder import FolderSink
from keras_saliency.sinks.mlflow import MlflowSink
from keras_saliency.sinks.notebook import NotebookSink, is_in_notebook
from keras_saliency.sinks.sink import Sink
from keras_saliency.sinks.tensorboard import TensorBoardSink
from keras_saliency.sinks.wandb import WandbSink

__all__ = [
    "SINKS",
    "FolderSink",
    "MlflowSink",
    "NotebookSink",
    "Sink",
    "TensorBoardSink",
    "WandbSink",
    "get_sinks",
    "name_sinks",
]

SINKS: dict[str, type[Sink]] = {
    "tensorboard": TensorBoardSink,
    "folder": FolderSink,
    "notebook": NotebookSink,
    "wandb": WandbSink,
    "mlflow": MlflowSink,
}


def get_sinks(sinks: Any) -> list[Sink]:
    """Turns names and `Sink` objects into a list of sinks.

    None is "tensorboard", and in a notebook "notebook" as well.

    Raises:
        ValueError: if a name is unknown.
        ImportError: if the client of a service is not installed.
        TypeError: if an entry is neither a name nor a `Sink`.
    """
    if sinks is None:
        sinks = ["tensorboard", "notebook"] if is_in_notebook() else ["tensorboard"]
    return [_get(sink) for sink in (sinks if isinstance(sinks, list | tuple) else [sinks])]


def name_sinks(sinks: Sequence[Sink]) -> dict[str, Sink]:
    """Returns sinks by what they are called in messages: their class, with a number from 2 on.

    So each answers for its own failures, where several are of one class.
    """
    named: dict[str, Sink] = {}
    for sink in sinks:
        name, number = type(sink).__name__, 1
        while (label := name if number == 1 else f"{name} {number}") in named:
            number += 1
        named[label] = sink
    return named


def _get(sink: Any) -> Sink:
    known = ", ".join(f'"{name}"' for name in SINKS)
    if isinstance(sink, Sink):
        return sink
    if not isinstance(sink, str):
        raise TypeError(
            f"sinks must hold names or Sink objects. Received: {shown(sink)}. Pass one of: {known}."
        )
    if sink not in SINKS:
        raise ValueError(f"sinks holds an unknown sink {shown(sink)}. Pass one of: {known}.")
    return SINKS[sink]()
