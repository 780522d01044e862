"""What sinks for services share: client, calls that may hang, keys, and the report of a run."""

import importlib
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from keras_saliency.sinks.sink import Settings
from keras_saliency.tab.report import build_report

PATIENCE = 30  # seconds that all calls of one report may take
DEFAULT_NAME = "saliency"  # of a run, and the first part of TensorBoard's tags


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


class PatientCalls:
    """Calls a service in a thread of its own, and waits for at most `PATIENCE` seconds.

    A server that accepts connections and never answers would else hold up the next observation,
    and the end of the program. Once it did not answer in time, further calls fail at once until it
    has.

    Args:
        service: its name, for messages.
    """

    def __init__(self, service: str):
        self._service = service
        self._thread: threading.Thread | None = None

    def run(self, function: Callable, *arguments: Any) -> None:
        """Calls `function(*arguments)`.

        Raises:
            TimeoutError: if it takes too long, or an earlier call still does. It goes on.
            Exception: what the function has raised in time.
        """
        if self._thread is not None and self._thread.is_alive():
            raise TimeoutError(f"{self._service} still does not answer")
        errors: list[BaseException] = []

        def call() -> None:
            try:
                function(*arguments)
            except BaseException as error:
                errors.append(error)

        self._thread = threading.Thread(target=call, name="keras_saliency calls", daemon=True)
        self._thread.start()
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError(f"{self._service} has not answered for {PATIENCE} s")
        if errors:
            raise errors[0]


def choose_prefix(settings: Settings, known: Callable[[str], str | None]) -> str:
    """Returns what the keys of a run begin with: its name, such as "fold_1/saliency".

    It is the name that was asked for, so that runs of a service can be compared where the
    directories are `saliency_2`, `saliency_3`, ...; where one run of the service holds two of our
    runs with that name, the second has its directory's name.

    Args:
        settings: those of `Sink.open`.
        known: function from a prefix to the name of the run that has it already, or None.
    """
    run = settings.get("run", {})
    name = run.get("name", DEFAULT_NAME)
    asked = run.get("run_name", name)
    return asked if known(asked) in (None, name) else name


def run_folder(run_dir: str) -> str:
    """Returns the last part of a run's directory, such as "saliency"."""
    return run_dir.replace("\\", "/").rstrip("/").rpartition("/")[2]


def run_report(run_dir: str) -> str | None:
    """Returns the report of one run as HTML; None where it wrote nothing for the tab."""
    try:
        return build_report(run_dir, only_run=run_folder(run_dir))
    except ValueError:  # no maps: another sink than TensorBoardSink, or no epoch
        return None
