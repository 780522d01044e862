"""What a detector is: a suspicion, the swap that would prove it, and the bounds it is held to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from keras_saliency.shortcuts.swaps import ClassLabels, Scene, Swap


class Bounds(NamedTuple):
    """By how much an adoption must exceed its control to be proven.

    Attributes:
        of_mean: the mean over all classes tested, which is the surer number.
        of_class: one class by itself, since a tag often sits in one class.
        of_pool: the mean of the last checks, see `Pool`; None where these are not pooled. It is
            of what is lost where `of_lost` is given.
        of_lost: by how much more recipients must lose their own class than by the control, of
            all classes together: what several classes share brings a recipient to any of these.
            None where only adoption counts.
    """

    of_mean: float
    of_class: float
    of_pool: float | None = None
    of_lost: float | None = None


@dataclass(frozen=True)
class SwapDetector:
    """Suspects one kind of cue and has a swap decide.

    Attributes:
        name: in findings, tags and `detectors=[...]`.
        propose: returns the `Swap` for a `Scene`.
        seen: what the model decides by, as alerts name it.
        done: what the swap does to a probe, a template with `{donor_class}`: "Putting ... of a
            probe of {donor_class} on another probe".
        blind_to: what it cannot see, as alerts name it.
        many: `Bounds` with more than two classes.
        two: `Bounds` with two classes, or labels of yes and no, where chance adopts more; None
            where it would prove nothing.
        legitimate: the names in `legitimate=[...]` that switch it off.
        needs: what it needs of the probes, such as "object_masks"; "" for nothing.
        is_local: whether a place can be accused.
        stands_in_for: a surer detector, in whose presence this one is not needed.
        spares_object: whether it leaves the object alone where the probes have masks. Only such
            detectors test signals and volumes unless named: these are often aligned, so that a
            class is at one place by nature, and a signal's class may be a frequency.
        with_masks: (many, two) where the probes have masks, if these are other bounds.
    """

    name: str
    propose: Callable[[Scene], Swap]
    seen: str
    done: str
    blind_to: str
    many: Bounds
    two: Bounds | None
    legitimate: frozenset[str]
    needs: str = ""
    is_local: bool = False
    stands_in_for: str = ""
    spares_object: bool = False
    with_masks: tuple[Bounds, Bounds] | None = None

    def bounds(self, class_labels: ClassLabels, has_masks: bool) -> Bounds | None:
        """Returns the bounds for such labels; None where the detector would prove nothing."""
        many, two = self.many, self.two
        if self.with_masks is not None and has_masks:
            many, two = self.with_masks
        return two if class_labels.is_yes_or_no else many
