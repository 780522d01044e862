"""Coloured pictures of two games about space: equipment, landscapes, and ships.

| name | what | classes | from |
|---|---|---|---|
| outfits | engines, weapons and batteries on paper of one colour, 40×40 | 3 | endless-sky-data |
| landscapes | parts of photographs of four kinds of land, 48×48 | 4 | endless-sky-data |
| ships | five ships from above, in any direction, over landscapes, 48×48 | 5 | naev-data |

Outfits and ships have masks: the transparency of the pictures.
"""

import re

import cv2
import numpy as np
from real.boards import draw, read_png
from real.sources import debian

OUTFITS = (  # words of a name
    ("thruster", "steering", "engines", "thrust"),
    ("turret", "cannon", "blaster", "laser", "beam", "sunbeam", "repeater", "gun", "launcher"),
    ("battery", "cell", "core", "fission", "fusion", "generator", "reactor", "regenerator"),
)
LANDS = ("city",), ("desert", "dune"), ("fields", "forest"), ("snow",)
CUTS = 48  # pictures of a photograph
SHIPS = "admonisher", "ancestor", "phalanx", "shark", "vendetta"


def outfits(size=40):
    """A thing is for training or for validation."""
    rng = np.random.default_rng(1)
    files = [[] for _ in OUTFITS]
    for file in sorted(debian("usr/share/games/endless-sky/images/outfit").glob("*.png")):
        words = {*re.findall("[a-z]+", file.stem)}
        found = [of for of, names in zip(files, OUTFITS, strict=True) if words & {*names}]
        if len(found) == 1:
            found[0].append(file)
    items = []
    for label, of in enumerate(files):
        for number, file in enumerate(of):
            items += [(read_png(file), label, number % 4 == 1)] * 16
    papers = [np.full((size, size, 3), rng.integers(90, 256, 3), np.uint8) for _ in range(500)]
    return draw(items, size, papers, share=(0.75, 0.92), turned=8, moved=0.04)


def landscapes(size=48):
    """The right third of each photograph is for validation."""
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    folder = debian("usr/share/games/endless-sky/images/land")
    for label, names in enumerate(LANDS):
        files = sorted(f for f in folder.glob("*.jpg") if re.match("[a-z]+", f.stem)[0] in names)
        for file in files:
            photograph = cv2.imread(str(file))[..., ::-1]
            height, width = photograph.shape[:2]
            for number in range(CUTS):
                is_kept = number % 4 == 0
                first, last = (2 * width // 3, width) if is_kept else (0, 2 * width // 3)
                side = min(last - first, round(height * rng.uniform(0.4, 0.6)))
                top = rng.integers(2 * height // 5, height - side + 1)
                left = first + rng.integers(last - first - side + 1)
                seen = np.ascontiguousarray(photograph[top : top + side, left : left + side])
                images.append(cv2.resize(seen, (size, size), interpolation=cv2.INTER_AREA))
                labels.append(label)
                kept.append(is_kept)
    return np.stack(images), np.array(labels), None, np.array(kept)


def ships(size=48):
    """Each ship has three coats of paint; some of the directions are for validation."""
    folder = debian("usr/share/naev/dat")
    papers = [cv2.imread(str(f)) for f in sorted((folder / "gfx/planet/exterior").iterdir())]
    papers = [cv2.resize(p, (200, 200), interpolation=cv2.INTER_AREA) for p in papers]
    papers = [np.rint(0.6 * paper[..., ::-1]).astype(np.uint8) for paper in papers]
    items = []
    for label, name in enumerate(SHIPS):
        described = (folder / f"ships/{name}.xml").read_text()
        across = re.search(r'<GFX[^>]* sx="(\d+)"', described)
        across = int(across[1]) if across else 8
        painted = re.compile(rf"{name}(_dvaered|_empire|_pirate)?\.png")
        files = sorted(
            f for f in (folder / f"gfx/ship/{name}").iterdir() if painted.fullmatch(f.name)
        )
        for file in files:
            rows = np.split(read_png(file), across)
            views = [cell for row in rows for cell in np.split(row, across, axis=1)]
            for number, cell in enumerate(views):
                items += [(cell, label, number // 3 % 4 == 1)] * (6 * 64 // len(views))
    return draw(items, size, papers, share=(0.7, 0.9), turned=4, moved=0.05)
