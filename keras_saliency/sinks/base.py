"""What a sink is."""

from keras_saliency.records import EpochReport


class Sink:
    """A place where reports go. One sink serves one run at a time."""

    def open(self, run_dir: str, settings: dict[str, dict[str, str]]) -> None:
        """Begins a run. Nothing should be written before there is something to write.

        Args:
            run_dir: the run's directory, such as "logs/saliency".
            settings: words by topic and keyword, for a settings page.
        """
        raise NotImplementedError

    def write(self, report: EpochReport) -> None:
        """Writes one epoch so that a reader sees it at once."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the run; `open` may follow."""
