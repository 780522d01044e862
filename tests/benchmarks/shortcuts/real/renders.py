"""Electronic parts, rendered from models in three dimensions: coloured, centred, on white.

| name | what | classes | from |
|---|---|---|---|
| parts | resistors, capacitors, LEDs, chips, transistors, terminals, 48×48 | 6 | kicad-packages3d |

All have masks: what was rendered.
"""

import re

import cv2
import numpy as np
from real.cutouts import lay, place
from real.sources import debian

PARTS = (
    ("Resistor_THT", "R_Axial*"),
    ("Capacitor_THT", "CP_Radial*"),
    ("LED_THT", "LED_D*"),
    ("Package_DIP", "DIP-*"),
    ("Package_TO_SOT_THT", "TO-[29]*"),
    ("TerminalBlock_Phoenix", "*"),
)
EACH, VIEWS = 72, 10  # models of a class, at most, and views of a model
MAX_BYTES = 400_000  # of a model's file: larger ones have many thousands of triangles
NUMBER = r"[-+0-9.e]+"
LIGHT = np.array([-0.4, 0.5, 0.77])  # towards the light: from the left, from above, from the front


def parts(size=48):
    """Models of one kind and like size are all for training, or all for validation."""
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    for label, (folder, names) in enumerate(PARTS):
        files = sorted(debian(f"usr/share/kicad/3dmodels/{folder}.3dshapes").glob(f"{names}.wrl"))
        files = [file for file in files if file.stat().st_size <= MAX_BYTES]
        block = -(-len(files) // 16)  # like models follow each other
        chosen = np.linspace(0, len(files) - 1, min(EACH, len(files))).round().astype(int)
        for number in chosen:
            triangles, colours = read_model(files[number])
            for _ in range(VIEWS):
                picture = render(triangles, repainted(colours, rng), view(rng), 3 * size)
                image, mask = lay(place(picture, size, rng.uniform(0.8, 0.95)))
                images.append(image)
                masks.append(mask)
                labels.append(label)
                kept.append(number // block % 4 == 1)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def read_model(file):
    """Reads VRML as KiCad writes it: materials with names first, then faces that use them.

    Returns:
        float32 (n, 3, 3), corners (x, y, z) of triangles, z upwards, and float32 (n, 3), their
        colours, RGB, 0 … 1.
    """
    text = file.read_text()
    material = rf"DEF (\S+) Material.*?diffuseColor ((?:{NUMBER}\s+){{3}})"
    painted = re.findall(material, text, re.DOTALL)
    palette = {name: np.array(numbers.split(), np.float32) for name, numbers in painted}
    triangles, colours = [], []
    faces = r"coordIndex \[([^\]]*)\][^\[]*point \[([^\]]*)\][^\[]*?USE (\S+)"
    for indices, points, material in re.findall(faces, text):
        corners = np.array(re.findall(NUMBER, points), np.float32).reshape(-1, 3)
        indices = np.array(re.findall(r"-?\d+", indices), int).reshape(-1, 4)  # each ends in -1
        triangles.append(corners[indices[:, :3]])
        colours.append(np.tile(palette[material], (len(indices), 1)))
    return np.concatenate(triangles), np.concatenate(colours)


def repainted(colours, rng):
    """Mixes the channels, so that the colour of a part does not tell what it is."""
    mixed = colours[:, rng.permutation(3)] * rng.uniform(0.6, 1.1, 3)
    return (mixed + rng.uniform(0.05, 0.35, 3)).clip(0, 1)


def view(rng):
    """Draws a rotation, (3, 3): any turn around the vertical, seen from above at some angle."""
    turn, tilt = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(25, 50))
    around = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    # To x rightwards, y upwards and z towards the eye.
    down = [[1, 0, 0], [0, np.sin(tilt), np.cos(tilt)], [0, -np.cos(tilt), np.sin(tilt)]]
    return np.array(down) @ around


def render(triangles, colours, rotation, side):
    """Draws triangles from the farthest on; returns uint8 (side, side, 4), BGR and alpha."""
    seen = triangles @ rotation.T
    normals = np.cross(seen[:, 1] - seen[:, 0], seen[:, 2] - seen[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    shade = 0.45 + 0.55 * np.abs(normals @ LIGHT)  # some faces are wound the wrong way
    paint = np.rint(255 * (colours * shade[:, None]).clip(0, 1))[:, ::-1]
    low, high = seen[..., :2].min((0, 1)), seen[..., :2].max((0, 1))
    corners = (seen[..., :2] - (low + high) / 2) * (0.94 * side / (high - low).max())
    corners = np.stack([side / 2 + corners[..., 0], side / 2 - corners[..., 1]], axis=-1)
    corners = np.rint(16 * corners).astype(np.int32)  # sixteenths of pixels
    picture = np.zeros((side, side, 4), np.uint8)
    for number in np.argsort(seen[..., 2].mean(1)):
        colour = (*paint[number].tolist(), 255)
        cv2.fillConvexPoly(picture, corners[number], colour, cv2.LINE_8, 4)
    return picture
