"""Things rendered from models in three dimensions: coloured, centred, on one colour.

| name | what | classes | from |
|---|---|---|---|
| parts | resistors, capacitors, LEDs, chips, transistors, terminals, 48×48 | 6 | kicad-packages3d |
| molecules | amino acids, aromatics, sugars and chains, 48×48 | 4 | libavogadro-data |

All have masks: what was rendered.
"""

import re
import xml.etree.ElementTree as ET

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
MOLECULES = (
    ("amino_acids",),
    ("aromatics", "heteroaromatics"),
    ("cyclic_sugars",),
    ("alkanes", "alkenes", "fatty_acids"),
)
FORM = "^((D|L|E|Z|alpha|beta|allo)-)+"
MOLECULE_VIEWS = 640  # images of a class, about
# RGB and radius of atoms, as is usual; of others than these, the last.
ATOMS = {"H": ((235, 235, 235), 0.28), "C": ((110, 110, 110), 0.42), "N": ((50, 80, 240), 0.42)}
ATOMS |= {"O": ((230, 30, 20), 0.4), "S": ((230, 200, 40), 0.5), "": ((60, 200, 60), 0.5)}
STICK = 0.13
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


def molecules(size=48):
    """A molecule, with its mirror image and its other forms, is for training or validation."""
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    for label, folders in enumerate(MOLECULES):
        folder = debian("usr/share/avogadro2/molecules")
        files = sorted(file for name in folders for file in (folder / name).glob("*.cml"))
        names = [re.sub(FORM, "", file.stem) for file in files]
        order = sorted({*names})
        for file, name in zip(files, names, strict=True):
            atoms, places, bonds = read_molecule(file)
            for _ in range(MOLECULE_VIEWS // len(files) + 1):
                rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
                picture = balls(atoms, places @ rotation, bonds, 3 * size)
                paper = np.full(3, rng.choice([rng.uniform(0, 60), rng.uniform(160, 255)]))
                paper = np.clip(paper + rng.uniform(-15, 15, 3), 0, 255)
                image, mask = lay(place(picture, size, rng.uniform(0.8, 0.95)), paper)
                images.append(image)
                masks.append(mask)
                labels.append(label)
                kept.append(order.index(name) % 4 == 1)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def read_molecule(file):
    """Returns the elements, their places, float (n, 3), and pairs of indices that are bound."""
    tree = ET.parse(file)
    found = tree.findall(".//{*}atom")
    index = {atom.get("id"): number for number, atom in enumerate(found)}
    places = [[float(atom.get(key)) for key in ("x3", "y3", "z3")] for atom in found]
    bonds = [bond.get("atomRefs2").split() for bond in tree.findall(".//{*}bond")]
    bonds = [(index[first], index[second]) for first, second in bonds]
    return [atom.get("elementType") for atom in found], np.array(places), bonds


def balls(atoms, places, bonds, side):
    """Draws balls and sticks from the farthest on; returns uint8 (side, side, 4), BGR, alpha."""
    looks = [ATOMS.get(atom, ATOMS[""]) for atom in atoms]
    low, high = places.min(0) - 0.5, places.max(0) + 0.5
    scale = 0.94 * side / (high - low)[:2].max()
    places = (places - (low + high) / 2) * scale
    things = [(place[2], number, None) for number, place in enumerate(places)]
    for first, second in bonds:  # each half has the colour of its atom
        for near, far in ((first, second), (second, first)):
            middle = (places[near] + places[far]) / 2
            things.append(((places[near] + middle)[2] / 2 - 1, near, middle))
    picture = np.zeros((side, side, 4), np.uint8)
    for _, number, end in sorted(things, key=lambda thing: thing[0]):
        colour, radius = looks[number]
        start, colour = _corner(places[number], side), np.array(colour[::-1], float)
        for share in (1, 0.7, 0.4):  # darker towards the edge
            paint = (*(colour * (1.1 - 0.6 * share**2)).clip(0, 255).tolist(), 255)
            if end is None:
                lit = (start - 16 * (1 - share) * 0.4 * radius * scale).astype(int).tolist()
                round_ = round(16 * share * radius * scale)
                cv2.circle(picture, lit, round_, paint, -1, cv2.LINE_8, 4)
            else:
                stop = _corner(end, side).astype(int).tolist()
                thick = max(1, round(2 * share * STICK * scale))
                cv2.line(picture, start.astype(int).tolist(), stop, paint, thick, cv2.LINE_8, 4)
    return picture


def _corner(place, side):
    """Where it is seen, in sixteenths of pixels."""
    return 16 * np.array([side / 2 + place[0], side / 2 - place[1]])
