"""A finding as a sentence: what was seen, since when, what proves it, what to look at."""

import numpy as np


def describe(trial, outcome, class_text, epoch, since_epoch, region, others) -> str:
    """Returns the message of a finding that a swap has proven.

    Args:
        trial: the `Trial` that is reported.
        outcome: its `Outcome` in the class that is reported.
        class_text: name of the donors' class.
        epoch: 0-based.
        since_epoch: 0-based.
        region: (y0, x0, y1, x1), or None.
        others: names of the other detectors that have proven it.
    """
    detector = trial.detector
    num_pairs = len(outcome.pairs)
    controls = "; ".join(
        f"with {name} instead: {int(c.sum())} of {len(c)}" for name, c in outcome.controls.items()
    )
    place = ""
    if region is not None:
        y0, x0, y1, x1 = region
        place = f" What works lies in rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1}."
    since = "" if since_epoch == epoch else f" (since epoch {since_epoch + 1})"
    everywhere = ""
    if len(trial.outcomes) > 1:
        adoption = np.mean([o.adoption for o in trial.outcomes])
        control = adoption - trial.mean_excess
        everywhere = (
            f" Mean of the {len(trial.outcomes)} classes that could be tried: {adoption:.0%} "
            f"(control {control:.0%})."
        )
    also = f" Proven as well by: {', '.join(others)}." if others else ""
    lenders = sorted({int(i) for i in outcome.pairs.donors[outcome.is_adopted]})
    shown = ", ".join(str(i) for i in lenders[:5])
    return (
        f'Epoch {epoch + 1}{since}: the model decides for class "{class_text}" by '
        f"{detector.seen}. {detector.done} changes the prediction to that class on "
        f"{int(outcome.is_adopted.sum())} of {num_pairs} pairs with {outcome.num_donors} donors "
        f"({controls}).{everywhere}{place}{also} Look at probes {shown}. This test does not see "
        f"{detector.blind_to}."
    )
