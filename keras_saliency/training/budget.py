"""What observing may cost, and what it does cost: `Budget` and `Cost`."""

import time


class Budget:
    """A share of wall time: what costs c seconds is followed by nothing for c / share seconds.

    Args:
        share: in (0, 1], or None for no limit.

    Attributes:
        cost: seconds that the last observation took; None before the first.
    """

    def __init__(self, share: float | None):
        self.share = share
        self.cost: float | None = None
        self._free_at = float("-inf")

    def allows(self, now: float) -> bool:
        """Whether an observation may begin at this time, in seconds of any clock."""
        return now >= self._free_at

    def spend(self, began: float, seconds: float) -> None:
        """Notes an observation that began at a time and took so many seconds."""
        self.cost = seconds
        if self.share is not None:
            self._free_at = began + seconds / self.share

    def extend(self, seconds: float) -> None:
        """Adds the background CPU time of the last observation."""
        if self.share is not None:
            self._free_at += seconds / self.share


class Cost:
    """What observing costs the training, epoch by epoch.

    As a context, it counts an observation.

    Attributes:
        began: when the last observation began, by `time.perf_counter`.
        last: seconds that the last observation took.
    """

    def __init__(self) -> None:
        self.began = self.last = 0.0
        self._in_epoch = 0.0
        self._epoch_began: float | None = None

    def begin_epoch(self) -> None:
        """Notes that an epoch begins."""
        self._in_epoch, self._epoch_began = 0.0, time.perf_counter()

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.last = time.perf_counter() - self.began
        self._in_epoch += self.last

    def seconds(self, is_end: bool) -> dict[str, float]:
        """Returns "blocking_seconds" of the epoch so far, and at its end "share_of_epoch"."""
        cost = {"blocking_seconds": self._in_epoch}
        if is_end and self._epoch_began is not None:
            cost["share_of_epoch"] = self._in_epoch / (time.perf_counter() - self._epoch_began)
        return cost
