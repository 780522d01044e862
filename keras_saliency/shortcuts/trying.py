"""Tries a swap on many pairs: as many as it takes to decide on its accuracy loss."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_saliency.shortcuts.detector import Proposal, SwapDetector
from keras_saliency.shortcuts.swaps import ClassLabels, PairDrawer, Pairs, Scene, Swap
from keras_saliency.shortcuts.trial import Trial

STAGES = (60, 240, 960, 2400)  # recipients, of which each stage begins only if undecided
LEAST_OF_CLASS = 12  # recipients with donors of one class, about: a cue may be in that one only
MAX_DONORS = 8  # of other classes, for one recipient


def run_trial(
    scene: Scene,
    detector: SwapDetector,
    proposal: Proposal,
    classes: Sequence[int],
    rng: np.random.Generator,
    stages: Sequence[int] = STAGES,
    is_thorough: bool = False,
) -> Trial:
    """Tries a swap on more and more pairs, until its loss is decided.

    Args:
        scene: `Scene`.
        detector: `SwapDetector`.
        proposal: one of its `Proposal`s.
        classes: the classes that are tested.
        rng: `numpy.random.Generator`.
        stages: how many recipients, each with a donor of its own class and one of another, have
            been tried at the end of each stage.
        is_thorough: whether a proof at an early stage has to hold at the last one. Whoever looks
            several times, and stops once the interval is above the bound, is wrong more often
            than the interval says.
    """
    labels = scene.class_labels
    drawer = PairDrawer(
        labels,
        drawn_classes(labels, classes),
        proposal.recipients,
        proposal.donors,
        rng,
        proposal.folds,
    )
    parts, said, scores, others = [], [], [], list[np.ndarray]()
    num_drawn = 0
    trial: Trial | None = None
    num_questions = len(classes) if labels.is_multi_label else 1
    most = MAX_DONORS * len(drawer.recipients) * num_questions
    least = LEAST_OF_CLASS * len(classes)
    for stage in stages:
        count = min(max(stage, least), most) - num_drawn
        if trial is not None and not (trial.is_undecided or (is_thorough and trial.is_proven)):
            break
        if trial is not None and count <= 0:
            continue  # of many classes, the first stage is as long as the second
        pairs = drawer.draw(count)
        num_drawn += count
        parts.append(pairs)
        said.append(said_after(proposal.swap, pairs))
        scores.append(proposal.swap.scores(pairs, said[-1]))
        found = Trial(
            detector,
            proposal,
            classes,
            Pairs.join(parts),
            np.concatenate(said),
            np.concatenate(scores),
            labels.has_class,
            labels.is_multi_label,
        )
        trial = found if proposal.less is None else _less_the_other(found, others)
    assert trial is not None
    return trial


def _less_the_other(trial: Trial, others: list[np.ndarray]) -> Trial:
    """Returns a trial of what a swap costs beyond another one.

    What costs nothing costs nothing beyond it either, so then the other is not tried.

    Args:
        trial: `Trial` of the swap by itself.
        others: the other's scores of its first pairs, to which those of the rest are added.
    """
    less = trial.proposal.less
    assert less is not None
    known = sum(map(len, others))
    if not (known or trial.is_proven or trial.is_undecided):
        return trial
    pairs = trial.pairs.take(slice(known, None))
    others.append(less.scores(pairs, said_after(less, pairs)))
    return dataclasses.replace(trial, scores=trial.scores - np.concatenate(others))


def drawn_classes(class_labels: ClassLabels, tested: Sequence[int]) -> list[int]:
    """Returns the classes of which pairs are drawn: those that are tested, and others."""
    if class_labels.is_multi_label:
        return list(tested)
    return sorted({*class_labels.frequent_classes(), *tested})


def said_after(swap: Swap, pairs: Pairs) -> np.ndarray:
    """Returns which classes the model says the edited recipients have, bool (m, k)."""
    class_labels = swap.scene.class_labels
    if not len(pairs):
        return np.zeros((0, class_labels.num_classes), bool)
    return class_labels.says(swap.predict(pairs))
