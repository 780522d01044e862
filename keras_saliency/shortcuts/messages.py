"""A finding as a sentence: what was seen, since when, what proves it, what to look at."""

import numpy as np

from keras_saliency.shortcuts.pooled_looks import NUM_POOLED

_AXES = {1: ["samples"], 2: ["rows", "columns"], 3: ["slices", "rows", "columns"]}


def place_of(region) -> str:
    """Returns a box (starts…, ends…) in words: rows 3 to 9, columns 0 to 5."""
    num_axes = len(region) // 2
    ends = zip(_AXES[num_axes], region[:num_axes], region[num_axes:], strict=True)
    return ", ".join(f"{axis} {start} to {end - 1}" for axis, start, end in ends)


def describe(trial, outcome, class_names, carriers, epoch, since_epoch, region, others) -> str:
    """Returns the message of a finding that a swap has proven.

    Args:
        trial: the `Trial` that is reported.
        outcome: its `Outcome` in the class that is reported.
        class_names: (name of the class accused, name of the donors' class); they differ where
            the swap takes a cue away.
        carriers: indices of the probes that have the cue, ascending.
        epoch: 0-based.
        since_epoch: 0-based.
        region: box, or None.
        others: names of the other detectors that have proven it.
    """
    detector = trial.detector
    num_pairs = len(outcome.pairs)
    controls = "; ".join(
        f"with {name} instead: {int(c.sum())} of {len(c)}" for name, c in outcome.controls.items()
    )
    place = ""
    if region is not None:
        place = f" What works lies in {place_of(region)}."
    since = "" if since_epoch == epoch else f" (since epoch {since_epoch + 1})"
    everywhere = ""
    if len(trial.outcomes) > 1:
        adoption = np.mean([o.adoption for o in trial.outcomes])
        control = adoption - trial.mean_excess
        everywhere = (
            f" Mean of the {len(trial.outcomes)} classes that could be tried: {adoption:.0%} "
            f"(control {control:.0%})."
        )
    if trial.lost is not None:
        everywhere += (
            f" In all classes together, {trial.lost.share:.0%} of the probes that were right lose "
            f"their own class (control {trial.lost.control:.0%})."
        )
    if trial.pooled is not None:
        what = "adoption" if trial.lost is None else "what is lost"
        everywhere += (
            f" In the mean of the last {NUM_POOLED} looks, {what} exceeds its control by "
            f"{trial.pooled:.0%}."
        )
    also = f" Proven as well by: {', '.join(others)}." if others else ""
    shown = ", ".join(str(i) for i in carriers[:5])
    accused, of_donors = class_names
    done = f"{detector.done.format(donor_class='this class')} changes the prediction to that class"
    if accused != of_donors:
        taken = detector.done.format(donor_class=f'class "{of_donors}"')
        done = f"{taken} takes the cue away, and changes the prediction to that class"
    return (
        f'Epoch {epoch + 1}{since}: the model decides for class "{accused}" by '
        f"{detector.seen}. {done} on "
        f"{int(outcome.is_adopted.sum())} of {num_pairs} pairs with {outcome.num_donors} donors "
        f"({controls}).{everywhere}{place}{also} Look at probes {shown}. This test does not see "
        f"{detector.blind_to}."
    )
