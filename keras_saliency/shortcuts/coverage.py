"""`Coverage`: what the search for shortcuts tests; `Untested`: what it leaves out, and why."""

from dataclasses import dataclass
from typing import Literal, NamedTuple


@dataclass(frozen=True)
class Untested:
    """What the search for shortcuts leaves out.

    Attributes:
        subject: what it is, such as a detector's name, or the name of a class.
        reason: why, for code. The user need not be warned of what is "legitimate", "needs objects"
            or tests "images only"; it is in the summary.
        text: a clause for messages: "border, which is legitimate".
    """

    subject: str
    reason: Literal[
        "legitimate",
        "needs objects",
        "images only",
        "too few",
        "ambiguous",
    ]
    text: str

    @property
    def is_expected(self) -> bool:
        """Whether it follows from what the user has asked for, and needs no warning."""
        return self.reason in ("legitimate", "needs objects", "images only")


class Coverage(NamedTuple):
    """What has been tested so far.

    Attributes:
        detectors: names of the detectors.
        num_classes: how many classes are tested.
        num_images: how many images are swapped.
        num_checks: how often the model was checked.
        num_closed: how many of these checks came to nothing, because the model was too inaccurate.
        untested: `Untested`s.
        num_tested: how many of these checks could have proven something.
        best_accuracy: the highest accuracy on the probes at a check, in [0, 1].
        least_accuracy: that at which tests begin.
    """

    detectors: tuple[str, ...]
    num_classes: int
    num_images: int
    num_checks: int
    num_closed: int
    untested: tuple[Untested, ...]
    num_tested: int
    best_accuracy: float
    least_accuracy: float

    @property
    def is_tested(self) -> bool:
        """Whether a shortcut could have been found: silence means nothing otherwise."""
        return self.num_tested > 0
