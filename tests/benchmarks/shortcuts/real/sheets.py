"""Coloured pictures out of sheets that hold many: pieces of chess, creatures and houses of games.

| name | what | classes | from |
|---|---|---|---|
| chess | pieces on squares of wood, stone or cloth, 40×40 | 6 | Debian's pychess |
| creatures | figures of a game in eight directions, on white, 40×40 | 6 | Debian's flare-game |
| houses | houses of five peoples, on white, 40×40 | 5 | Debian's widelands-data |

All have masks: the transparency of the sheets.
"""

import re
import zlib

import cv2
import numpy as np
from real.cutouts import gather, lay, place
from real.sources import debian

# King, queen, rook, bishop, knight, pawn: (row, column) on a sheet of 4×4, dark and light,
# and their letters in a typeface, light and dark.
ON_SHEET = (
    ((0, 3), (0, 2), (0, 1), (1, 2), (1, 3), (2, 3)),
    ((3, 0), (3, 1), (3, 2), (2, 1), (2, 0), (1, 0)),
)
IN_TYPEFACE = "kqrbnp", "lwtvmo"
# Sets with figures of their own; "cheq" has no dark bishop and knight.
LEFT_OUT = ("Ada", "Freak", "Makruk", "Maya", "Prmi", "Sittuyin", "Skulls", "cheq")
CREATURES = (
    *(("antlion", "fire_ant", "ice_ant"), ("goblin", "goblin_elite"), ("minotaur",)),
    *(("skeleton", "skeleton_archer", "skeleton_mage", "skeleton_weak"),),
    *(("wyvern", "wyvern_air", "wyvern_fire", "wyvern_water"), ("zombie",)),
)
PEOPLES = ("barbarians", "empire", "atlanteans", "frisians", "amazons")


def chess(size=40):
    folder = debian("usr/share/pychess")
    squares = [cv2.imread(str(file))[..., ::-1] for file in sorted(folder.glob("boards/*.png"))]
    return _draw([*_sheets(folder), *_typefaces(folder)], size, 8, squares)


def _sheets(folder):
    """Yields pieces, BGR and alpha, their labels, and the names of the sets."""
    for file in sorted(folder.glob("pieces/*.png")):
        if file.stem in LEFT_OUT or file.stem.startswith("ttf-"):
            continue
        sheet = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        side = len(sheet) // 4
        for places in ON_SHEET:
            for label, (row, column) in enumerate(places):
                top, left = row * side + 1, column * side + 1  # without the edges of the square
                piece = sheet[top : top + side - 2, left : left + side - 2].copy()
                yield _without_square(piece), label, file.stem


def _without_square(piece):
    """Makes the grey of a dark square transparent, from the corners on."""
    height, width = piece.shape[:2]
    reached = np.zeros((height + 2, width + 2), np.uint8)
    for corner in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        if piece[corner[::-1]][3] == 255:
            bgr = np.ascontiguousarray(piece[..., :3])
            flags = 4 | cv2.FLOODFILL_MASK_ONLY | 255 << 8
            cv2.floodFill(bgr, reached, corner, 0, (12,) * 3, (12,) * 3, flags)
    piece[reached[1:-1, 1:-1] > 0, 3] = 0
    return piece


def _typefaces(folder):
    """Yields the same from typefaces: black ink, with white inside light pieces."""
    from PIL import Image, ImageDraw, ImageFont

    for file in sorted(folder.glob("pieces/ttf/*.ttf")):
        if file.stem in LEFT_OUT:
            continue
        font = ImageFont.truetype(str(file), 64)
        for letters in IN_TYPEFACE:
            for label, letter in enumerate(letters):
                canvas = Image.new("L", (96, 96))
                ImageDraw.Draw(canvas).text((48, 48), letter, 255, font, anchor="mm")
                ink = np.array(canvas)
                outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
                inside = cv2.drawContours(np.zeros_like(ink), outlines, -1, 255, cv2.FILLED)
                colour = 255 - np.where(inside > 0, ink, 255)
                yield np.stack([colour] * 3 + [np.maximum(ink, inside)], -1), label, file.stem


def creatures(size=40):
    """A figure in one direction is for training or for validation."""
    images = debian("usr/share/games/flare/mods/fantasycore/images/enemies")
    texts = debian("usr/share/games/flare/mods/fantasycore/animations/enemies")
    items = []
    for label, names in enumerate(CREATURES):
        for name in names:
            sheet = cv2.imread(str(images / f"{name}.png"), cv2.IMREAD_UNCHANGED)
            movements = re.split(r"^\[", (texts / f"{name}.txt").read_text(), flags=re.MULTILINE)
            for movement in movements:
                if movement.startswith(("die", "critdie", "spawn")):  # not upright
                    continue
                # "frame=<number>,<direction>,<left>,<top>,<width>,<height>,…"
                for numbers in re.findall(r"^frame=([\d,]+)", movement, re.MULTILINE):
                    _, direction, left, top, width, height = map(int, numbers.split(",")[:6])
                    figure = sheet[top : top + height, left : left + width]
                    items.append((figure, label, f"{name}{direction}"))
    return gather(items, size, 0.86)


def houses(size=40):
    """A house, built or half built, is for training or for validation."""
    folder = debian("usr/share/games/widelands/data/tribes/buildings")
    items = []
    for label, people in enumerate(PEOPLES):
        for house in sorted(folder.glob(f"*/{people}/*/")):
            described = (house / "init.lua").read_text()
            for name in ("idle", "unoccupied", "working", "build"):
                for picture in _frames(house, name, described):
                    items.append((picture, label, f"{people} {house.name}"))
    return _draw(items, size, 3, [np.full((size, size, 3), 255, np.uint8)])


def _frames(folder, name, described):
    """Returns all frames of what is being built, and two of the other sheets, or no sheet's one."""
    scales = [folder / f"{name}_{scale}.png" for scale in ("2", "1", "4", "00")]
    file = next((file for file in scales if file.exists()), None)
    if file is None:
        return []
    sheet = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if sheet.ndim != 3 or sheet.shape[2] != 4:
        return []
    # "<name> = { … frames = 10, columns = 5, rows = 2, … hotspot = { 50, 71 } }"
    block = re.search(rf"\b{name} = \{{((?:[^{{}}]|\{{[^{{}}]*\}})*)\}}", described)
    stated = dict(re.findall(r"(frames|columns|rows) = (\d+)", block[1] if block else ""))
    frames, columns, rows = (int(stated.get(key, 1)) for key in ("frames", "columns", "rows"))
    height, width = sheet.shape[0] // rows, sheet.shape[1] // columns
    found = []
    for number in range(frames) if name == "build" else sorted({0, frames // 2}):
        row, column = divmod(number, columns)
        where = slice(row * height, (row + 1) * height), slice(column * width, (column + 1) * width)
        found.append(sheet[where])
    return found


def _draw(items, size, times, papers):
    """Draws (picture, label, group) several times, near the middle of parts of random papers.

    Pictures of one group are all for training or all for validation.
    """
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    for picture, label, group in items:
        for _ in range(times):
            placed = place(picture, size, rng.uniform(0.7, 0.85))
            paper = papers[rng.integers(len(papers))]
            top, left = (rng.integers(length - size + 1) for length in paper.shape[:2])
            moved = rng.integers(-size // 20, size // 20 + 1, size=2)
            placed = np.roll(placed, moved, axis=(0, 1))
            image, mask = lay(placed, paper[top : top + size, left : left + size])
            images.append(image)
            masks.append(mask)
            labels.append(label)
            kept.append(zlib.crc32(group.encode()) % 4 == 0)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)
