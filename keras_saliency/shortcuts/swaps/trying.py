"""A trial: a swap on many pairs, one forward pass, and what came of it in each class."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from keras_saliency.shortcuts.swaps.kinds import Control, Swap
from keras_saliency.shortcuts.swaps.outcome import Outcome
from keras_saliency.shortcuts.swaps.pairs import Pairs, draw_pairs
from keras_saliency.shortcuts.swaps.scene import Scene

MIN_DONORS, MIN_PAIRS = 4, 10  # of a class, to say anything; as many recipients as donors
MAX_VALUES = 2**22  # of the pixels that are edited at once: 16 MB


def run_trial(
    scene: Scene, swap: Swap, classes: Sequence[int], num_pairs: int, rng: np.random.Generator
) -> list[Outcome]:
    """Tries a swap on pairs of all classes in one forward pass.

    Args:
        scene: `Scene`.
        swap: `Swap`.
        classes: the classes whose cue is searched for.
        num_pairs: how many pairs in all.
        rng: `numpy.random.Generator`.

    Returns:
        An `Outcome` without control for each class with at least 4 donors, 4 recipients and
        10 pairs.
    """
    has_class = scene.class_labels.has_class
    pairs = draw_pairs(has_class, scene.is_said, classes, num_pairs, rng)
    if not len(pairs):
        return []
    is_said = said_after(scene, swap.edit, pairs)
    is_adopted, lost = _adopted(is_said, pairs), _lost(scene, is_said, pairs)
    outcomes = []
    for c in classes:
        of_class = pairs.take(pairs.classes == c)
        distinct = min(of_class.num_donors, of_class.num_recipients)
        if len(of_class) >= MIN_PAIRS and distinct >= MIN_DONORS:
            mine = pairs.classes == c
            outcomes.append(Outcome(int(c), of_class, is_adopted[mine], {}, lost[mine]))
    return outcomes


def add_controls(
    scene: Scene, swap: Swap, outcomes: list[Outcome], rng: np.random.Generator
) -> list[Outcome]:
    """Returns the outcomes with their controls, of the same pairs: all classes at once."""
    if not outcomes:
        return []
    pairs = Pairs.join([outcome.pairs for outcome in outcomes])
    ends = np.cumsum([len(outcome.pairs) for outcome in outcomes])[:-1]

    def said_by(control: Control) -> np.ndarray:
        return said_after(scene, lambda some: control.edit(some, rng), pairs)

    controls, lost = {}, {}
    for control in swap.controls():
        is_said = said_by(control)
        controls[control.text] = np.split(_adopted(is_said, pairs), ends)
        lost[control.text] = np.split(_lost(scene, is_said, pairs), ends)
    return [
        dataclasses.replace(
            outcome,
            controls={name: of[i] for name, of in controls.items()},
            lost_in_controls={name: of[i] for name, of in lost.items()},
        )
        for i, outcome in enumerate(outcomes)
    ]


def adopted(scene: Scene, edit: Callable[[Pairs], np.ndarray], pairs: Pairs) -> np.ndarray:
    """Returns which recipients, once edited, are predicted as their donor's class, bool (m,)."""
    return _adopted(said_after(scene, edit, pairs), pairs)


def said_after(scene: Scene, edit: Callable[[Pairs], np.ndarray], pairs: Pairs) -> np.ndarray:
    """Returns which classes the model says the recipients have once they are edited, bool (m, k).

    Of large images some pairs at a time are edited, so that memory does not grow with them.
    """
    at_once = max(8, MAX_VALUES // scene.pixels[0].size)
    said = []
    for start in range(0, len(pairs), at_once):
        some = pairs.take(slice(start, start + at_once))
        logits = scene.predict(scene.edited(edit, some), some.recipients)
        said.append(scene.class_labels.says(logits))
    return np.concatenate(said)


def _adopted(is_said: np.ndarray, pairs: Pairs) -> np.ndarray:
    return is_said[np.arange(len(pairs)), pairs.classes]


def _lost(scene: Scene, is_said: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Which recipients are right no more, float (m,); NaN where they were not right before."""
    has_class = scene.class_labels.has_class[pairs.recipients]
    was_right = (scene.is_said[pairs.recipients] == has_class).all(axis=1)
    return np.where(was_right, (is_said != has_class).any(axis=1), np.nan)
