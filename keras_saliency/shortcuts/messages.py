"""All that is said of shortcuts: findings as sentences, titles, and the summary of a run."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.coverage import Coverage
from keras_saliency.shortcuts.detector import SwapDetector
from keras_saliency.shortcuts.loss import detectable_loss
from keras_saliency.shortcuts.verdict import ALERT, SUSPECT, Verdict

if TYPE_CHECKING:
    from keras_saliency.shortcuts.groups import Gap
    from keras_saliency.shortcuts.trial import Trial

_AXES = {1: ["samples"], 2: ["rows", "columns"], 3: ["slices", "rows", "columns"]}

# What the benchmarks show, and what no swap between images can show.
_BLIND = (
    "weak cues on the object, such as watermarks",
    "cues that all classes share",
    "anything that the images do not show",
)
NOTHING_TESTED = "Nothing was tested"  # begins the line that says so
_MOST_IN_SUMMARY = 5  # alerts, suspects


def place_of(region: Sequence[int]) -> str:
    """Returns a box (starts…, ends…) as text: rows 3–9, columns 0–5."""
    num_axes = len(region) // 2
    ends = zip(_AXES[num_axes], region[:num_axes], region[num_axes:], strict=True)
    return ", ".join(f"{axis} {start}–{end - 1}" for axis, start, end in ends)


def describe_finding(alert: Alert, trial: "Trial", class_name: str, others: Sequence[str]) -> str:
    """Returns the message of a finding that a swap has proven.

    Args:
        alert: `Alert`, without a message.
        trial: the `Trial` that it reports.
        class_name: of the accused class.
        others: names of the other detectors that have proven something.
    """
    detector = trial.detector
    place = "" if alert.region is None else f" ({place_of(alert.region)})"
    shown = alert.probe_indices[:3]
    probes = f"probe{'s' * (len(shown) > 1)} {_listed(shown)}"
    also = f" Also proven: {', '.join(others)}." if others else ""
    epoch = f"Epoch {alert.epoch + 1}"
    if alert.severity == SUSPECT and trial.proposal.may_be_object:
        masks = "object_masks (one box for all images is enough) or "
        if trial.objects_are_given:
            masks = ""
        return (
            f"{epoch}: {_points(alert)} depend on {detector.seen}{place}, most for class "
            f'"{class_name}", and it may be part of the object. To settle it, pass {masks}'
            f'legitimate=["{detector.name}"].{also}'
        )
    relies = f'to recognise "{class_name}" the model relies on'
    if alert.severity == SUSPECT:
        relies = f'the model may recognise "{class_name}" by'
    return (
        f"{epoch}: {relies} {detector.seen}{place}. "
        f"{_least(alert, trial)}. See {probes} in the Saliency tab. If intended, "
        f'pass legitimate=["{detector.name}"].{also}'
    )


def _least(alert: Alert, trial: "Trial") -> str:
    assert alert.accuracy_loss is not None and alert.loss_interval is not None
    low, high = (f"{100 * end:.0f}" for end in alert.loss_interval)
    points = f"t least {low} points of accuracy"
    if trial.loss is not None and trial.worst == trial.loss:
        what = f"A{points} depend on it"
    elif trial.is_multi_label:
        what = f"A{points} on this label depend on it"
    else:
        what = f"It costs other classes a{points}"
    return f"{what} (estimate {100 * alert.accuracy_loss:.0f}, up to {high})"


def _points(alert: Alert) -> str:
    assert alert.accuracy_loss is not None and alert.loss_interval is not None
    low, high = (f"{100 * end:.0f}" for end in alert.loss_interval)
    return f"{100 * alert.accuracy_loss:.0f} points of accuracy (interval {low} to {high})"


def _listed(numbers: Sequence[int]) -> str:
    texts = [str(number) for number in numbers]
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def describe_gap(gap: "Gap", class_name: str, verdict: Verdict) -> str:
    """Returns the message of a gap between two groups of a class."""
    worse, better = gap.worse, gap.better
    return (
        f'Epoch {verdict.epoch + 1}: class "{class_name}" is recognised on '
        f'{worse.num_right} of {len(worse.members)} probes of group "{worse.name}", and on '
        f'{better.num_right} of {len(better.members)} of group "{better.name}"'
        f"{_since(verdict)}. Look at the overlays of both groups. This test cannot "
        "tell why: another cue, too few training images of the group, or harder ones."
    )


def describe_confirmation(alert: Alert, trial: "Trial", class_name: str) -> str:
    """Returns the message of `confirm`."""
    assert alert.region is not None
    place = place_of(alert.region)
    place = f"{place[0].upper()}{place[1:]}"
    caution = "Where objects lie in the region, it carries them too."
    if alert.severity == ALERT:
        return (
            f'{place}: the model relies on this region, most for class "{class_name}". '
            f"{_least(alert, trial)}. {caution}"
        )
    return (
        f"{place}: nothing proves that the model relies on this region. {_points(alert)} depend "
        f"on it; an alert needs more than {100 * trial.bound:.0f} at the lower end. "
        f"{caution}"
    )


def title_of(alert: Alert, probes: ProbeSet, has_epoch: bool = True) -> str:
    """Returns the title of a finding's picture; `confirm` knows no epoch."""
    return f"{alert.severity}: {_short(alert, probes, has_epoch)}"


def describe_detector(detector: SwapDetector) -> str:
    """Returns what a detector tests, for the settings page."""
    return f"{detector.seen}; it cannot detect {detector.blind_to}"


def needs_objects(name: str, probes: ProbeSet, fill_images: bool) -> str:
    """Returns why a detector cannot spare the objects."""
    if fill_images:
        return f"{name}, which needs room beside the objects (they fill the images)"
    found = probes.found_objects
    if found is None:
        return f"{name}, which needs object_masks"
    return (
        f"{name}, which needs the objects (found for sure in {found.is_sure.mean():.0%} of the "
        "images; pass object_masks, one box for all images is enough)"
    )


def summarize(coverage: Coverage, findings: Sequence[Alert], probes: ProbeSet) -> str:
    """Says what was tested, what was found, and what silence does not exclude.

    Where nothing was tested, it says why, and only names alerts that an earlier part of the run
    has raised.
    """
    found: list[str] = []
    if coverage.is_tested or any(finding.severity == ALERT for finding in findings):
        found = _list_findings(findings, probes)
    return "\n".join([*_tested(coverage), *found, *_limits(coverage)])


def describe_coverage(coverage: Coverage) -> str:
    """Says what was tested and what silence does not exclude; what was found is shown beside."""
    return "\n".join([*_tested(coverage), *_limits(coverage)])


def _tested(coverage: Coverage) -> list[str]:
    unit = "check" if coverage.num_checks == 1 else "checks"
    checks = f"Shortcut tests: {coverage.num_checks} {unit} of {coverage.num_classes} classes"
    if coverage.is_tested:
        if coverage.num_closed:
            checks += (
                f", {coverage.num_closed} of them while the model was still too inaccurate to tell"
            )
        lines = [f"{checks}. Tested: {', '.join(coverage.detectors)}."]
    else:
        lines = [f"{checks}.", nothing_tested(_why_nothing(coverage))]
    if coverage.untested:
        lines.append(f"Not tested: {'; '.join(u.text for u in coverage.untested)}.")
    return lines


def _limits(coverage: Coverage) -> list[str]:
    """What silence does not exclude; nothing where there is no silence to speak of."""
    if not coverage.is_tested:
        return []
    least = detectable_loss(coverage.num_images, max(2, coverage.num_classes))
    return [
        f"With these {coverage.num_images} images, cues on which fewer than "
        f"{100 * least:.0f} points of accuracy depend cannot be detected.",
        f"Silence does not exclude: {'; '.join(_BLIND)}.",
    ]


def nothing_tested(reason: str) -> str:
    """Says that silence means nothing, and why."""
    return f"{NOTHING_TESTED}, so nothing is known of shortcuts: {reason}."


def _why_nothing(coverage: Coverage) -> str:
    """Returns why no check could have proven anything, as a clause."""
    if not coverage.detectors:
        return "no detector applies to these probes"
    if not coverage.num_checks:
        return "no check was made (see detect_freq and epoch_freq, or train for more epochs)"
    if coverage.num_closed == coverage.num_checks:
        return (
            "at every check the model was too inaccurate to tell. It was right about "
            f"{math.floor(100 * coverage.best_accuracy)} % of the probes at best, and tests begin "
            f"at {math.ceil(100 * coverage.least_accuracy)} %"
        )
    return (
        "in no check were there enough images to swap, of a class and of others, or every check "
        "failed"
    )


def _list_findings(findings: Sequence[Alert], probes: ProbeSet) -> list[str]:
    alerts = [f for f in findings if f.severity == ALERT]
    named = {alert.detector for alert in alerts}
    suspects = [f for f in findings if f.severity == SUSPECT and f.detector not in named]
    found = f"{len(alerts)} alert{'s' * (len(alerts) > 1)}" if alerts else "no shortcut"
    lines = [f"Found: {found}."]
    lines += [f"- {_short(alert, probes)}" for alert in alerts[:_MOST_IN_SUMMARY]]
    if suspects:
        lines.append("Suspects, which nothing has settled:")
        lines += [f"- {suspect.message}" for suspect in suspects[:_MOST_IN_SUMMARY]]
    return lines


def _short(alert: Alert, probes: ProbeSet, has_epoch: bool = True) -> str:
    whose = "" if alert.class_index is None else f", class {probes.class_text(alert.class_index)}"
    epoch = f", epoch {alert.epoch + 1}" if has_epoch else ""
    loss = "" if alert.accuracy_loss is None else f", {_points(alert)}"
    return f"{alert.detector}{whose}{epoch}{loss}"


def _since(verdict: Verdict) -> str:
    return f" (since epoch {verdict.since_epoch + 1})"
