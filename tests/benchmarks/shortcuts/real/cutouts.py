"""Coloured pictures with a transparent background, laid on white; the transparency is the mask.

| name | what | classes | from |
|---|---|---|---|
| icons | Oxygen's icons, 32×32 | 3 | Debian's oxygen-icon-theme |
| sprites | figures of a game, 32×32 | 4 | Debian's crossfire-client-images |
| emoji | Google's emoji, 32×32 | 6 | npm's emoji-datasource-google |
| stamps | photographs of things, cut out, 48×48 | 3 | Debian's tuxpaint-stamps-default |
| clipart | drawings, 40×40 | 4 | Debian's openclipart-png |
| units | figures of five peoples, 48×48 | 5 | Debian's wesnoth-1.16-data |
| apps | Faenza's icons, 32×32 | 4 | Debian's faenza-icon-theme |
"""

import json
import re
import struct
import zlib

import cv2
import numpy as np
from real.sources import debian, npm

PNG_END = b"IEND\xaeB`\x82"
MAX_PIXELS = 4_000_000  # a handful of clip arts has a hundred million
SEEN = 0.03  # alpha of what counts as the object
MIN_COVER = 0.02  # of the image: what covers less is an empty file


def decode(encoded):
    """Returns a PNG file as uint8 (h, w, 4), BGR and alpha; None without alpha, or too large."""
    width, height = struct.unpack(">II", encoded[16:24])
    if width * height > MAX_PIXELS:
        return None
    read = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    return None if read is None or read.ndim != 3 or read.shape[2] != 4 else read


def place(picture, size, share):
    """Puts a picture into the middle of a square; None where there is nothing to see.

    Args:
        picture: uint8 (h, w, 4), BGR and alpha.
        size: height and width of the image.
        share: of the image's side that the longer side of the object takes; None: the file as
            it is.

    Returns:
        float32 (size, size, 4): RGB times alpha, 0 … 255, and alpha, 0 … 1.
    """
    picture = picture.astype(np.float32)
    alpha = picture[..., 3:] / 255
    if share is not None:
        rows, columns = (np.flatnonzero((alpha[..., 0] > SEEN).any(axis)) for axis in (1, 0))
        if not len(rows):
            return None
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        picture, alpha = picture[box], alpha[box]
    layers = np.concatenate([picture[..., 2::-1] * alpha, alpha], axis=-1)
    scale = size * (share or 1) / max(layers.shape[:2])
    height, width = (max(1, round(length * scale)) for length in layers.shape[:2])
    layers = cv2.resize(layers, (width, height), interpolation=cv2.INTER_AREA)
    placed = np.zeros((size, size, 4), np.float32)
    top, left = (size - height) // 2, (size - width) // 2
    placed[top : top + height, left : left + width] = layers
    return placed if (placed[..., 3] > SEEN).mean() > MIN_COVER else None


def lay(placed, paper=255):
    """Lays what `place` returned on paper: uint8 (size, size, 3), and its mask."""
    alpha = placed[..., 3:]
    image = np.rint(placed[..., :3] + paper * (1 - alpha)).clip(0, 255).astype(np.uint8)
    return image, alpha[..., 0] > SEEN


def gather(items, size, share):
    """Lays (picture or None, label, group) on white and leaves out what is there twice.

    Pictures of one group are all for training or all for validation.
    """
    images, labels, masks, groups, known = [], [], [], [], set()
    for picture, label, group in items:
        placed = None if picture is None else place(picture, size, share)
        if placed is None:
            continue
        image, mask = lay(placed)
        if image.tobytes() in known:
            continue
        known.add(image.tobytes())
        images.append(image)
        masks.append(mask)
        labels.append(label)
        groups.append(zlib.crc32(group.encode()) % 4 == 0)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(groups)


def _files(root, folders):
    """Yields the PNG files below the folders of each class."""
    for label, names in enumerate(folders):
        for name in names:
            for file in sorted((root / name).rglob("*.png")):
                if not file.is_symlink() and "cartoon" not in file.parts:
                    yield decode(file.read_bytes()), label, _stem(file.stem)


def _stem(name):
    """The name without numbers and what follows: one subject is often drawn several times."""
    return re.split(r"[\d.]", name)[0] or name


def icons(size=32):
    folders = ("actions",), ("mimetypes",), ("devices", "places")
    return gather(_files(debian("usr/share/icons/oxygen/base/48x48"), folders), size, None)


def sprites(size=32):
    kinds = {"monster": 0, "player": 0, "wall": 1, "weapon": 2, "armour": 2, "spell": 3}
    stored = debian("usr/share/games/crossfire-client/crossfire.base").read_bytes()
    items, at = [], 0
    while at < len(stored):  # "IMAGE <number> <path>\n", then a PNG file
        end = stored.index(b"\n", at)
        path = stored[at:end].decode().split()[-1]
        at = stored.index(PNG_END, end) + len(PNG_END)
        place = path.split("/")
        if len(place) > 3 and place[2] in kinds:
            items.append((decode(stored[end + 1 : at]), kinds[place[2]], _stem(place[-1])))
    return gather(items, size, None)


def emoji(size=32):
    kinds = ("People & Body", "Flags", "Objects", "Symbols", "Travel & Places")
    nature = ("Animals & Nature", "Food & Drink")
    folder = npm("emoji-datasource-google")
    items = []
    for entry in json.loads((folder / "emoji.json").read_text()):
        if not entry["has_img_google"] or entry["category"] not in (*kinds, *nature):
            continue
        is_nature = entry["category"] in nature
        label = len(kinds) if is_nature else kinds.index(entry["category"])
        file = folder / "img/google/64" / entry["image"]
        items.append((decode(file.read_bytes()), label, entry["short_name"]))
    return gather(items, size, None)


def stamps(size=48):
    folders = (
        ("animals",),
        ("food", "plants"),
        ("household", "clothes", "hobbies", "sports", "medical", "vehicles", "military"),
    )
    return gather(_files(debian("usr/share/tuxpaint/stamps"), folders), size, 0.86)


def clipart(size=40):
    folders = ("people",), ("food",), ("signs_and_symbols/flags",), ("recreation/games/cards",)
    return gather(_files(debian("usr/share/openclipart/png"), folders), size, 0.86)


def units(size=48):
    folders = (
        ("undead", "undead-skeletal", "undead-necromancers"),
        ("drakes",),
        ("dwarves",),
        ("elves-wood",),
        ("human-loyalists", "human-outlaws", "human-magi"),
    )
    folder = debian("usr/share/games/wesnoth/1.16/data/core/images/units")
    return gather(_files(folder, folders), size, 0.9)


def apps(size=32):
    folders = ("apps/48",), ("actions/48",), ("mimetypes/48",), ("status/48", "devices/48")
    return gather(_files(debian("usr/share/icons/Faenza"), folders), size, None)
