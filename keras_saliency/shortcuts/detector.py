"""What a detector is: something suspicious, and the swaps that would prove it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.shortcuts.swaps import Scene, Swap


@short_repr
@dataclass(frozen=True, eq=False)
class Proposal:
    """A swap that would prove something, and what it would prove.

    Attributes:
        swap: the `Swap`.
        recipients: int (r,), the images that may be edited.
        donors: int (d,), the images that may lend.
        less: a `Swap` whose loss is subtracted, or None.
        may_be_object: whether what is swapped may belong to the object, so that a loss is a
            dependence of which only the user can say what it is.
        folds: int (n,), a fold for each image, whose pairs lie within folds; or None.
    """

    swap: Swap
    recipients: np.ndarray
    donors: np.ndarray
    less: Swap | None = None
    may_be_object: bool = False
    folds: np.ndarray | None = None


@dataclass(frozen=True)
class SwapDetector:
    """Suspects one kind of cue and has swaps decide.

    Attributes:
        name: in findings, tags and `detectors=[...]`.
        propose: returns the `Proposal`s for a `Scene` and a random generator; none where nothing
            is suspicious.
        seen: what the model relies on, as alerts name it.
        blind_to: what it cannot see, for the settings page.
        legitimate: the names in `legitimate=[...]` that switch it off.
        needs_objects: whether it tests nothing where objects are neither given nor found.
        spares_objects: whether it leaves the objects alone where they are known. Only such
            detectors test signals and volumes unless named: these are often aligned, so that a
            class is at one place by nature, and a signal's class may be a frequency.
        is_local: whether a place can be accused.
        lies_in: detectors whose swap has all that this one's has: where both are proven alike,
            this one says more.
        images_only: whether it is meant for images (H, W) only.
    """

    name: str
    propose: Callable[[Scene, np.random.Generator], list[Proposal]]
    seen: str
    blind_to: str
    legitimate: frozenset[str]
    needs_objects: bool = False
    spares_objects: bool = False
    is_local: bool = False
    lies_in: tuple[str, ...] = ()
    images_only: bool = False


def taking_part(scene: Scene) -> np.ndarray:
    """Returns the images whose objects can be spared, all where none are known, int (m,)."""
    if scene.spared_objects is None:
        return np.arange(len(scene.probes))
    return np.flatnonzero(scene.spared_objects.is_known)
