"""Coloured objects on tables, photographs, paper and the ground: no background is flat.

| name | what | classes | from |
|---|---|---|---|
| flags | six red, white and blue flags on photographs, 40×40 | 6 | freeciv-data, jigzo-data |
| cards | playing cards by suit, on a table, 40×40 | 4 | Debian's pokerth-data |
| furniture | rendered furniture on paper, 40×40 | 3 | sweethome3d-furniture, mypaint-data-extras |
| wasteland | beings, tools and parts of vehicles on the ground, 32×32 | 3 | cataclysm-dda-data |
| monsters | figures of a game from all sides, in a room, 48×48 | 6 | Debian's freedoom |

All have masks: the transparency of the pictures.
"""

import json
import re
import struct
import zipfile
import zlib

import cv2
import numpy as np
from real.crops import part
from real.cutouts import decode, lay, place
from real.sources import debian

FLAGS = "france", "netherlands", "russia", "yugoslavia", "norway", "iceland"  # of like colours
FRAME = 8  # pixels around a photograph of a puzzle
CARDS, RANKS = ("default4c", "default_800x480"), 13
FURNITURE = (  # words of a name
    ("chair", "armchair", "stool", "sofa", "couch"),
    ("door", "window"),
    ("plug", "switch"),
)
NO_FURNITURE = {"cabinet", "ottoman", "blind", "shutter"}
TILES = "UltimateCataclysm", "MshockXotto+"
THINGS = ("mon_", "vp_", "overlay_wielded_")
GROUND = "t_grass", "t_dirt", "t_pavement", "t_floor"
# The pictures' names begin so; three kinds of soldier, and two of baron, are one class.
MONSTERS = ("POSS", "SPOS", "CPOS"), ("TROO",), ("SARG",), ("BOSS", "BOS2"), ("SKEL",), ("BSPI",)
SEEN_FROM = "2", "8"  # what is for validation: half left and half right of the front


def flags(size=40):
    folder, photographs = debian("usr/share/games/freeciv/flags"), []
    for file in sorted(debian("usr/share/games/jigzo/puzzles").rglob("*.pzl")):
        stored = file.read_bytes()
        found = np.frombuffer(stored[stored.index(b"\xff\xd8\xff") :], np.uint8)
        photograph = cv2.imdecode(found, cv2.IMREAD_COLOR)[..., ::-1]
        photographs.append(photograph[FRAME:-FRAME, FRAME:-FRAME])
    items = []
    for label, country in enumerate(FLAGS):
        picture = read_png(folder / f"{country}-large.png")
        items += [(picture, label, number % 4 == 0) for number in range(640)]
    return draw(items, size, photographs, share=(0.4, 0.55), moved=0.2)


def cards(size=40):
    """The upper parts, as where cards overlap; a rank is for training or for validation."""
    folder = debian("usr/share/games/pokerth/gfx")
    tables = ("default/table", "default_800x480/table_dark", "danuxi1/table")
    tables = [read_png(folder / f"gui/table/{name}.png")[..., 2::-1] for name in tables]
    items = []
    for deck in CARDS:
        for number in range(4 * RANKS):
            suit, rank = divmod(number, RANKS)
            card = read_png(folder / f"cards/{deck}/{number}.png")
            items += [(card[: len(card) * 3 // 4], suit, rank % 4 == 0)] * 36
    return draw(items, size, tables, share=(0.8, 0.92))


def furniture(size=40):
    """What is drawn for validation lies elsewhere than for training, but is of the same things."""
    papers = sorted(debian("usr/share/mypaint/backgrounds").rglob("*.png"))
    papers = [cv2.imread(str(file))[..., ::-1] for file in papers]
    items = []
    for file in sorted(debian("usr/share/sweethome3d/furniture").glob("*.sh3f")):
        with zipfile.ZipFile(file) as opened:
            listed = opened.read("PluginFurnitureCatalog.properties").decode("latin-1")
            # "name#<number>=<name>" and "icon#<number>=/<path>"
            names, icons = (
                dict(re.findall(rf"^{key}#(\d+)=/?(.*?)\s*$", listed, re.MULTILINE))
                for key in ("name", "icon")
            )
            for number, name in names.items():
                words = set(re.findall("[a-z]+", name.lower()))
                labels = [label for label, of in enumerate(FURNITURE) if words & set(of)]
                if len(labels) == 1 and not words & NO_FURNITURE:
                    picture = decode(opened.read(icons[number]))
                    items += [(picture, *labels, turn % 4 == 0) for turn in range(20)]
    return draw(items, size, papers)


def wasteland(size=32):
    """What has one name in both sets of tiles is for training or for validation."""
    things, ground = [], []
    for name, picture in (found for tiles in TILES for found in _tiles(tiles)):
        label = next((k for k, start in enumerate(THINGS) if name.startswith(start)), None)
        if label is not None:
            things.append((picture, label, _is_kept(name)))
        elif name in GROUND and picture[..., 3].min() == 255:
            ground.append(np.tile(picture[..., 2::-1], (4, 4, 1)))
    known, items = set(), []
    for picture, label, kept in things:
        seen = picture[picture[..., 3] > 0]
        if len(seen) >= 24 and seen.std(0).max() > 8 and picture.tobytes() not in known:
            known.add(picture.tobytes())
            items += [(_in_the_middle(picture), label, kept)] * 2
    return draw(items, size, ground, share=None, turned=0)


def monsters(size=48):
    """What is seen from another side is for validation; what lies dead is left out."""
    stored = debian("usr/share/games/doom/freedoom2.wad").read_bytes()
    lumps = _lumps(stored)
    colours = np.frombuffer(next(lump for name, lump in lumps if name == "PLAYPAL"), np.uint8)
    colours = colours[:768].reshape(256, 3)
    names = [name for name, _ in lumps]
    parts = {
        part: lumps[names.index(f"{part}_START") + 1 : names.index(f"{part}_END")]
        for part in ("S", "P", "F")
    }
    walls = [_patch(lump, colours) for _, lump in parts["P"] if len(lump) > 64 * 64]
    walls = [wall for wall in walls if wall[..., 3].min() == 255 and min(wall.shape[:2]) >= 64]
    floors = [np.frombuffer(lump, np.uint8) for _, lump in parts["F"] if len(lump) == 64 * 64]
    floors = [colours[floor.reshape(64, 64)] for floor in floors]
    rng = np.random.default_rng(1)
    rooms = [_room(walls, floors, rng) for _ in range(600)]
    items = []
    for name, lump in parts["S"]:
        label = next((k for k, starts in enumerate(MONSTERS) if name[:4] in starts), None)
        sides = name[5::2]  # "A2A8": frame A from side 2, and mirrored from side 8
        if label is not None and "0" not in sides:
            picture = _patch(lump, colours)
            times = 12 // len(MONSTERS[label])
            for side, seen in zip(sides, (picture, picture[:, ::-1]), strict=False):
                items += [(seen, label, side in SEEN_FROM)] * times
    return draw(items, size, rooms, share=(0.75, 0.95), turned=0, moved=0.06)


def _lumps(stored):
    """Returns names and contents of what a WAD file holds, in order."""
    number, at = struct.unpack_from("<ii", stored, 4)
    entries = [struct.unpack_from("<ii8s", stored, at + 16 * k) for k in range(number)]
    return [(n.rstrip(b"\0").decode(), stored[start : start + size]) for start, size, n in entries]


def _patch(lump, colours):
    """Decodes a picture of a WAD file, in columns of posts; returns BGR and alpha."""
    width, height = struct.unpack_from("<hh", lump)
    picture = np.zeros((height, width, 4), np.uint8)
    for x, at in enumerate(struct.unpack_from(f"<{width}i", lump, 8)):
        while lump[at] != 255:
            top, length = lump[at], lump[at + 1]
            seen = np.frombuffer(lump, np.uint8, length, at + 3)
            picture[top : top + length, x, :3] = colours[seen][:, ::-1]
            picture[top : top + length, x, 3] = 255
            at += length + 4
    return picture


def _room(walls, floors, rng):
    """Returns a wall above a floor, RGB, in the dark."""
    wall = walls[rng.integers(len(walls))][:64, :, 2::-1]
    wall = np.tile(wall, (2, 3, 1))[-rng.integers(64, 100) :, :128]
    floor = cv2.resize(floors[rng.integers(len(floors))], (128, 32))
    return np.rint(np.concatenate([wall, floor]) * rng.uniform(0.3, 0.8)).astype(np.uint8)


def _in_the_middle(picture, least=36):
    """A picture with what is seen in the middle: a small thing stays small, in the same pixels."""
    rows, columns = (np.flatnonzero(picture[..., 3].any(axis)) for axis in (1, 0))
    seen = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(least, round(1.1 * max(seen.shape[:2])))
    found = np.zeros((side, side, 4), np.uint8)
    top, left = ((side - length) // 2 for length in seen.shape[:2])
    found[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return found


def _tiles(name):
    """Yields names and pictures of a set of tiles; of one that varies, the first picture."""
    folder = debian(f"usr/share/games/cataclysm-dda/gfx/{name}")
    config = json.loads((folder / "tile_config.json").read_text())
    usual, cells = config["tile_info"][0], []
    for sheet in config["tiles-new"]:  # a number counts the cells of all sheets
        picture = read_png(folder / sheet["file"])
        width = sheet.get("sprite_width", usual["width"])
        height = sheet.get("sprite_height", usual["height"])
        rows, columns = picture.shape[0] // height, picture.shape[1] // width
        for row in np.split(picture[: rows * height, : columns * width], rows):
            cells += np.split(row, columns, axis=1)
    for entry in (entry for sheet in config["tiles-new"] for entry in sheet.get("tiles", ())):
        names, number = entry["id"], entry.get("fg")
        while isinstance(number, (list, dict)):
            is_list = isinstance(number, list)
            number = (number[0] if number else None) if is_list else number["sprite"]
        if number is not None and 0 <= number < len(cells):
            yield names if isinstance(names, str) else names[0], cells[number]


def read_png(file):
    """Returns a PNG file as uint8 (h, w, 4), BGR and alpha."""
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGRA)
    return picture if picture.shape[2] == 4 else cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA)


def _is_kept(group):
    return zlib.crc32(group.encode()) % 4 == 0


def draw(items, size, papers, share=(0.7, 0.85), turned=12, moved=0.05):
    """Draws each (picture or None, label, for validation), a little turned and moved, on paper."""
    rng = np.random.default_rng(0)
    images, labels, masks, for_validation = [], [], [], []
    for picture, label, kept in items:
        taken = share and rng.uniform(*share)
        placed = None if picture is None else place(picture, 2 * size, taken)
        if placed is None:
            continue
        turn = cv2.getRotationMatrix2D((size, size), rng.uniform(-turned, turned), 0.5)
        turn[:, 2] += size * rng.uniform(-moved, moved, 2) - size / 2
        placed = cv2.warpAffine(placed, turn, (size, size), flags=cv2.INTER_LINEAR)
        image, mask = lay(placed, part(papers[rng.integers(len(papers))], size, rng))
        images.append(image)
        masks.append(mask)
        labels.append(label)
        for_validation.append(kept)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(for_validation)
