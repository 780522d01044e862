"""`FindingList`: findings that a notebook shows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from keras_saliency._utils.plain_text import one_line
from keras_saliency.cards import markup
from keras_saliency.cards.finding_card import finding_block

if TYPE_CHECKING:
    from keras_saliency.records import Alert

_MOST, _MOST_PICTURES, _MOST_LETTERS = 20, 3, 100


class FindingList(list["Alert"]):
    """A list of findings which a notebook shows with their evidence, and what was tested.

    It is a list in every other respect.

    Args:
        findings: `Alert`s.
        tested: what was tested and found, as text; shown below, so that an empty list is not taken
            for a proof.
        caution: why an empty list says nothing; "" where it says something.
    """

    def __init__(self, findings: Iterable["Alert"] = (), tested: str = "", caution: str = ""):
        super().__init__(findings)
        self.tested = tested
        self.caution = caution

    def __repr__(self) -> str:
        if not self:
            return f"[] ({self.caution})" if self.caution else "[]"
        shown = [_line(finding) for finding in self[:_MOST]]
        more = [f"... {len(self) - _MOST} more"] if len(self) > _MOST else []
        return "[" + ",\n ".join([*shown, *more]) + "]"

    def _repr_html_(self) -> str:
        tested = markup.small(markup.lines(self.tested))
        return markup.card(finding_blocks(self, "None."), tested)


def finding_blocks(findings: list["Alert"], if_none: str) -> str:
    """Returns findings as markup, the newest first; only the newest have their pictures.

    Args:
        findings: `Alert`s in the order in which they came.
        if_none: what is said where there are none.
    """
    if not findings:
        return f"<div>{markup.text(if_none)}</div>"
    newest = findings[: -_MOST - 1 : -1]
    blocks = [finding_block(f, has_picture=i < _MOST_PICTURES) for i, f in enumerate(newest)]
    if len(findings) > _MOST:
        blocks.append(markup.small(f"{len(findings) - _MOST} older ones are not shown."))
    return "".join(blocks)


def _line(finding: "Alert") -> str:
    message = one_line(finding.message)
    if len(message) > _MOST_LETTERS:
        message = f"{message[:_MOST_LETTERS]}..."
    return f"<{finding.severity}, {finding.detector}: {message}>"
