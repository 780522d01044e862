"""Icons of several makers each, cut out.

| name | what | classes | from |
|---|---|---|---|
| commands | arrows, flowcharts, shapes and symbols on grey, 32×32 | 4 | six libreoffice-style-* |
| desktop | documents, devices, places on pale grey, 40×40 | 3 | mate-, paper-icon-theme |
| themes | documents, states, devices on photographs, 32×32 | 3 | obsidian-icon-theme |

The masks are the transparency. What has one name is for training or for validation.
"""

import zipfile
import zlib

import cv2
import numpy as np
from real.boards import draw, read_png
from real.cutouts import decode
from real.sources import debian

STYLES = "breeze", "colibre", "elementary", "karasa_jaga", "sifr", "sukapura"
SHAPES = ("arrowshapes",), ("flowchartshapes",), ("basicshapes",), ("symbolshapes", "starshapes")
DESKTOP = ("mimetypes",), ("devices",), ("places",)
THEMES = ("mimetypes",), ("status",), ("devices",)
SCENES = "aloeL", "fruits", "building", "baboon", "leuvenA", "butterfly"
MOST = 170  # pictures of a folder of one maker
MOST_DESKTOP = 60  # or a maker would tell the class


def _is_kept(name):
    return zlib.crc32(name.encode()) % 4 == 0


def _plain(size, darkest):
    rng = np.random.default_rng(1)
    return [np.full((size, size, 3), rng.integers(darkest, 256), np.uint8) for _ in range(200)]


def _read(folder, names, most=MOST):
    """Yields pictures and names, no picture twice; links are other names of a picture."""
    known = set()
    for name in names:
        files = [f for f in sorted((folder / name).glob("*.png")) if not f.is_symlink()]
        order = np.random.default_rng(0).permutation(len(files))
        for number in order[:most]:
            picture = read_png(files[number])
            if picture.tobytes() not in known and picture[..., 3].min() == 0:
                known.add(picture.tobytes())
                yield picture, files[number].stem


def commands(size=32):
    items = []
    for style in STYLES:
        file = debian(f"usr/share/libreoffice/share/config/images_{style}.zip")
        with zipfile.ZipFile(file) as opened:
            for name in sorted(opened.namelist()):
                start, _, shape = name.removeprefix("cmd/32/").partition(".")
                label = next((k for k, of in enumerate(SHAPES) if start in of), None)
                if label is None or not name.startswith("cmd/32/"):
                    continue
                picture = decode(opened.read(name))
                items += [(picture, label, _is_kept(start + shape))] * 4
    return draw(items, size, _plain(size, 190), share=(0.7, 0.9), turned=6)


def desktop(size=40):
    folders = debian("usr/share/icons/mate/256x256"), debian("usr/share/icons/Paper/48x48@2x")
    items = []
    for folder in folders:
        for label, names in enumerate(DESKTOP):
            for picture, name in _read(folder, names, MOST_DESKTOP):
                items += [(picture, label, _is_kept(name))] * 5
    return draw(items, size, _plain(size, 215), share=(0.7, 0.9), turned=8)


def themes(size=32):
    folder = debian("usr/share/doc/opencv-doc/examples/data")
    scenes = [cv2.imread(str(folder / f"{name}.jpg"))[..., ::-1] for name in SCENES]
    items = []
    for label, (kind,) in enumerate(THEMES):
        icons = debian("usr/share/icons/Obsidian") / kind
        for picture, name in _read(icons, ("48",)):
            items += [(picture, label, _is_kept(name))] * 5
    return draw(items, size, scenes, share=(0.65, 0.85), turned=8)
