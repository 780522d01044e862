"""Text that came from a user or a file, made fit for one line of a page."""

import unicodedata
from typing import Any


def one_line(text: Any, most: int = 1000) -> str:
    """Returns a text in one line, without what no page shows as it is.

    Left out are control characters, those that turn the direction of writing, and halves of
    surrogate pairs, which no file and no message can hold.

    Args:
        text: anything; its `str` is used.
        most: how many letters are kept.
    """
    flat = " ".join(str(text).split())[:most]
    return "".join(c for c in flat if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
