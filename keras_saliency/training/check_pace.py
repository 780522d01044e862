"""`CheckPace`: which checks for shortcuts are made, so that they keep their share of wall time."""

import time
from collections.abc import Callable

FIRST_SHARE, SHARE = 0.10, 0.05  # of the first epoch, of the training after it
_COLD = 3.0  # the first check compiles more than the baseline does


class CheckPace:
    """Keeps checks for shortcuts within a share of the training's wall time.

    At most 10 % of the first epoch, and 5 % of what follows. A required check is made whatever
    it costs; it counts, so the next ones wait longer.

    As a context, it takes the time of a check.

    Args:
        share: `max_overhead`: of observations as a whole, which keep to it by themselves, so that
            every one may check; or None.
        clock: function that returns seconds.
    """

    def __init__(self, share: float | None = None, clock: Callable[[], float] = time.perf_counter):
        self._is_limited, self._share = share is None, SHARE if share is None else share
        self._clock = clock
        self._began: float | None = None  # the first epoch
        self._ended: float | None = None
        self._spent = self._expected = self._check_began = self._last = 0.0
        self._costs: list[float] = []
        self._is_made: dict[int, bool] = {}  # by epoch, where a check was due at its end

    def expect(self, seconds: float) -> None:
        """Notes what the baseline took, by which the cost of the first check is judged."""
        self._expected = _COLD * seconds

    def begin_epoch(self) -> None:
        """Notes that an epoch begins."""
        if self._began is None:
            self._began = self._clock()

    def end_epoch(self) -> None:
        """Notes that an epoch was trained. What the first one has left over lapses."""
        if self._ended is None and self._began is not None:
            self._ended = self._clock()
            self._spent = max(self._spent, FIRST_SHARE * (self._ended - self._began))

    @property
    def has_tested(self) -> bool:
        """Whether a model was tested, and not only found too inaccurate."""
        return bool(self._costs)

    def allows(self) -> bool:
        """Whether a check that is not required may begin."""
        if not self._is_limited or self._began is None:
            return True  # no epoch begins in a loop of one's own, which asks for each check
        return self._spent + min(self._costs, default=self._expected) <= self._allowed(self._began)

    def _allowed(self, began: float) -> float:
        """The seconds that checks may have taken by now."""
        now = self._clock()
        if self._ended is None:
            return FIRST_SHARE * (now - began)
        return FIRST_SHARE * (self._ended - began) + SHARE * (now - self._ended)

    def __enter__(self) -> None:
        self._check_began = self._clock()

    def __exit__(self, *_: object) -> None:
        self._last = self._clock() - self._check_began
        self._spent += self._last

    def note_test(self) -> None:
        """Notes that the last check has tested the model."""
        self._costs.append(self._last)

    def note_due(self, epoch: int, is_made: bool) -> None:
        """Notes that a check was due at the end of an epoch, and whether there was one."""
        self._is_made[epoch] = is_made

    def is_made(self, epoch: int) -> bool:
        """Whether there was a check at the end of an epoch."""
        return self._is_made.get(epoch, False)

    def described(self) -> str:
        """Says how many checks were left out, and why; nothing where all were made."""
        num_due, num_made = len(self._is_made), sum(self._is_made.values())
        if num_made == num_due:
            return ""
        checked, share = f"Checked {num_made} of {num_due} epochs", f"{100 * self._share:g} %"
        took_more = False
        if self._is_limited and self._began is not None:
            # More than a bit: the last check alone may take more than was left for it.
            took_more = self._spent > 1.5 * self._allowed(self._began)
        if took_more:
            return (
                f"{checked}: the checks that are always made took more than {share} by "
                "themselves, as in any short training."
            )
        return f"{checked} to stay below {share}."
