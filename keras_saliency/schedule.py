"""When to observe: every so many batches, and within a budget of time. Knows no model."""


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


class BatchCounter:
    """Which batches are observed, and where they stand among the epochs.

    Args:
        batch_freq: every so many batches of an epoch.
        num_batches: batches in an epoch, or None until the first epoch has told.
        epoch: the first epoch, 0-based.
    """

    def __init__(self, batch_freq: int, num_batches: int | None, epoch: int):
        self._batch_freq = batch_freq
        self._num_batches = num_batches
        self._before = epoch * (num_batches or 0)  # batches trained before this epoch
        self._in_epoch = 0

    def is_due(self, batch: int) -> bool:
        """Notes that a batch, 0-based, has been trained; tells whether it is to be observed.

        The last of an epoch is not, because the epoch's end is. Batches may come
        several at a time (`steps_per_execution`).
        """
        earlier, self._in_epoch = self._in_epoch, batch + 1
        if self._in_epoch == self._num_batches:
            return False
        return self._in_epoch // self._batch_freq > earlier // self._batch_freq

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
