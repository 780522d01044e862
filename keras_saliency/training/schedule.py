"""When to observe: which epochs, which batches, within a budget of time. Knows no model."""

import time
from collections.abc import Callable

from keras_saliency._utils.notify import notify
from keras_saliency.records import Moment
from keras_saliency.training.budget import Budget, Cost
from keras_saliency.training.check_pace import CheckPace


class BatchCounter:
    """Which batches are observed, and where they stand among the epochs.

    Args:
        batch_freq: every so many batches of an epoch.
        num_batches: batches in an epoch, or None until the first epoch has ended.
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
        """Notes that a batch, 0-based, has been trained; returns whether it is to be observed.

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


class EarlyChecks:
    """When to check for shortcuts inside the first two epochs: after ¼, ½ and ¾ of the batches.

    Shortcuts are learned there. In an epoch of unknown length there is no such moment.

    Args:
        num_batches: batches in an epoch, or None until the first epoch has ended.
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
        """Whether to check, now that so many batches of this epoch are trained."""
        self._most = max(self._most, trained + 1)
        if not self._due:
            return False
        passed = [moment for moment in self._due if trained >= moment]
        self._due = self._due[len(passed) :]
        return bool(passed)

    def share(self, trained: int) -> float:
        """Returns the share of the epoch that so many batches are."""
        return trained / (self._num_batches or 1)


class Schedule:
    """Which moments of one training are observed, within the budget of time.

    Args:
        epoch_freq: observe every so many epochs.
        batch_freq: observe every so many batches, or None.
        max_overhead: the share of wall time that observing may take, 1 for no limit; None limits
            checks for shortcuts only.
        epoch: the first epoch, 0-based.
        steps: batches in an epoch, None if it is not known.
        num_trained: how many batches were trained before; asked for where `steps` is not known.
        at_once: how many batches Keras trains before it calls (`steps_per_execution`).
        clock: function that returns seconds.

    Attributes:
        cost: `Cost`, a context for what the training waits for.
        check_pace: `CheckPace` of the checks for shortcuts.
        epoch_budget: `Budget` of the observations at the ends of epochs.
        batch_budget: `Budget` of those inside epochs.
    """

    def __init__(
        self,
        epoch_freq: int,
        batch_freq: int | None,
        max_overhead: float | None,
        epoch: int,
        steps: int | None = None,
        num_trained: int = 0,
        at_once: int = 1,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._epoch_freq = epoch_freq
        self._epoch = epoch
        self._clock = clock
        self.cost, self.check_pace = Cost(clock), CheckPace(max_overhead, clock)
        self._share = share = None if max_overhead == 1 else max_overhead
        # Batches have half of the budget, so that they never use up that of the epochs' ends.
        if share is not None and batch_freq is not None:
            share /= 2
        self.epoch_budget, self.batch_budget = Budget(share), Budget(share)
        self._thinned: set[str] = set()
        self._early = EarlyChecks(steps)
        self._counter: BatchCounter | None = None
        if batch_freq is not None:
            before = max(0, epoch) * steps if steps else num_trained
            self._counter = BatchCounter(batch_freq, steps, before, at_once)

    @property
    def num_trained(self) -> int | None:
        """How many batches were trained since epoch 0; None where batches are not counted."""
        return None if self._counter is None else self._counter.step

    def begin_epoch(self, epoch: int) -> None:
        """Notes that an epoch, 0-based, begins."""
        self._epoch = epoch
        self._early.begin_epoch(epoch)
        self.cost.begin_epoch()
        self.check_pace.begin_epoch()

    def end_epoch(self) -> None:
        """Notes that the epoch has ended, and was observed if it is to be."""
        if self._counter is not None:
            self._counter.end_epoch()

    def is_of_epochs(self, epoch: int) -> bool:
        """Whether an epoch is one of every `epoch_freq`."""
        return epoch % self._epoch_freq == 0

    def at_epoch_end(self, epoch: int, is_busy: bool, is_owed: bool = False) -> Moment | None:
        """Returns the moment of an epoch's end if it is to be observed.

        Args:
            epoch: 0-based.
            is_busy: whether the work behind the last observation is not done yet.
            is_owed: whether it is observed whatever that costs.
        """
        self.check_pace.end_epoch()
        is_due = self.is_of_epochs(epoch) and (
            is_owed or self._allows(self.epoch_budget, "epochs", is_busy)
        )
        return Moment(epoch) if is_due else None

    def at_batch_end(self, batch: int, is_busy: bool) -> Moment | None:
        """Returns the moment after a batch, 0-based, if it is to be observed."""
        counter = self._counter
        if counter is None or not counter.is_due(batch):
            return None
        if not self._allows(self.batch_budget, "batches", is_busy):
            return None
        position = counter.position(self._epoch)
        return Moment(self._epoch, False, counter.in_epoch, counter.step, position)

    def at_batch_begin(self, batch: int, is_owed: bool = False) -> Moment | None:
        """Returns the moment before a batch, 0-based, if shortcuts are to be checked for there."""
        # Where there is a budget, it is for the ends of epochs.
        if not self._early.is_due(batch) or self._share is not None:
            return None
        if not (is_owed or self.check_pace.allows()):
            return None
        position = self._epoch - 1 + self._early.share(batch)
        return Moment(self._epoch, False, batch, batch, position)

    def _allows(self, budget: Budget, what: str, is_busy: bool) -> bool:
        """Whether the budget has room; notifies once where it has not.

        Where there is a budget, nothing waits for the background thread, the first time apart.
        """
        waits = budget.share is not None and budget.cost is not None and is_busy
        if not waits and budget.allows(self._clock()):
            return True
        if what not in self._thinned:
            self._thinned.add(what)
            notify(
                f"keras_saliency: an observation takes {budget.cost:.2g} s and the work behind "
                f"it, more than max_overhead={self._share:g} allows: not all {what} are "
                "observed from now on, so that the share of time is kept."
            )
        return False
