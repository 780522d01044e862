"""Images to draw, and where one picture stands in another."""

import numpy as np

HOSTILE_NAMES = [
    "",
    " ",
    "\n\r\t\0\x1b[31m",
    "猫の写真.png",
    "\ud800 lone surrogate",
    "\u202egnp.exe\u202c",
    "👩‍🚀" * 50,
    "%s %d {x} \\n <script>",
    "x" * 10_000,
    "ﷺ" * 10_000,
    "W" * 300,
]


def photos(rng, n=3, height=24, width=20, channels=3):
    """Pictures that reach both ends of the range, as photos do."""
    pictures = rng.integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    pictures[0, 0, 0], pictures[-1, -1, -1] = 0, 255
    return pictures


def places(picture, piece):
    """The (top, left) corners at which a piece occurs in the picture, pixel by pixel."""
    height, width = piece.shape[:2]
    rows, columns = picture.shape[0] - height + 1, picture.shape[1] - width + 1
    starts = (picture[:rows, :columns] == piece[0, 0]).all(axis=2)
    return [
        (int(top), int(left))
        for top, left in np.argwhere(starts)
        if np.array_equal(picture[top : top + height, left : left + width], piece)
    ]
