"""Which of several proven trials tells most, and whether it is no more than a suspect."""

from collections.abc import Sequence

from keras_saliency.shortcuts.trial import Trial

_ALIKE = 0.75  # of the largest loss: a detector that sees less of the image says more
_MOSTLY = 0.6  # of the loss to another background, which is the least that can be said


def most_telling(trials: Sequence[Trial]) -> Trial:
    """Returns the trial whose loss is largest for sure, or one that lies in it and costs as much.

    The loss over all classes, where there is one: that to donors of one class is larger.

    A tag in a corner lies in the border, and that in the background: where all three are proven
    alike, it is the patch in the corner that is to be named.
    """
    best = max(trials, key=lambda t: (t.loss or t.worst).low)
    sure = [t for t in trials if t.proposal.may_be_object <= best.proposal.may_be_object]
    return next((t for t in sure if explains(t, best)), best)


def explains(inner: Trial, outer: Trial) -> bool:
    """Whether one swap lies in another and costs nearly as much, over the same classes."""
    if outer.detector.name not in inner.detector.lies_in:
        return False
    of_inner, of_outer = inner.worst, outer.worst
    if of_inner is inner.loss and outer.loss is not None:
        of_outer = outer.loss
    elif of_outer is outer.loss and inner.loss is not None:
        of_inner = inner.loss
    share = _MOSTLY if outer.detector.name == "background" else _ALIKE
    return of_inner.value >= share * of_outer.value


def may_be_object(trial: Trial, proven: Sequence[Trial]) -> bool:
    """Whether what a trial has proven may be the object's own.

    Also where it edits the whole image, and a patch that may belong to the object explains it. And
    where a place is compared with others, and costs no more than brightness or tint, which may be
    the object's: white paper shows them best.
    """
    if trial.proposal.may_be_object:
        return True
    if trial.proposal.less is not None:
        colours = [t for t in proven if t.detector.name == "colour" and t.proposal.may_be_object]
        if any(t.worst.value >= trial.worst.value for t in colours):
            return True
    patches = [t for t in proven if t.proposal.may_be_object]
    return not trial.detector.is_local and any(explains(t, trial) for t in patches)


def shows_same(first: Trial, second: Trial) -> bool:
    """Whether the swap of one detector lies in that of the other."""
    names = first.detector.name, second.detector.name
    return names[0] in second.detector.lies_in or names[1] in first.detector.lies_in
