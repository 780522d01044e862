"""`Streaks`: how long a suspicion has been confirmed without a break."""

from collections.abc import Container, Hashable, Iterable

from keras_saliency.shortcuts.verdict import ALERT, Severity

NUM_FOR_ALERT = 2  # checks in a row


class Streaks:
    """Counts checks in a row, and remembers the epoch in which each streak began."""

    def __init__(self) -> None:
        self._streaks: dict[Hashable, tuple[int, int]] = {}

    def update(self, key: Hashable, epoch: int, is_over: bool) -> int:
        """Notes one check.

        Args:
            key: what is suspected, such as a detector and a class.
            epoch: 0-based.
            is_over: whether the suspicion was confirmed.

        Returns:
            The length of the streak, this check included; 0 where it was not confirmed.
        """
        if not is_over:
            self._streaks.pop(key, None)
            return 0
        length, since = self._streaks.get(key, (0, epoch))
        self._streaks[key] = length + 1, since
        return length + 1

    def length(self, key: Hashable) -> int:
        """Returns how many checks the streak of `key` has."""
        return self._streaks.get(key, (0, 0))[0]

    def since(self, key: Hashable) -> int:
        """Returns the epoch in which the streak of `key` began."""
        return self._streaks[key][1]

    def clear(self) -> None:
        """Breaks all streaks."""
        self._streaks.clear()


class Told:
    """What the user has been told of, so that one streak is one suspect and one alert.

    A streak ends, and may be reported again, after two checks in a row without proof.
    """

    def __init__(self) -> None:
        self._told: dict[Hashable, Severity] = {}
        self._quiet: dict[Hashable, int] = {}

    def has(self, key: Hashable, severity: Severity) -> bool:
        """Whether the user knows of it: an alert says all that a suspect would."""
        return self._told.get(key) in (severity, ALERT)

    def add(self, keys: Iterable[Hashable], severity: Severity) -> None:
        """Notes what is reported together."""
        for key in keys:
            if not self.has(key, severity):
                self._told[key] = severity

    def forget_what_is_over(self, proven: Container[Hashable]) -> None:
        """Notes one check, in which some are proven."""
        for key in list(self._told):
            self._quiet[key] = 0 if key in proven else self._quiet.get(key, 0) + 1
            if self._quiet[key] >= NUM_FOR_ALERT:
                del self._told[key], self._quiet[key]
