"""What observing may cost, and what it does cost: `Budget` and `Cost`."""

import time
from collections.abc import Callable


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
    """What observing costs the training, epoch by epoch and in all.

    As a context, it counts an observation.

    Args:
        clock: function that returns seconds.

    Attributes:
        began: when the last observation began.
        last: seconds that the last observation took.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.began = self.last = 0.0
        self._in_epoch = self._in_all = 0.0
        self._epoch_began: float | None = None
        self._training_began = self._last_ended = clock()

    def begin_epoch(self) -> None:
        """Notes that an epoch begins."""
        self._in_epoch, self._epoch_began = 0.0, self._clock()

    def __enter__(self) -> None:
        self.began = self._clock()

    def __exit__(self, *_: object) -> None:
        self._last_ended = self._clock()
        self.last = self._last_ended - self.began
        self._in_epoch += self.last
        self._in_all += self.last

    def seconds(self, is_end: bool) -> dict[str, float]:
        """Returns "blocking_seconds" of the epoch so far, and at its end "share_of_epoch"."""
        cost = {"blocking_seconds": self._in_epoch}
        if is_end and self._epoch_began is not None:
            cost["share_of_epoch"] = self._in_epoch / (self._clock() - self._epoch_began)
        return cost

    def described(self) -> str:
        """Says what the training has waited for, up to the last observation."""
        whole = self._last_ended - self._training_began
        share = self._in_all / whole if whole > 0 else 0.0
        return f"Observing took {self._in_all:.1f} s, {100 * share:.0f} % of training."
