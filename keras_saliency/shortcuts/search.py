"""`ShortcutSearch`: the search for shortcuts in one run, from checks of the model to alerts."""

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from keras_saliency._utils.notify import notify
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert, EpochReport, Heatmaps, Moment, Predictions
from keras_saliency.shortcuts.battery import Battery
from keras_saliency.shortcuts.examiner import Check, Examiner
from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.legitimate import Legitimate
from keras_saliency.shortcuts.messages import (
    describe_coverage,
    describe_detector,
    nothing_tested,
    summarize,
    title_of,
)
from keras_saliency.shortcuts.swaps import ClassLabels
from keras_saliency.shortcuts.verdict import ALERT

if TYPE_CHECKING:
    from keras_saliency.attribution.model_graph import ModelGraph

SUMMARY_TAG = "saliency/summary"
EVIDENCE_TAG = "saliency/alert_evidence"
NOT_WANTED = "no detectors were asked for (detectors=None)"


class SearchSettings(Protocol):
    """What the search takes from the settings of a run."""

    @property
    def probes(self) -> ProbeSet: ...

    @property
    def battery(self) -> Battery | None: ...

    @property
    def legitimate(self) -> Legitimate: ...

    @property
    def detect_freq(self) -> int: ...


class ShortcutSearch:
    """Searches for shortcuts, and keeps what was found.

    Args:
        examiner: `Examiner`; or, where nothing can be tested, the reason as a clause.
        probes: `ProbeSet`.
        detect_freq: a check at the end of every so many epochs.
        is_wanted: whether the user has asked for it.

    Attributes:
        findings: `Alert`s of all severities, in the order in which they were found.
        is_wanted: as given.
    """

    def __init__(
        self, examiner: Examiner | str, probes: ProbeSet, detect_freq: int, is_wanted: bool = True
    ):
        self._examiner = None if isinstance(examiner, str) else examiner
        self._reason = examiner if isinstance(examiner, str) else ""
        self._probes = probes
        self._detect_freq = detect_freq
        self.is_wanted = is_wanted
        self.findings: list[Alert] = []
        self._unreported: list[Alert] = []
        self._new_alerts: list[Alert] = []
        self._last: Check | None = None

    @classmethod
    def begin(cls, settings: SearchSettings, num_logits: int | None) -> "ShortcutSearch":
        """Prepares what the settings ask for; warns of what cannot be tested.

        `num_logits` is None where the model has no classes.

        Raises:
            ValueError: if the battery does not fit the model.
        """
        probes, detect_freq = settings.probes, settings.detect_freq
        if settings.battery is None:
            return cls(NOT_WANTED, probes, detect_freq, is_wanted=False)
        class_labels = None if num_logits is None else ClassLabels.of(probes, num_logits)
        if class_labels is None:
            reason = "the probes have no labels"
            if probes.has_targets:
                reason = "the labels are the targets of a regression, which has no accuracy"
            elif num_logits is None:
                reason = "the output that is explained has no classes"
            notify(f"keras_saliency: not tested for shortcuts, since {reason}.")
            return cls(reason, probes, detect_freq)
        examiner = Examiner(settings.battery, settings.legitimate, probes, class_labels)
        unasked = [u.text for u in examiner.coverage.untested if not u.is_expected]
        if unasked:
            notify(f"keras_saliency: not tested for shortcuts: {'; '.join(unasked)}.")
        return cls(examiner, probes, detect_freq)

    @property
    def is_on(self) -> bool:
        """Whether the model is checked at all."""
        return self._examiner is not None

    @property
    def described(self) -> dict[str, str]:
        """What is tested and what is not, as text by keyword, for the settings page."""
        if self._examiner is None:
            return {"not tested": f"anything, since {self._reason}"}
        described = {d.name: describe_detector(d) for d in self._examiner.detectors}
        untested = self._examiner.coverage.untested
        if untested:
            described["not tested"] = "; ".join(u.text for u in untested)
        return described

    def is_due(self, moment: Moment) -> bool:
        """Whether to check at the end of an epoch."""
        return self.is_on and moment.is_end and moment.epoch % self._detect_freq == 0

    @property
    def is_pending(self) -> bool:
        """Whether the last check has proven something that the next one could make an alert."""
        return self._last is not None and self._last.is_pending

    @property
    def is_untold(self) -> bool:
        """Whether the last check has proven something that the next one could make a finding."""
        return self.is_pending or (self._last is not None and self._last.is_untold)

    @property
    def is_open(self) -> bool:
        """Whether the model was accurate enough to be tested at the last check."""
        return self._last is not None and self._last.is_open

    def check(
        self,
        graph: "ModelGraph",
        predictions: Predictions,
        heatmaps: Mapping[str, Heatmaps],
        moment: Moment,
        is_complete: bool = True,
    ) -> float:
        """Tests the model, and returns the largest accuracy loss that is proven, 0 if none is.

        The arguments are those of `Examiner.check`.
        """
        assert self._examiner is not None  # since a check was due
        check = self._last = self._examiner.check(graph, predictions, heatmaps, moment, is_complete)
        for finding in check.findings:
            self._add(finding)
        return check.loss

    def take_new_alerts(self) -> list[Alert]:
        """Returns the alerts that were not taken before, to warn the user."""
        alerts, self._new_alerts = self._new_alerts, []
        return alerts

    def take_unreported(self) -> tuple[Alert, ...]:
        """Returns the findings that were not taken before, to be put in a report."""
        unreported, self._unreported = self._unreported, []
        return tuple(unreported)

    def add_to(self, report: EpochReport) -> EpochReport:
        """Returns a report with pictures of all its findings."""
        if not report.findings:
            return report
        pictures = {
            f"{EVIDENCE_TAG}/{_name_in_tag(alert)}": alert.evidence
            for alert in report.findings
            if alert.evidence is not None
        }
        return dataclasses.replace(report, pictures={**report.pictures, **pictures})

    def summary(self) -> str:
        """Says what was tested, what was found, and what silence does not exclude."""
        if self._examiner is None:
            return nothing_tested(self._reason)
        return summarize(self._examiner.coverage, self.findings, self._probes)

    def tested(self) -> str:
        """Says what was tested so far, and what silence does not exclude."""
        if self._examiner is None:
            return nothing_tested(self._reason)
        return describe_coverage(self._examiner.coverage)

    def _add(self, finding: Finding) -> None:
        alert = finding.drawn(title_of(finding.alert, self._probes))
        self.findings.append(alert)
        self._unreported.append(alert)
        if alert.severity == ALERT:
            self._new_alerts.append(alert)


def _name_in_tag(alert: Alert) -> str:
    name = alert.detector if alert.class_index is None else f"{alert.detector}_{alert.class_index}"
    return re.sub(r"[^\w.-]", "_", name)
