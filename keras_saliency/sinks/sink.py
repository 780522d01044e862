"""`Sink`: a place where reports go."""

from keras_saliency.records import EpochReport

Settings = dict[str, dict[str, str]]  # text by topic and keyword


class Sink:
    """A place where reports go. One sink serves one run at a time.

    All of its methods but `open` are called in one background thread.

    Attributes:
        tries_again: exceptions of `write` after which the next report is tried all the
            same. After three others in a row the sink is switched off.
        is_display: whether it shows reports instead of keeping them. Such a sink is left out
            of a `fit` with `verbose=0`.
    """

    tries_again: tuple[type[Exception], ...] = ()
    is_display: bool = False

    def open(self, run_dir: str, settings: Settings) -> None:
        """Begins a run. Nothing should be written before there is something to write.

        Args:
            run_dir: the run's directory, such as "logs/saliency".
            settings: what was resolved, as text by topic and keyword, for a settings page. The
                topics are the methods' names, "score", "probes", "versions", "shortcuts" and
                "workers".
        """
        raise NotImplementedError

    def write(self, report: EpochReport) -> None:
        """Writes one epoch, or one batch inside it, so that a reader sees it at once."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the run; `open` may follow."""
