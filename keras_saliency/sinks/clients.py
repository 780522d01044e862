"""What sinks for services share: their client, imported on demand, and the report of a run."""

import importlib
from types import ModuleType

from keras_saliency.tab.report import build_report


def import_client(module: str, extra: str) -> ModuleType:
    """Imports a service's client.

    Args:
        module: its name.
        extra: the optional dependency of keras_saliency that brings it.

    Raises:
        ImportError: if it is not installed, with the line that installs it.
    """
    try:
        client = importlib.import_module(module)
        if client.__file__ is None:  # a folder of the same name, such as W&B leaves behind
            raise ImportError(f"{module} is a folder without code")
        importlib.import_module("PIL")  # which clients need for pictures, and do not ask for
    except ImportError as error:
        raise ImportError(
            f'sinks=["{extra}"] needs the package {module}, which cannot be imported ({error}). '
            f'Install it: pip install "keras-saliency[{extra}]"'
        ) from error
    return client


def run_folder(run_dir: str) -> str:
    """Returns the last part of a run's directory, such as "saliency"."""
    return run_dir.replace("\\", "/").rstrip("/").rpartition("/")[2]


def run_report(run_dir: str) -> str | None:
    """Returns the report of one run as HTML; None where it wrote nothing for the tab."""
    try:
        return build_report(run_dir, only_run=run_folder(run_dir))
    except ValueError:  # no maps: another sink than TensorBoardSink, or no epoch
        return None
