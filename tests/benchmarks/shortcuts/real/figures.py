"""Coloured figures of programs for children and of games, on the pictures that they stand in.

| name | what | classes | from |
|---|---|---|---|
| costumes | creatures, people and letters on photographs, 48×48 | 3 | Debian's scratch |
| vehicles | tanks, guns, buggies, helicopters and planes from above, 40×40 | 5 | boswars-data |
| townsfolk | four estates, men and women from all sides, 32×32 | 4 | Debian's unknown-horizons |
| badguys | figures of a game in landscapes, 40×40 | 6 | Debian's supertux-data |

All have masks: the transparency of the pictures.
"""

import re
import zlib

import cv2
import numpy as np
from real.boards import draw, read_png
from real.sources import debian

COSTUMES = ("Animals", "Fantasy"), ("People",), ("Letters/*",)
FADED = 0.35  # what is left of a photograph's contrast
VEHICLES = (  # names, and pixels of a cell; the first rows show them whole
    (("tank/unit_tank", 96, 2), ("rtank/unit_rtank", 96, 1)),
    (("artil/unit_artil", 160, 2),),
    (("buggy/unit_buggy", 64, 4),),
    (("heli/unit_heli", 128, 4), ("chopper/unit_chopper", 128, 3)),
    (("jet/unit_jet", 128, 2), ("bomber/unit_bomber", 128, 2)),
)
COLUMNS_KEPT = 1, 6  # of eight directions: what is for validation
GREEN = 50, 75  # hues of what has the player's colour
ESTATES = "sailor", "pioneer", "settler", "citizen"
TURNS_KEPT = "90", "225"  # degrees: what is for validation
SOILS = (("grass0", "grass1", "grass3"), ("grass2", "grass4", "grass5"), ("beach0",))
BADGUYS = (  # folders, and how the names of the files begin
    (("snowball", "snowball-|smartball-|captain-left|season-left|ks"),),
    (("mr_iceblock", "iceblock-|waking-"), ("mr_iceblock/smart_block", "smartblock-|waking-")),
    (("mr_bomb", "bomb"), ("mr_cherry", r"cherrybomb\d|cherrybomb_hit|juicebox\d")),
    (("tux/big", "walk|stand|idle|jump|skid|kick"), ("tux/small", "walk|run|stand|idle|jump")),
    (("mr_tree", "walk-left|small-left"), ("plant", "left|waking|plant")),
    (("owl", "left"), ("spiky", "spikywalk|waking"), ("igel", "walk")),
)
NO_BACKGROUND = {"misc", "intro", "outro", "darkcave-preview", "heatshimmer"}
EACH = 640  # images of a class, about


def costumes(size=48):
    """On faded photographs; all poses of a figure, all letters of a style, are for one part."""
    folder, rng = debian("usr/share/scratch/Media"), np.random.default_rng(1)
    files = [f for f in sorted(folder.glob("Backgrounds/*/*")) if f.suffix in (".jpg", ".gif")]
    papers = [np.ascontiguousarray(read_any(file)[..., 2::-1]) for file in files]
    papers = [np.rint(255 - FADED * (255.0 - paper)).astype(np.uint8) for paper in papers]
    items = []
    for label, names in enumerate(COSTUMES):
        found = []
        for file in sorted(f for name in names for f in folder.glob(f"Costumes/{name}/*")):
            is_letter = file.parent.parent.name == "Letters"
            group = file.parent.name if is_letter else re.match("[a-z]*", file.stem.lower())[0]
            if file.suffix in (".png", ".gif"):
                picture = read_any(file)
                if picture[..., 3].min() == 0:
                    found.append((picture, label, zlib.crc32(group.encode()) % 4 == 0))
        for picture, label, kept in found * (2 * EACH // len(found)):
            turns = label < 2 and rng.random() < 0.5  # letters don't look the other way
            items.append((picture[:, ::-1] if turns else picture, label, kept))
    return draw(items, size, papers, share=(0.75, 0.92), turned=6)


def read_any(file):
    """Returns a GIF, JPEG or PNG file as uint8 (h, w, 4), BGR and alpha."""
    from PIL import Image

    with Image.open(file) as opened:
        return np.array(opened.convert("RGBA"))[..., [2, 1, 0, 3]]


def vehicles(size=40):
    """Each has the colour of a random player; some of the directions are for validation."""
    folder, rng = debian("usr/share/games/boswars"), np.random.default_rng(1)
    papers = [read_png(file)[..., 2::-1] for file in sorted(folder.glob("patches/*/*.png"))]
    papers = [paper for paper in papers if min(paper.shape[:2]) >= 2 * size]
    items = []
    for label, sheets in enumerate(VEHICLES):
        cells = []
        for name, side, rows in sheets:
            sheet = read_png(folder / f"units/{name}.png")
            for row in range(rows):
                for column in range(8):
                    top, left = row * side, column * side
                    cell = sheet[top : top + side, left : left + side]
                    cells.append((cell, column in COLUMNS_KEPT))
        for cell, kept in cells * (EACH // len(cells)):
            items.append((_repainted(cell, rng), label, kept))
    return draw(items, size, papers, share=(0.7, 0.9), turned=8)


def _repainted(picture, rng):
    """A picture, BGR and alpha, with what is green in another hue."""
    hsv = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_BGR2HSV)
    hue, saturation, _ = np.moveaxis(hsv, -1, 0)
    is_paint = (hue >= GREEN[0]) & (hue <= GREEN[1]) & (saturation > 100)
    hsv[is_paint, 0] = rng.integers(180)
    return np.dstack([cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), picture[..., 3]])


def townsfolk(size=32):
    """Standing and walking; two of eight directions are for validation."""
    folder, rng = debian("usr/share/unknown-horizons/content/gfx"), np.random.default_rng(1)
    soils = [[_soil(folder, name) for name in names] for names in SOILS]
    papers = [_ground(soils[number % len(soils)], rng) for number in range(120)]
    items = []
    for label, estate in enumerate(ESTATES):
        files = sorted((folder / "units/inhabitant" / estate).glob("as_*/*/*/*.png"))
        for file in [files[k] for k in rng.choice(len(files), EACH, replace=len(files) < EACH)]:
            items.append((read_png(file), label, file.parent.name in TURNS_KEPT))
    return draw(items, size, papers, share=(0.7, 0.85), turned=4, moved=0.06)


def _soil(folder, name):
    return read_png(folder / f"base/moderate/ts_{name}/straight/45/0.png")


def _ground(tiles, rng, side=160):
    """Lays tiles side by side as the game does, from the farthest on; RGB."""
    ground = np.zeros((side, side, 3), np.float32)
    height, width = tiles[0].shape[:2]
    for number, row in enumerate(range(-32, side, 16)):
        for column in range(-64 + number % 2 * 32, side, 64):
            tile = tiles[rng.integers(len(tiles))]
            top, left, bottom = row - (height - 32), column, row + 32
            y, x = max(top, 0), max(left, 0)
            part = tile[y - top : min(bottom, side) - top, x - left : min(width, side - left)]
            alpha = part[..., 3:] / np.float32(255)
            place = ground[y : y + part.shape[0], x : x + part.shape[1]]
            place += alpha * (part[..., 2::-1] - place)
    return np.rint(ground).astype(np.uint8)


def badguys(size=40):
    """Each looks left or right; every fourth picture of a figure is for validation."""
    folder, rng = debian("usr/share/games/supertux2/images"), np.random.default_rng(1)
    files = sorted((folder / "background").rglob("*.png"))
    papers = [read_png(file) for file in files if not NO_BACKGROUND & {file.parent.name, file.stem}]
    papers = [p[..., 2::-1] for p in papers if p[..., 3].min() == 255 and min(p.shape[:2]) >= 200]
    papers = [paper for paper in papers if paper.std((0, 1)).mean() > 12]
    items = []
    for label, kinds in enumerate(BADGUYS):
        found = []
        for name, start in kinds:
            files = sorted((folder / "creatures" / name).glob("*.png"))
            files = [file for file in files if re.match(start, file.stem)]
            found += [(read_png(file), number % 4 == 1) for number, file in enumerate(files)]
        for picture, kept in found * (EACH // len(found)):
            seen = picture[:, ::-1] if rng.random() < 0.5 else picture
            items.append((seen, label, kept))
    return draw(items, size, papers, share=(0.6, 0.85), turned=6, moved=0.08)
