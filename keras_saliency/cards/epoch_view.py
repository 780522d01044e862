"""`EpochView`: an epoch as a notebook shows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.cards import markup
from keras_saliency.cards.drift_chart import Curve, drift_chart
from keras_saliency.cards.finding_list import finding_blocks

if TYPE_CHECKING:
    from keras_saliency.records import Alert


@short_repr
@dataclass(frozen=True, eq=False)
class EpochView:
    """Where the model looked at one epoch, how attention has drifted so far, and what was found.

    A notebook shows it; elsewhere its pictures can be saved.

    Attributes:
        when: such as "epoch 3".
        pictures: uint8 RGB array (height, width, 3) by method: the overlays of the drawn probes.
        drift: (epoch, 0-based; mean over the probes of `drift_previous`) by method.
        findings: `Alert`s so far, in the order in which they came.
        note: what is said below, such as what was tested; "" for nothing.
    """

    when: str
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    drift: Mapping[str, Curve] = field(default_factory=dict)
    findings: tuple["Alert", ...] = ()
    note: str = ""

    def _repr_html_(self) -> str:
        found = _unsettled(self.findings)
        return markup.card(
            markup.heading(f"Attention, {self.when}"),
            f"<div>{_count(found)}</div>",
            pictures_by_name(self.pictures),
            drift_chart(self.drift),
            finding_blocks(found, "") if found else "",
            markup.small(markup.lines(self.note)) if self.note else "",
        )


def pictures_by_name(pictures: Mapping[str, np.ndarray]) -> str:
    """Returns pictures as markup: the first unfolded, others under their names."""
    if len(pictures) == 1:
        [(name, picture)] = pictures.items()
        return markup.image(picture, name)
    return "".join(
        markup.foldout(name, markup.image(picture, name), is_open=i == 0)
        for i, (name, picture) in enumerate(pictures.items())
    )


def _unsettled(findings: Iterable["Alert"]) -> list["Alert"]:
    """Leaves suspects out of which their detector has made an alert."""
    found = list(findings)
    proven = {finding.detector for finding in found if finding.severity == "alert"}
    return [f for f in found if f.severity == "alert" or f.detector not in proven]


def _count(findings: list["Alert"]) -> str:
    """Says how many findings there are: silence is no proof, so it never says that all is well."""
    if not findings:
        return "Findings so far: none."
    alerts = sum(finding.severity == "alert" for finding in findings)
    words = [f"{alerts} alert{'s' * (alerts != 1)}"] if alerts else []
    others = len(findings) - alerts
    words += [f"{others} suspect{'s' * (others != 1)}"] if others else []
    return f"Findings so far: {', '.join(words)}."
