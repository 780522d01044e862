"""All that is said of shortcuts: findings as sentences, titles, and the summary of a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.coverage import Coverage
from keras_saliency.shortcuts.detector import SwapDetector
from keras_saliency.shortcuts.pooled_checks import NUM_POOLED
from keras_saliency.shortcuts.swaps import Outcome
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.verdict import ALERT, HINT, SUSPECT, Severity, Verdict

if TYPE_CHECKING:
    from keras_saliency.shortcuts.groups import Gap
    from keras_saliency.shortcuts.hints import Hint
    from keras_saliency.shortcuts.removal import Removal

_AXES = {1: ["samples"], 2: ["rows", "columns"], 3: ["slices", "rows", "columns"]}

# What the benchmark of planted shortcuts shows, and what no swap between probes can show.
_BLIND = (
    "backgrounds that are blurred in some classes",
    "weak cues on the object, such as watermarks",
    "cues that all classes share",
    "anything that the probes do not show",
)
_BLIND_WITHOUT_MASKS = (
    "faint patterns all over the image, small cues that move, and cues that a part of a class has "
    "not (masks or boxes show most of these)",
)
_MOST_IN_SUMMARY = 5  # alerts

_VERDICTS: dict[Severity, str] = {
    ALERT: "the model decides by the region",
    SUSPECT: "the region matters, but by itself it does not carry the class",
    HINT: "nothing proves that the model decides by the region",
}


def place_of(region: Sequence[int]) -> str:
    """Returns a box (starts…, ends…) as text: rows 3 to 9, columns 0 to 5."""
    num_axes = len(region) // 2
    ends = zip(_AXES[num_axes], region[:num_axes], region[num_axes:], strict=True)
    return ", ".join(f"{axis} {start} to {end - 1}" for axis, start, end in ends)


def describe_swap(
    trial: Trial,
    outcome: Outcome,
    verdict: Verdict,
    *,
    class_names: tuple[str, str],
    carriers: np.ndarray,
    region: Sequence[int] | None,
    others: Sequence[str],
) -> str:
    """Returns the message of a finding that a swap has proven.

    Args:
        trial: the `Trial` that is reported.
        outcome: its `Outcome` in the class that is reported.
        verdict: `Verdict`.
        class_names: (name of the class accused, name of the donors' class); they differ where
            the swap takes a cue away.
        carriers: indices of the probes that have the cue, ascending.
        region: box, or None.
        others: names of the other detectors that have proven it.
    """
    detector = trial.detector
    accused, of_donors = class_names
    done = f"{detector.done.format(donor_class='this class')} changes the prediction to that class"
    if accused != of_donors:
        taken = detector.done.format(donor_class=f'class "{of_donors}"')
        done = f"{taken} takes the cue away, and changes the prediction to that class"
    since = _since(verdict) if verdict.since_epoch != verdict.epoch else ""
    place = "" if region is None else f" What works lies in {place_of(region)}."
    also = f" Proven as well by: {', '.join(others)}." if others else ""
    shown = ", ".join(str(i) for i in carriers[:5])
    return (
        f'Epoch {verdict.epoch + 1}{since}: the model decides for class "{accused}" by '
        f"{detector.seen}. {done} on {_counts(outcome)}.{_in_all_classes(trial)}{place}{also} "
        f"Look at probes {shown}. This test does not see {detector.blind_to}."
    )


def describe_gap(gap: "Gap", class_name: str, verdict: Verdict) -> str:
    """Returns the message of a gap between two groups of a class."""
    worse, better = gap.worse, gap.better
    return (
        f'Epoch {verdict.epoch + 1}: class "{class_name}" is recognised on '
        f'{worse.num_right} of {len(worse.members)} probes of group "{worse.name}", and on '
        f'{better.num_right} of {len(better.members)} of group "{better.name}"'
        f"{_since(verdict)}. Look at the overlays of both groups. This does not "
        "see why: another cue, too few training images of the group, or harder ones."
    )


def describe_hint(
    hint: "Hint", method: str, mean: float, class_name: str | None, verdict: Verdict
) -> str:
    """Returns the message of a hint; `class_name` is None where probes have no labels."""
    whose = "" if class_name is None else f' of class "{class_name}"'
    side = "below" if hint.is_low else "above"
    return (
        f"Epoch {verdict.epoch + 1}: {hint.sentence}. {method}'s {hint.statistic}{whose} is "
        f"{mean:.3g}, {side} {hint.bound:g}, for two epochs. By itself it proves nothing."
    )


def describe_confirmation(
    severity: Severity, region: Sequence[int], class_name: str, pasted: Outcome, removal: "Removal"
) -> str:
    """Returns the message of `confirm`."""
    place = place_of(region)
    removed = ""
    if removal.num_probes:
        removed = (
            f" Putting the region of others on {removal.num_probes} probes of the class takes it "
            f"from {removal.share:.0%} of them (regions elsewhere: {removal.control:.0%})."
        )
    return (
        f"{place[0].upper()}{place[1:]}: {_VERDICTS[severity]}. Putting the region of "
        f'class "{class_name}" on probes of other classes changes the prediction to it on '
        f"{_counts(pasted)}.{removed} Where objects lie in the region, it carries them too."
    )


def title_of(alert: Alert, probes: ProbeSet) -> str:
    """Returns the title of a finding's picture."""
    return f"{alert.severity}: {_short(alert, probes)}"


def title_of_confirmation(alert: Alert, class_name: str) -> str:
    """Returns the title of the picture of `confirm`."""
    return (
        f"{alert.severity}: region {alert.region}, class {class_name}, adoption "
        f"{alert.adoption:.0%}"
    )


def describe_detector(detector: SwapDetector) -> str:
    """Returns what a detector tests, for the settings page."""
    return f"by {detector.seen}; does not see {detector.blind_to}"


def summarize(coverage: Coverage, alerts: Sequence[Alert], probes: ProbeSet) -> str:
    """Says what was tested, what was found, and what silence does not exclude."""
    closed = ""
    if coverage.num_closed:
        closed = f", {coverage.num_closed} of them while the model was still too inaccurate to tell"
    lines = [
        f"Shortcut tests: {coverage.num_checks} checks of {coverage.num_classes} classes{closed}. "
        f"Tested: {', '.join(coverage.detectors) or 'nothing'}."
    ]
    if coverage.untested:
        lines.append(f"Not tested: {'; '.join(u.text for u in coverage.untested)}.")
    found = f"{len(alerts)} alert{'s' * (len(alerts) > 1)}" if alerts else "no shortcut"
    lines.append(f"Found: {found}.")
    lines += [f"- {_short(alert, probes)}" for alert in alerts[:_MOST_IN_SUMMARY]]
    blind = [*_BLIND, *(_BLIND_WITHOUT_MASKS if probes.object_masks is None else ())]
    lines.append(f"Silence does not exclude: {'; '.join(blind)}.")
    return "\n".join(lines)


def _short(alert: Alert, probes: ProbeSet) -> str:
    whose = "" if alert.class_index is None else f", class {probes.class_text(alert.class_index)}"
    counts = ""
    if alert.adoption is not None:
        counts = f", {alert.adoption:.0%} against {alert.control or 0:.0%} in the control"
    return f"{alert.detector}{whose}, epoch {alert.epoch + 1}{counts}"


def _since(verdict: Verdict) -> str:
    return f" (since epoch {verdict.since_epoch + 1})"


def _counts(outcome: Outcome) -> str:
    """On how many pairs the swap works, and how many its controls."""
    controls = "; ".join(
        f"with {text} instead: {int(c.sum())} of {len(c)}" for text, c in outcome.controls.items()
    )
    return (
        f"{int(outcome.is_adopted.sum())} of {len(outcome.pairs)} pairs with "
        f"{outcome.num_donors} donors ({controls})"
    )


def _in_all_classes(trial: Trial) -> str:
    """What the classes come to together, and the last checks."""
    text = ""
    if len(trial.outcomes) > 1:
        adoption = np.mean([o.adoption for o in trial.outcomes])
        control = adoption - trial.mean_excess
        text += (
            f" Mean of the {len(trial.outcomes)} classes that could be tried: {adoption:.0%} "
            f"(control {control:.0%})."
        )
    if trial.lost is not None:
        text += (
            f" In all classes together, {trial.lost.share:.0%} of the probes that were right lose "
            f"their own class (control {trial.lost.control:.0%})."
        )
    if trial.pooled is not None:
        what = "adoption" if trial.lost is None else "what is lost"
        text += (
            f" In the mean of the last {NUM_POOLED} checks, {what} exceeds its control by "
            f"{trial.pooled:.0%}."
        )
    return text
