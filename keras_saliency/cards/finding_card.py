"""One finding, with its evidence."""

from typing import TYPE_CHECKING

from keras_saliency.cards import markup

if TYPE_CHECKING:
    from keras_saliency.records import Alert

_COLOURS = {"alert": "#d32f2f", "suspect": "#c98a1b"}


def finding_card(finding: "Alert") -> str:
    """Returns a finding as a card of its own."""
    return markup.card(finding_block(finding))


def finding_block(finding: "Alert", *, has_picture: bool = True) -> str:
    """Returns a finding as markup: severity, detector, message, numbers, picture.

    Args:
        finding: `Alert` of any severity.
        has_picture: whether its evidence is shown.
    """
    colour = _COLOURS.get(finding.severity, "#888888")
    style = f"border-left: 4px solid {colour}; padding: 2px 0 2px 12px; margin: 8px 0"
    title = f'<b style="color: {colour}">{markup.text(finding.severity)}</b>'
    return (
        f'<div style="{style}"><div>{title} {markup.text(finding.detector)}</div>'
        f"<div>{markup.text(finding.message)}</div>"
        f"{markup.small(markup.text(_numbers(finding)))}"
        f"{markup.image(finding.evidence, 'the evidence', 640) if has_picture else ''}</div>"
    )


def _numbers(finding: "Alert") -> str:
    probes = ", ".join(map(str, finding.probe_indices[:8]))
    parts = [f"probes {probes}"] if probes else []
    if finding.accuracy_loss is not None:
        parts.insert(0, f"accuracy loss {100 * finding.accuracy_loss:.0f} points")
    if finding.loss_interval is not None:
        low, high = finding.loss_interval
        parts.insert(1, f"95 % interval {100 * low:.0f} to {100 * high:.0f}")
    return "; ".join(parts)
