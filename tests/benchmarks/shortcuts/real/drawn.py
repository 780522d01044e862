"""Drawn figures, signs of roads, things of a game, and charts.

| name | what | classes | from |
|---|---|---|---|
| roads | four groups of road signs, on painted pictures, 40×40 | 4 | npm, fillets-ng-data |
| robots | robots, monsters, heads and cats in front of scenes, 48×48 | 4 | PyPI's robohash |
| gear | droids, firearms and what one strikes with, on black, 48×48 | 3 | freedroidrpg-data |
| haircuts | heads with long and short hair, headscarves, hats, 40×40, no masks | 4 | robohash |
| charts | bars, lines, points, pies and boxes, 64×64, no masks | 5 | scikit-learn's data |

The signs are from mapillary_sprite_source; haircuts are in front of ukui-wallpapers.
"""

import functools
import importlib
import re
import sys
import zlib

import cv2
import numpy as np
from real.boards import draw, read_png
from real.crops import part
from real.sources import debian, npm, pypi

MEANINGS = "regulatory", "warning", "information", "complementary"
SIGNS, SIGN_TURNS = 170, 4  # of a meaning, and of a sign
COUNTRY = re.compile(r"--g\d+$")
LOADED = 160  # pixels of a part of a robot
ROBOTS, HEADS = 800, 800  # of a class
SCENES = "bg1", "bg2"
GUNS = ("22_automatic", "22_rifle", "50_barrett_m82", "7_62mm_ak47", "7_62mm_hunting_rifle")
GUNS += ("9mm_pistol", "9mm_smg", "electro_laser_rifle", "exterminator_simple", "laser_pistol")
GUNS += ("laser_pulse_cannon", "laser_pulse_rifle", "laser_rifle", "plasma_gun", "plasma_pistol")
GUNS += ("shotgun_2_barrel", "shotgun_pump", "shotgun_sawn_off", "../nailgun")
MELEE = ("baseball_bat", "big_kitchen_knife", "big_wrench", "chainsaw", "crowbar", "cutlass")
MELEE += ("hunting_knife", "iron_bar", "iron_pipe", "large_axe", "laser_staff", "mace")
MELEE += ("laser_sword_green", "laser_sword_yellow", "light_saber", "meat_cleaver")
MELEE += ("power_hammer", "shock_knife", "sledgehammer", "small_axe", "sword")
DARK, GEAR_FRAMES = 14, 16
FACE = ("Body", "Cloth", "Mouth", "FacialHair", "Eye", "Eyebrow", "Top", "Accessories")
TOPS = "LongHair", "ShortHair", "Hijab|Turban", "Hat|WinterHat"
HEAD = np.array([0.5, 0.44])  # where it is
WALLPAPERS = "calla.png", "goldfish.png", "rhythm.jpg", "string.jpg", "2004default.jpg", "city.png"
CHARTS, CHARTS_EACH = ("bar", "line", "points", "pie", "box"), 260


def roads(size=40):
    """Signs of one name are for training or for validation, in whatever country."""
    folder = str(pypi("resvg_py").parent)
    sys.path.append(folder)
    render = importlib.import_module("resvg_py").svg_to_bytes
    sys.path.remove(folder)
    rng = np.random.default_rng(1)
    files = sorted(npm("mapillary_sprite_source/package_signs").glob("*.svg"))
    found = []
    for label, meaning in enumerate(MEANINGS):
        mine = [file for file in files if file.stem.startswith(f"{meaning}--")]
        for number in rng.permutation(len(mine))[:SIGNS]:
            stored = bytes(render(svg_path=str(mine[number]), width=128))
            picture = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_UNCHANGED)
            is_kept = zlib.crc32(COUNTRY.sub("", mine[number].stem).encode()) % 4 == 0
            found += [(picture, label, is_kept)] * SIGN_TURNS
    papers = [
        np.ascontiguousarray(read_png(file)[..., 2::-1])
        for file in sorted(debian("usr/share/games/fillets-ng/images").glob("*/*-p.png"))
    ]
    papers = [paper for paper in papers if min(paper.shape[:2]) >= 200]
    return draw(found, size, papers, share=(0.55, 0.75), turned=8, moved=0.12)


def robots(size=48):
    """Standing in the middle; of the figures that are drawn first, a quarter is for validation."""
    rng = np.random.default_rng(1)
    folder = pypi("robohash")
    scenes = sorted(file for name in SCENES for file in (folder / f"backgrounds/{name}").iterdir())
    papers = [np.ascontiguousarray(_layer(file)[..., 2::-1]) for file in scenes]
    found = []
    for label in range(4):
        root = folder / f"sets/set{label + 1}"
        colours = sorted(root.iterdir()) if label == 0 else [root]
        for _ in range(ROBOTS):
            colour = rng.integers(len(colours))
            folders = [f for f in colours[colour].iterdir() if f.is_dir()]
            folders.sort(key=lambda f: f.name.split("#")[1])
            layers, first = [], None
            for each in folders:
                files = sorted(each.glob("*.png"))
                number = rng.integers(len(files))
                first = number if first is None else first
                layers.append(_layer(files[number]))
            is_kept = (colour if label == 0 else first) % 4 == 1
            found.append((_over(layers), label, is_kept))
    return draw(found, size, papers, share=(0.85, 0.9), turned=0, moved=0.02)


@functools.cache
def _layer(file):
    return cv2.resize(read_png(file), (LOADED, LOADED), interpolation=cv2.INTER_AREA)


def _over(layers):
    """Lays pictures, BGR and alpha, upon each other."""
    colour = np.zeros((LOADED, LOADED, 3), np.float32)
    alpha = np.zeros((LOADED, LOADED, 1), np.float32)
    for layer in layers:
        share = layer[..., 3:] / np.float32(255)
        colour = layer[..., :3] * share + colour * (1 - share)
        alpha = share + alpha * (1 - share)
    return np.rint(np.dstack([colour / np.maximum(alpha, 1e-3), 255 * alpha])).clip(0, 255)


def gear(size=48):
    """Renders from all sides; a thing is for training or for validation."""
    folder = debian("usr/share/freedroidrpg/data/graphics")
    droids = [f for f in sorted((folder / "droids").iterdir()) if f.name.isdigit()]
    weapons = ([folder / "items/weapons" / name for name in names] for names in (GUNS, MELEE))
    rng = np.random.default_rng(1)
    found = []
    for label, things in enumerate((droids, *weapons)):
        for number, thing in enumerate(things):
            files = sorted(thing.glob("portrait_*.jpg"))
            for k in rng.permutation(len(files))[:GEAR_FRAMES]:
                picture = cv2.imread(str(files[k]))
                alpha = np.uint8(255) * (picture.max(-1) > DARK)
                alpha = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((7, 7)))
                alpha = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((3, 3)))
                found.append((np.dstack([picture, alpha]), label, number % 4 == 1))
    papers = [np.zeros((2 * size, 2 * size, 3), np.uint8)]
    return draw(found, size, papers, share=(0.7, 0.92), turned=20, moved=0.06)


def haircuts(size=40):
    """All else of the heads is drawn at random; every fourth cut and colour is for validation."""
    root = pypi("robohash") / "sets/set5"
    folders = {file.name.split("#")[1]: sorted(file.glob("*.png")) for file in root.iterdir()}
    walls = [cv2.imread(str(debian(f"usr/share/backgrounds/{w}")))[..., ::-1] for w in WALLPAPERS]
    walls = [cv2.resize(np.ascontiguousarray(wall), (480, 300)) for wall in walls]
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for label, names in enumerate(TOPS):
        tops = [f for f in folders["Top"] if re.match(f"(\\d+#)?({names})", f.name)]
        for _ in range(HEADS):
            number = rng.integers(len(tops))
            layers = []
            for name in FACE:
                files = [tops[number]] if name == "Top" else folders[name]
                layers.append(_layer(files[rng.integers(len(files))]))
            figure = np.float32(_over(layers))
            scale = rng.uniform(1.12, 1.2) * size / LOADED
            turn = cv2.getRotationMatrix2D((HEAD * LOADED).tolist(), 0, scale)
            turn[:, 2] += np.array([0.5, 0.46]) * size - HEAD * LOADED + rng.uniform(-1, 1, 2)
            blurred = cv2.GaussianBlur(figure, (0, 0), 0.35 / scale)
            figure = cv2.warpAffine(blurred, turn, (size, size))
            share = figure[..., 3:] / 255
            wall = part(walls[rng.integers(len(walls))], size, rng)
            image = figure[..., 2::-1] * share + wall * (1 - share)
            images.append(np.rint(image).clip(0, 255).astype(np.uint8))
            labels.append(label)
            kept.append(number % 4 == 1)
    return np.stack(images), np.array(labels), None, np.array(kept)


def charts(size=64):
    """Every fourth column of the data is for validation."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from sklearn import datasets

    loaders = datasets.load_wine, datasets.load_breast_cancer, datasets.load_diabetes
    columns = [column for loader in loaders for column in loader().data.T]
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for label, kind in enumerate(CHARTS):
        for number in range(CHARTS_EACH):
            is_kept = number % 4 == 1
            mine = [c for k, c in enumerate(columns) if (k % 4 == 1) == is_kept]
            figure = Figure(figsize=(1.28, 1.28), dpi=100, facecolor=rng.uniform(0.85, 1, 3))
            canvas = FigureCanvasAgg(figure)
            axes = figure.add_axes((0.12, 0.12, 0.8, 0.8))
            _plot(axes, kind, mine, rng)
            canvas.draw()
            picture = np.asarray(canvas.buffer_rgba())[..., :3]
            images.append(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA))
            labels.append(label)
            kept.append(is_kept)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _plot(axes, kind, columns, rng):
    """Draws a part of some columns, in random colours."""
    chosen = [columns[k] for k in rng.permutation(len(columns))]
    first, colours = rng.integers(60), rng.uniform(0, 0.85, (8, 3))
    values = chosen[0][first : first + rng.integers(15, 50)]
    axes.set_facecolor(rng.uniform(0.88, 1, 3))
    if kind == "bar":
        heights = values[: rng.integers(4, 10)]
        bars = axes.bar if rng.random() < 0.6 else axes.barh
        several = rng.random() < 0.5
        bars(range(len(heights)), heights - heights.min() + 0.2 * np.ptp(heights) + 1e-6,
             color=colours[np.arange(len(heights)) % 8] if several else colours[0])  # fmt: skip
    elif kind == "line":
        for k in range(rng.integers(1, 4)):
            curve = np.convolve(chosen[k][first : first + 30], np.ones(3) / 3, "valid")
            axes.plot(curve / chosen[k].std(), color=colours[k], lw=rng.uniform(1, 2.5))
    elif kind == "points":
        for k in range(rng.integers(1, 3)):
            x, y = (chosen[n][first : first + len(values)] for n in (2 * k, 2 * k + 1))
            axes.scatter(x / x.std(), y / y.std(), rng.uniform(6, 24), colours[k : k + 1])
    elif kind == "pie":
        parts = np.abs(values[: rng.integers(3, 8)]) + 0.3 * np.abs(values).mean()
        axes.pie(parts, colors=colours, startangle=rng.uniform(0, 360), radius=1.15)
        axes.set(frame_on=True)
    else:
        shown = [c[first : first + 40] / c.std() for c in chosen[: rng.integers(3, 7)]]
        drawn = axes.boxplot([c - c.mean() for c in shown], widths=0.6, patch_artist=True)
        for k, box in enumerate(drawn["boxes"]):
            box.set_facecolor(colours[k])
    axes.tick_params(labelbottom=False, labelleft=False)
    if rng.random() < 0.5:
        axes.grid(True, lw=0.5)
    axes.set_axisbelow(True)
