"""`ShortcutSearch`: the search for shortcuts in one run, from looks at the model to alerts."""

import dataclasses
import re
from typing import Any

import numpy as np

from keras_saliency._utils.notify import notify
from keras_saliency.records import Alert, EpochReport
from keras_saliency.shortcuts import Examiner, Finding, Hints
from keras_saliency.shortcuts.evidence import draw_evidence

SUMMARY_TAG = "saliency/summary"
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


class ShortcutSearch:
    """Looks for shortcuts, and keeps what was found.

    Args:
        examiner: `Examiner`.
        probes: `ProbeSet`.
        detect_freq: a look at the end of every so many epochs.
        untested: `Untested`s.

    Attributes:
        findings: `Alert`s of all severities, in the order in which they were found.
    """

    def __init__(self, examiner: Examiner, probes, detect_freq, untested):
        self._examiner = examiner
        self._probes = probes
        self._detect_freq = detect_freq
        self._untested = untested
        self._hints = Hints(probes)
        self.findings: list[Alert] = []
        self._unreported: list[Alert] = []
        self._untold: list[Alert] = []

    @classmethod
    def begin(cls, settings, num_logits: int | None) -> "ShortcutSearch | None":
        """Prepares what the settings ask for; says what cannot be tested.

        `num_logits` is None where the model has no classes.

        Raises:
            ValueError: if the battery does not fit the model.
        """
        if settings.battery is None:
            return None
        if num_logits is None:
            notify(
                "keras_saliency: not tested for shortcuts, since the output that is explained has "
                "no classes."
            )
            return None
        probes = settings.probes
        examiner, untested = settings.battery.begin(probes, num_logits, settings.legitimate)
        unasked = [u.text for u in untested if not u.is_expected]
        if unasked:
            notify(f"keras_saliency: not tested for shortcuts: {'; '.join(unasked)}.")
        if examiner is None:
            return None
        return cls(examiner, probes, settings.detect_freq, untested)

    @property
    def words(self) -> dict[str, str]:
        """What is tested and what is not, for the settings page."""
        words = {
            d.name: f"by {d.seen}; does not see {d.blind_to}" for d in self._examiner.detectors
        }
        if self._untested:
            words["not tested"] = "; ".join(u.text for u in self._untested)
        return words

    def is_due(self, moment) -> bool:
        """Whether to look at the end of an epoch."""
        is_end = moment.batch is None and not moment.is_baseline
        return is_end and moment.epoch % self._detect_freq == 0

    def look(self, graph, predictions, heatmaps, moment) -> float:
        """Tests the model, and returns the worst proven adoption less its control."""
        position = moment.epoch if moment.position is None else moment.position
        look = self._examiner.look(graph, predictions, heatmaps, moment.epoch, position)
        for finding in look.findings:
            self._add(self._alert(finding))
        return look.adoption

    def take_untold(self) -> list[Alert]:
        """Returns the alerts that the user has not been told of yet."""
        untold, self._untold = self._untold, []
        return untold

    def take_unreported(self) -> tuple[Alert, ...]:
        """Returns the findings that no report has held yet."""
        unreported, self._unreported = self._unreported, []
        return tuple(unreported)

    def tell(self, report: EpochReport) -> EpochReport:
        """Returns a report with its findings with pictures, and with the epoch's hints."""
        if report.batch is None and not report.is_baseline:
            hints = [self._alert(f) for f in self._hints.look(report.statistics, report.epoch)]
            self.findings += hints
            report = dataclasses.replace(report, findings=(*report.findings, *hints))
        if not report.findings:
            return report
        pictures = {
            f"saliency/alert_evidence/{_tag(alert)}": alert.evidence
            for alert in report.findings
            if alert.evidence is not None
        }
        return dataclasses.replace(report, pictures={**report.pictures, **pictures})

    def summary(self) -> str:
        """Says what was tested, what was found, and what silence does not exclude."""
        examiner = self._examiner
        alerts = [a for a in self.findings if a.severity == "alert"]
        names = ", ".join([d.name for d in examiner.detectors] + ["groups"] * bool(examiner.groups))
        lines = [
            f"Shortcut tests: {examiner.num_looks} looks at {len(examiner.classes)} classes"
            + (
                f", {examiner.num_closed} of them while the model was still too inaccurate to tell"
                if examiner.num_closed
                else ""
            )
            + f". Tested: {names or 'nothing'}."
        ]
        if self._untested:
            lines.append(f"Not tested: {'; '.join(u.text for u in self._untested)}.")
        lines.append(
            f"Found: {len(alerts)} alert{'s' * (len(alerts) > 1)}."
            if alerts
            else "Found: no shortcut."
        )
        lines += [f"- {_short(alert, self._probes)}" for alert in alerts[:5]]
        blind = [*_BLIND, *(_BLIND_WITHOUT_MASKS if self._probes.object_masks is None else ())]
        lines.append(f"Silence does not exclude: {'; '.join(blind)}.")
        return "\n".join(lines)

    def _add(self, alert):
        self.findings.append(alert)
        self._unreported.append(alert)
        if alert.severity == "alert":
            self._untold.append(alert)

    def _alert(self, finding: Finding) -> Alert:
        fields: dict[str, Any] = {
            f.name: getattr(finding, f.name)
            for f in dataclasses.fields(finding)
            if f.name != "evidence"
        }
        picture: np.ndarray | None = None
        if finding.evidence is not None:
            picture = draw_evidence(
                self._probes,
                finding.evidence,
                f"{finding.severity}: {_short(finding, self._probes)}",
            )
        return Alert(**fields, evidence=picture)


def _short(finding, probes):
    of = "" if finding.class_index is None else f", class {probes.class_text(finding.class_index)}"
    counts = ""
    if finding.adoption is not None:
        counts = f", {finding.adoption:.0%} against {finding.control or 0:.0%} in the control"
    return f"{finding.detector}{of}, epoch {finding.epoch + 1}{counts}"


def _tag(alert):
    name = alert.detector if alert.class_index is None else f"{alert.detector}_{alert.class_index}"
    return re.sub(r"[^\w.-]", "_", name)
