"""`SavedReport`: a report that was written, and that a notebook shows."""

import html
from dataclasses import dataclass, field

from keras_saliency.cards import markup

# Notebooks keep what they show. More than this makes them slow to open and to save.
_MOST_SHOWN = 30_000_000  # bytes


@dataclass(frozen=True)
class SavedReport:
    """A report that was written. A notebook shows it.

    Attributes:
        path: the file.
        page: its content.
        num_bytes: its size.
    """

    path: str
    page: str = field(repr=False)

    @property
    def num_bytes(self) -> int:
        return len(self.page.encode())

    def __repr__(self) -> str:
        return f"SavedReport({self.path!r}, {_size(self.num_bytes)})"

    def _repr_html_(self) -> str:
        said = f"{markup.text(self.path)}, {_size(self.num_bytes)}."
        if self.num_bytes > _MOST_SHOWN:
            return markup.card(f"<div>{said} Too large for a notebook: open the file.</div>")
        # Of an origin of its own, so that a page made of logs cannot reach the notebook.
        frame = (
            f'<iframe sandbox="allow-scripts allow-downloads" title="Saliency report" '
            f'style="width: 100%; height: 720px; border: 0" srcdoc="{html.escape(self.page)}">'
            "</iframe>"
        )
        more = "The notebook holds a copy of the report, and grows by its size."
        return markup.card(f"<div>{said}</div>", frame, markup.small(more))


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB"
