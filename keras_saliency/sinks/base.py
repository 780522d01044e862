"""What a sink is."""

from keras_saliency.records import EpochReport


class Sink:
    """A place where reports go. One sink serves one run at a time.

    All of its methods but `open` are called in one background thread.

    Attributes:
        tries_again: exceptions of `write` after which the next report is tried all the
            same. After three others in a row the sink is switched off.
    """

    tries_again: tuple[type[Exception], ...] = ()

    def open(self, run_dir: str, settings: dict[str, dict[str, str]]) -> None:
        """Begins a run. Nothing should be written before there is something to write.

        Args:
            run_dir: the run's directory, such as "logs/saliency".
            settings: words by topic and keyword, for a settings page.
        """
        raise NotImplementedError

    def write(self, report: EpochReport) -> None:
        """Writes one epoch, or one batch inside it, so that a reader sees it at once."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the run; `open` may follow."""
