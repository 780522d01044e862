"""When to observe, and what it costs: batches, and a budget of time. Knows no model."""

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
        """Adds to the last observation what the work behind it has taken of the processor."""
        if self.share is not None:
            self._free_at += seconds / self.share


class BatchCounter:
    """Which batches are observed, and where they stand among the epochs.

    Args:
        batch_freq: every so many batches of an epoch.
        num_batches: batches in an epoch, or None until the first epoch has told.
        before: how many batches were trained before the first epoch.
        at_once: how many batches Keras trains before it calls (`steps_per_execution`).
    """

    def __init__(self, batch_freq: int, num_batches: int | None, before: int, at_once: int = 1):
        self._batch_freq = batch_freq
        self._num_batches = num_batches
        self._before = before  # batches trained before this epoch
        self._at_once = at_once
        self._in_epoch = 0

    def is_due(self, batch: int) -> bool:
        """Notes that a batch, 0-based, has been trained; tells whether it is to be observed.

        The last of an epoch is not, because the epoch's end is. Of several at once, Keras 3.6
        names the first and later versions the last, which may lie behind the epoch's end.
        """
        is_first = self._at_once > 1 and batch % self._at_once == 0
        trained = batch + (self._at_once if is_first else 1)
        if self._num_batches is not None:
            trained = min(trained, self._num_batches)
        earlier, self._in_epoch = self._in_epoch, trained
        if self._in_epoch == self._num_batches:
            return False
        return self._in_epoch // self._batch_freq > earlier // self._batch_freq

    @property
    def in_epoch(self) -> int:
        """How many batches of this epoch have been trained."""
        return self._in_epoch

    @property
    def step(self) -> int:
        """How many batches have been trained since epoch 0."""
        return self._before + self._in_epoch

    def position(self, epoch: int) -> float:
        """Returns the place on the axis of epochs, between epoch - 1 and epoch, which is its end.

        While the length of an epoch is not known, later batches stand closer to its end.
        """
        length = self._num_batches or self._in_epoch + self._batch_freq
        return epoch - 1 + min(self._in_epoch / length, 1 - 1e-6)

    def end_epoch(self) -> None:
        """Notes that the epoch has ended."""
        self._num_batches = self._in_epoch or self._num_batches
        self._before += self._in_epoch
        self._in_epoch = 0


class EarlyLooks:
    """When to look inside the first two epochs: after ¼, ½ and ¾ of the batches.

    Shortcuts are learned there. In an epoch of unknown length there is no such moment.

    Args:
        num_batches: batches in an epoch, or None until the first epoch has told.
    """

    SHARES, NUM_EPOCHS = (0.25, 0.5, 0.75), 2

    def __init__(self, num_batches: int | None):
        self._num_batches = num_batches
        self._due: list[int] = []
        self._most = 0

    def begin_epoch(self, epoch: int) -> None:
        """Notes that an epoch, 0-based, begins."""
        self._num_batches = self._num_batches or self._most or None
        self._due = []
        if epoch < self.NUM_EPOCHS and self._num_batches:
            moments = {round(share * self._num_batches) for share in self.SHARES}
            self._due = sorted(moments - {0, self._num_batches})

    def is_due(self, trained: int) -> bool:
        """Whether to look, now that so many batches of this epoch are trained."""
        self._most = max(self._most, trained + 1)
        if not self._due:
            return False
        passed = [moment for moment in self._due if trained >= moment]
        self._due = self._due[len(passed) :]
        return bool(passed)

    def share(self, trained: int) -> float:
        """Returns the share of the epoch that so many batches are."""
        return trained / (self._num_batches or 1)


class Cost:
    """What observing costs the training, epoch by epoch.

    Attributes:
        last: seconds that the last observation took.
    """

    def __init__(self):
        self.last = 0.0
        self._in_epoch = 0.0
        self._epoch_began: float | None = None

    def begin_epoch(self) -> None:
        """Notes that an epoch begins."""
        self._in_epoch, self._epoch_began = 0.0, time.perf_counter()

    def counted(self) -> "Cost":
        """Context of an observation."""
        return self

    def __enter__(self):
        self._began = time.perf_counter()

    def __exit__(self, *_):
        self.last = time.perf_counter() - self._began
        self._in_epoch += self.last

    def words(self, is_end: bool) -> dict[str, float]:
        """Returns "blocking_seconds" of the epoch so far, and at its end "share_of_epoch"."""
        words = {"blocking_seconds": self._in_epoch}
        if is_end and self._epoch_began is not None:
            words["share_of_epoch"] = self._in_epoch / (time.perf_counter() - self._epoch_began)
        return words
