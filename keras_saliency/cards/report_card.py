"""An `EpochReport` as a card."""

from typing import TYPE_CHECKING

from keras_saliency.cards import markup
from keras_saliency.cards.epoch_view import pictures_by_name
from keras_saliency.cards.finding_list import finding_blocks

if TYPE_CHECKING:
    from keras_saliency.records import EpochReport


def report_card(report: "EpochReport") -> str:
    """Returns a report as markup: its overlays, its numbers, and what is new in it."""
    pictures = {
        tag.removeprefix("saliency/"): picture
        for tag, picture in report.pictures.items()
        if not report.is_filmstrip(tag)
    }
    rows = "".join(
        f'<tr><td style="text-align: left">{markup.text(tag)}</td><td>{value:.4g}</td></tr>'
        for tag, value in sorted(report.scalars.items())
    )
    return markup.card(
        markup.heading(f"{len(report.probes)} probes, {report.when}"),
        pictures_by_name(pictures),
        markup.foldout(f"{len(report.scalars)} numbers", f"<table>{rows}</table>"),
        finding_blocks(list(report.findings), "") if report.findings else "",
    )
