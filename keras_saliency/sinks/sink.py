"""`Sink`: a place where reports go."""

from typing import Any

from keras_saliency.records import EpochReport

Settings = dict[str, dict[str, str]]  # text by topic and keyword


class Sink:
    """A place where reports go. One sink serves one run at a time.

    A sink is `check`ed and `open`ed in the training's thread, before the first step. `write` and
    `close` are called in one background thread. It can be copied at any time, as tuners do: a
    copy holds nothing of the run.

    `tests/helpers/sink_contract.py` checks that a sink keeps this contract.

    Attributes:
        tries_again: exceptions of `write` after which the next report is tried all the
            same. After three others in a row the sink is switched off.
        is_display: whether it shows reports instead of keeping them. Such a sink is left out
            of a `fit` with `verbose=0`.
        of_a_run: names of attributes that `open` sets, which a copy does not have.
    """

    tries_again: tuple[type[Exception], ...] = ()
    is_display: bool = False
    of_a_run: tuple[str, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out what belongs to a run: `open` begins another."""
        return {name: value for name, value in vars(self).items() if name not in self.of_a_run}

    def check(self) -> None:
        """Refuses a training that this sink could not write for. Called before the first step.

        Raises:
            ValueError: with what the user has to do, such as to begin a run of the service.
        """

    def open(self, run_dir: str, settings: Settings) -> None:
        """Begins a run. Nothing should be written before there is something to write.

        Args:
            run_dir: the run's directory, such as "logs/saliency".
            settings: what was resolved, as text by topic and keyword, for a settings page. The
                topics are the methods' names, "score", "probes", "versions", "shortcuts",
                "sinks" (the classes of all, as "names"), "run" (its "name", and the "run_name"
                that was asked for) and "workers".
        """
        raise NotImplementedError

    def write(self, report: EpochReport) -> None:
        """Writes one epoch, or one batch inside it, so that a reader sees it at once."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the run; `open` may follow."""
