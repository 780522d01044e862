"""Pictures of games and of programs for children.

| name | what | classes | from |
|---|---|---|---|
| drawings | animals, and food, on pale paper, 48×48 | 2 | Debian's pysiogame |
| penguins | what a penguin does, on rock and sky, 32×32 | 8 | Debian's pingus-data |
| dungeon | people, books, potions, weapons, dragons on stone, 32×32 | 5 | Debian's angband-data |
| workshops | buildings on photographs, 40×40 | 6 | lincity-ng-data, gcompris-qt-data |
| monuments | parts of six photographs, 40×40, no masks | 6 | Debian's gcompris-qt-data |
| rocks | parts of four painted surfaces, 24×24, grey, no masks | 4 | Debian's pingus-data |

The masks of the first four are the transparency of the pictures, or what is not paper.
"""

import io
import struct

import cv2
import numpy as np
from real.boards import draw, read_png
from real.crops import LONGER_SIDE, not_flat, of_pictures
from real.figures import read_any
from real.sources import debian

DRAWINGS = ("animals",), ("food", "fruit_n_veg")
PAPER = 238  # grey levels, at least, of the paper around a drawing
MAX_COVER = 0.85  # of a drawing: what covers more has a background of its own
PENGUINS = "basher", "blocker", "bridger", "climber", "digger", "floater", "miner", "walker"
FRAME = 32  # pixels of a side
ABOVE = ("stone.jpg", "stones.png", "rock6.jpg", "rockagglo.jpg", "industrial.jpg", "crystal.jpg")
ABOVE += ("clouds2.jpg", "darkjungle.jpg", "lunartile.jpg", "desert_room.jpg", "ordina.jpg")
# Rows of a sheet, and its first columns; of dragons, the first are young and small.
CELL, COLUMNS, THINGS = 32, 32, ((3, 4), (6,), (8,), (10,), (12,))
FLOORS = (22, 21), (22, 22), (23, 23), (23, 25), (24, 19), (24, 20), (24, 21), (22, 27)
WORKSHOPS = "blacksmith", "firestation", "mill", "oremine", "pottery", "industryh"
MONUMENTS = 1, 11, 18, 23, 26, 35  # in the order of the file
ROCKS = "rock6", "rockagglo", "fruitcaketile", "greentex"
EACH = 640  # images of a class, about


def drawings(size=48):
    """A drawing is for training or for validation."""
    folder = debian("usr/share/games/pysiogame/res/images/art4apps")
    rng = np.random.default_rng(1)
    items = []
    for label, names in enumerate(DRAWINGS):
        files = sorted(file for name in names for file in (folder / name).glob("*.jpg"))
        found = [(_without_paper(read_png(file)), n % 4 == 1) for n, file in enumerate(files)]
        found = [(p, kept) for p, kept in found if (p[..., 3] > 0).mean() < MAX_COVER]
        for picture, kept in found * (2 * EACH // len(found)):
            items.append((picture[:, ::-1] if rng.random() < 0.5 else picture, label, kept))
    papers = [np.full((size, size, 3), rng.integers(200, 256, 3), np.uint8) for _ in range(400)]
    return draw(items, size, papers, share=(0.75, 0.92), turned=8)


def _without_paper(picture):
    """Makes the white around a drawing transparent, from the edges on."""
    is_white = np.pad(picture[..., :3].min(-1) >= PAPER, 1, constant_values=True)
    _, parts = cv2.connectedComponents(is_white.astype(np.uint8), connectivity=4)
    is_paper = (parts == parts[0, 0])[1:-1, 1:-1]
    return np.dstack([picture[..., :3], np.where(is_paper, 0, 255).astype(np.uint8)])


def penguins(size=32):
    """Each looks left or right; every fourth frame of a movement is for validation."""
    folder = debian("usr/share/games/pingus/data/images")
    papers = [read_any(folder / "textures" / name)[..., 2::-1] for name in ABOVE]
    rng = np.random.default_rng(1)
    items = []
    for label, name in enumerate(PENGUINS):
        sheet = read_any(folder / f"pingus/player0/{name}.png")
        frames = [f for row in np.split(sheet, len(sheet) // FRAME) for f in _cells(row)]
        found = [(frame, number % 4 == 1) for number, frame in enumerate(frames)]
        for picture, kept in found * (EACH // len(found)):
            items.append((picture[:, ::-1] if rng.random() < 0.5 else picture, label, kept))
    return draw(items, size, papers, share=(0.75, 0.92), turned=4)


def _cells(row):
    """Cuts a row of a sheet into squares."""
    height, width = row.shape[:2]
    return [row[:, left : left + height] for left in range(0, width - height + 1, height)]


def dungeon(size=32):
    """Every fourth picture is for validation."""
    sheet = read_png(debian("usr/share/angband/xtra/graf/32x32.png"))
    rows = [sheet[top : top + CELL, : COLUMNS * CELL] for top in range(0, len(sheet), CELL)]
    floors = [_cells(rows[row])[column][..., 2::-1] for row, column in FLOORS]
    papers = [np.tile(floor, (4, 4, 1)) for floor in floors]
    rng = np.random.default_rng(1)
    items = []
    for label, numbers in enumerate(THINGS):
        cells = [cell for number in numbers for cell in _cells(rows[number])]
        for _ in range(EACH // len(cells)):
            for number, cell in enumerate(cells):
                seen = cell[:, ::-1] if rng.random() < 0.5 else cell
                items.append((seen, label, number % 4 == 1))
    return draw(items, size, papers, share=(0.7, 0.9), turned=8)


def workshops(size=40):
    """Every fourth picture of a building is for validation."""
    folder = debian("usr/share/games/lincity-ng/images/tiles")
    stored = debian("usr/share/gcompris-qt/rcc/explore_farm_animals.rcc").read_bytes()
    papers = [_shrunk(photograph) for photograph in read_webp(stored)]
    items = []
    for label, name in enumerate(WORKSHOPS):
        files = [f for f in sorted(folder.glob(f"{name}*.png")) if f.stem != "industryhc"]
        pictures = [(read_png(file), number % 4 == 1) for number, file in enumerate(files)]
        for picture, kept in pictures * (EACH // len(pictures)):
            items.append((picture, label, kept))
    return draw(items, size, papers, share=(0.6, 0.85), turned=6, moved=0.08)


def monuments(size=40):
    stored = debian("usr/share/gcompris-qt/rcc/explore_monuments.rcc").read_bytes()
    photographs = read_webp(stored)
    chosen = [_shrunk(photographs[number]) for number in MONUMENTS]
    return not_flat(of_pictures(chosen, size, each=700))


def rocks(size=24):
    folder = debian("usr/share/games/pingus/data/images/textures")
    files = [folder / f"{name}.jpg" for name in ROCKS]
    pictures = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)[..., None] for file in files]
    return of_pictures(pictures, size, each=700)


def read_webp(stored):
    """Returns the WebP pictures in a file of resources, RGB: "RIFF", a length, "WEBP"."""
    from PIL import Image

    pictures, at = [], stored.find(b"RIFF")
    while at >= 0:
        length = 8 + struct.unpack_from("<I", stored, at + 4)[0]
        if stored[at + 8 : at + 12] == b"WEBP":
            with Image.open(io.BytesIO(stored[at : at + length])) as opened:
                pictures.append(np.array(opened.convert("RGB")))
        at = stored.find(b"RIFF", at + 4)
    return pictures


def _shrunk(picture):
    scale = LONGER_SIDE / max(picture.shape)
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
