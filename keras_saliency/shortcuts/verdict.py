"""`Verdict`: how sure a finding is, and since when."""

from typing import Final, Literal, NamedTuple

Severity = Literal["suspect", "alert"]

SUSPECT: Final = "suspect"  # proven by a swap once, or what was swapped may belong to the object
ALERT: Final = "alert"  # proven at two checks in a row


class Verdict(NamedTuple):
    """How sure a finding is, and since when; see `Alert`.

    Attributes:
        severity: `SUSPECT` or `ALERT`.
        epoch: 0-based.
        since_epoch: the epoch in which its streak began.
    """

    severity: Severity
    epoch: int
    since_epoch: int
