"""One background thread with at most one pending job."""

import functools
import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

from keras_saliency._utils.notify import Line, pointing_at, users_line


class BackgroundThread:
    """Runs jobs one after the other in a thread of its own. One thread submits; any may settle.

    A new job waits until the one before is done: nothing is dropped, and at most one job is
    pending. When the interpreter ends, Python waits for the job at hand.
    """

    def __init__(self) -> None:
        self._executor: futures.ThreadPoolExecutor | None = None
        self._job: futures.Future | None = None
        self._thread: int | None = None

    def submit(
        self, function: Callable, *arguments: Any, spent: Callable[[float], None] | None = None
    ) -> None:
        """Runs `function(*arguments)` in the thread, once the job before is done.

        Args:
            function: the job.
            *arguments: its arguments.
            spent: called with the seconds of CPU time that the job took.

        Raises:
            BaseException: what the job before has raised.
        """
        self.wait()
        if self._executor is None:
            self._executor = futures.ThreadPoolExecutor(1, thread_name_prefix="keras_saliency")
        job = functools.partial(self._run, users_line(), function, arguments, spent)
        try:
            self._job = self._executor.submit(job)
        except RuntimeError:  # the main thread is over, and Python begins no work any more
            function(*arguments)

    def wait(self) -> Any:
        """Waits for the job at hand and returns its result; None where there is none.

        Raises:
            BaseException: what the job has raised.
        """
        job = self._job
        if job is None or self.is_mine():
            return None  # a job that waits for itself would wait for ever
        futures.wait([job])  # this can be interrupted; then the job is still at hand
        self._job = None
        return job.result()

    def settle(self) -> None:
        """Waits for the job at hand, and leaves its result to the thread that submits jobs."""
        job = self._job
        if job is not None and not self.is_mine():
            futures.wait([job])

    def is_busy(self) -> bool:
        """Whether a job is at hand."""
        job = self._job
        return job is not None and not job.done()

    def is_mine(self) -> bool:
        """Whether the caller is the job at hand."""
        return threading.get_ident() == self._thread

    def close(self) -> None:
        """Waits for the job at hand and ends the thread; a new job begins another."""
        executor, self._executor = self._executor, None
        try:
            self.wait()
        finally:
            self._job = None
            if executor is not None:
                executor.shutdown()

    def _run(
        self,
        line: Line,
        function: Callable,
        arguments: tuple,
        spent: Callable[[float], None] | None,
    ) -> Any:
        self._thread = threading.get_ident()
        began = time.thread_time()
        try:
            with pointing_at(line):
                return function(*arguments)
        finally:
            if spent is not None:
                spent(time.thread_time() - began)
