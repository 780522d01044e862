"""The pieces of markup that cards are made of. Text becomes text, never markup."""

import base64
import html
from typing import Any

import numpy as np

from keras_saliency._utils.plain_text import one_line

# MathJax leaves what has these classes alone: "$" in a name is no formula.
_NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
_LINE = "1px solid rgba(128, 128, 128, 0.4)"


def text(value: Any) -> str:
    """Returns a text, escaped, in one line."""
    return html.escape(one_line(value))


def lines(value: str) -> str:
    """Returns a text of several lines, escaped."""
    return "<br>".join(text(line) for line in value.splitlines())


def small(content: str) -> str:
    """Returns markup as small print."""
    return f'<div style="font-size: 85%; opacity: 0.75; margin: 4px 0">{content}</div>'


def heading(value: Any) -> str:
    """Returns a text as a card's heading."""
    return f'<div style="font-weight: 600; margin-bottom: 6px">{text(value)}</div>'


def image(picture: np.ndarray | None, alt: Any, most: int = 1000) -> str:
    """Returns a picture as markup that holds it; "" for None.

    Args:
        picture: uint8 RGB array (H, W, 3), or None.
        alt: what it shows.
        most: its largest width, in pixels.
    """
    if picture is None:
        return ""
    from keras_saliency._utils.pictures import encode_picture  # records stay free of OpenCV

    content = encode_picture(picture)
    kind = "jpeg" if content.startswith(b"\xff\xd8") else "png"
    data = base64.b64encode(content).decode()
    # At its own size, since lettering is drawn for that; smaller where the cell is narrower.
    style = f"max-width: min(100%, {most}px); height: auto; display: block; margin: 6px 0"
    return f'<img alt="{text(alt)}" style="{style}" src="data:image/{kind};base64,{data}">'


def foldout(title: Any, content: str, *, is_open: bool = False) -> str:
    """Returns markup under a title that folds it in and out."""
    mark = " open" if is_open else ""
    summary = f'<summary style="cursor: pointer">{text(title)}</summary>'
    return f"<details{mark}>{summary}{content}</details>"


def card(*parts: str) -> str:
    """Returns markup as one card, the outermost element of what is shown."""
    style = f"border: {_LINE}; border-radius: 6px; padding: 10px 14px; margin: 4px 0"
    return f'<div class="{_NO_FORMULAS}" style="{style}">{"".join(parts)}</div>'
