"""Grey signs on photographs, on staves and on paper, with masks: the ink of the sign alone.

| name | what | classes | from |
|---|---|---|---|
| thai | ten Thai letters in some 60 typefaces, 28×28 | 10 | fonts-tlwg, lomiri-wallpapers-20.04 |
| music | clefs and signs on five lines, in eight cuts, 40×40 | 6 | lilypond-fonts |
| kana | ten Japanese characters in 54 typefaces, on blank paper, 32×32 | 10 | Debian's fonts |
| hangul | ten Korean syllables in white on walls and floors, 32×32 | 10 | fonts, miniworld |
| arabic | ten Arabic letters on shaded paper, 32×32 | 10 | Debian's fonts |
| georgian | ten Georgian letters, bright on dark, 28×28, no masks | 10 | fonts-bpg-georgian |
"""

import cv2
import numpy as np
from real.crops import part
from real.grey import rendered, typefaces, varied
from real.sources import debian, pypi

THAI = "กขงจชทมยรอ"
SIGNS = "\ue085\ue083\ue07f\ue013\ue008\ue062"  # clefs G, F and C, sharp, rest, segno
KANA = "あかさなふみやれをん"
KANA_KEPT = "bizud", "kiloji", "oradano", "sawarabi", "motoya"  # others were derived from others
ARABIC, GEORGIAN = "بجدسصطعكمه", "აბგდეზკლმს"
HANGUL = "가너도루므비새위차학"
WALLS = ("brick_wall_1", "cinder_blocks_1", "concrete_tiles_1", "marble_1", "marble_2", "rock_1")
WALLS += ("wood_1", "wood_planks_1", "door_garage_white", "cardboard_1", "stucco_1", "grass_1")
CUTS = (11, 13, 14, 16, 18, 20, 23, 26)  # points for which the typeface is cut
FINE = 4  # a stave is drawn as much larger
SPACE = 5.2  # pixels between two lines
SEEN = 64  # grey levels of ink
LEAST = 16  # pixels of ink of an Arabic letter


def thai(size=28):
    """White letters on photographs, which are darkened."""
    letters, labels, _, kept = rendered(THAI, typefaces("thai"))
    folder = debian("usr/share/backgrounds")
    names = "Fossa_by_Jasper_Roks", "Infinite-Sea_by_Aury88", "Kleiber_by_Lukas_Baubkus"
    photographs = [
        cv2.imread(str(folder / f"{name}.jpg"), cv2.IMREAD_REDUCED_GRAYSCALE_8) for name in names
    ]
    rng = np.random.default_rng(0)
    images, masks = [], []
    for letter in np.repeat(letters, 8, axis=0):
        ink = varied(letter, size, 1.1, rng)
        paper = part(photographs[rng.integers(len(photographs))], size, rng)
        share = ink / 255
        images.append(np.rint(255 * share + 0.5 * paper * (1 - share)).astype(np.uint8))
        masks.append(ink > SEEN)
    return np.stack(images), np.repeat(labels, 8), np.stack(masks), np.repeat(kept, 8)


def music(size=40):
    """A cut is for training or for validation."""
    from PIL import Image, ImageDraw, ImageFont

    folder = next(debian("usr/share/lilypond").glob("*/fonts/otf"))
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    side, space = FINE * size, FINE * SPACE
    for number, cut in enumerate(CUTS):
        for label, sign in enumerate(SIGNS):
            for _ in range(80):
                scale = rng.uniform(0.9, 1.1)
                points = round(4 * space * scale)  # an em is four spaces
                font = ImageFont.truetype(str(folder / f"emmentaler-{cut}.otf"), points)
                lines, ink = (Image.new("L", (side, side)) for _ in range(2))
                middle = side / 2 + rng.uniform(-6, 6, 2)
                left, top, right, bottom = font.getbbox(sign, anchor="ls")
                row = middle[0] + rng.integers(-2, 3) * space * scale / 2 - (top + bottom) / 2
                column = middle[1] + rng.uniform(-16, 16) - (left + right) / 2
                ImageDraw.Draw(ink).text((column, row), sign, 255, font, anchor="ls")
                for line in range(-2, 3):
                    row = middle[0] + line * space * scale
                    ImageDraw.Draw(lines).line((0, row, side, row), 255, FINE // 2 + 1)
                turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(-4, 4), 1)
                lines, ink = (
                    cv2.resize(
                        cv2.warpAffine(np.array(layer), turn, (side, side)),
                        (size, size),
                        interpolation=cv2.INTER_AREA,
                    )
                    for layer in (lines, ink)
                )
                paper = rng.uniform(200, 255)
                shade = np.maximum(lines, ink) / 255 * rng.uniform(0.8, 1)
                images.append(np.rint(paper * (1 - shade)).astype(np.uint8))
                masks.append(ink > SEEN)
                labels.append(label)
                kept.append(number % 4 == 1)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def kana(size=32):
    """Dark ink anywhere on bright paper; a family of typefaces is for training or validation."""
    files = typefaces("kana")
    is_kept = [any(name in file.parent.name for name in KANA_KEPT) for file in files]
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    for part_kept in (False, True):
        chosen = [file for file, of in zip(files, is_kept, strict=True) if of == part_kept]
        letters, their_labels, _, _ = rendered(KANA, chosen)
        for letter, label in zip(letters, their_labels, strict=True):
            for _ in range(6):
                ink = varied(letter, size, rng.uniform(0.85, 1.1), rng)
                ink = np.roll(ink, rng.integers(-2, 3, 2), (0, 1))
                share = (ink / max(ink.max(), 1)) * rng.uniform(0.75, 1)
                images.append(np.rint(rng.uniform(190, 255) * (1 - share)).astype(np.uint8))
                masks.append(ink > SEEN)
                labels.append(label)
                kept.append(part_kept)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def hangul(size=32):
    """In the dusk; a family of typefaces is for training or for validation."""
    letters, labels, _, kept = rendered(HANGUL, typefaces("hangul"))
    files = [pypi("miniworld") / f"textures/{name}.png" for name in WALLS]
    walls = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    rng = np.random.default_rng(0)
    images, masks = [], []
    for letter in np.repeat(letters, 10, axis=0):
        ink = varied(letter, size, rng.uniform(0.85, 1.1), rng)
        share = (ink / max(ink.max(), 1)) * rng.uniform(0.8, 1)
        paper = part(walls[rng.integers(len(walls))], size, rng) * rng.uniform(0.25, 0.5)
        paint = rng.uniform(190, 255)
        images.append(np.rint(paint * share + paper * (1 - share)).astype(np.uint8))
        masks.append(ink > SEEN)
    return np.stack(images), np.repeat(labels, 10), np.stack(masks), np.repeat(kept, 10)


def arabic(size=32):
    """On paper that gets darker to one side; a family of typefaces is for one part."""
    letters, labels, _, kept = rendered(
        ARABIC, [f for f in typefaces("arabic") if "Decor" not in f.stem]
    )
    rng = np.random.default_rng(0)
    images, masks, is_whole = [], [], []
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    for letter in np.repeat(letters, 10, axis=0):
        ink = varied(letter, size, rng.uniform(0.9, 1.05), rng)
        share = (ink / max(ink.max(), 1)) * rng.uniform(0.75, 1)
        slope = rng.uniform(-40, 40, 2)
        paper = rng.uniform(150, 220) + slope[0] * rows + slope[1] * columns
        images.append(np.rint(paper * (1 - share)).astype(np.uint8))
        masks.append(ink > SEEN)
        is_whole.append(masks[-1].sum() >= LEAST)  # some typefaces draw below the picture
    found = np.stack(images), np.repeat(labels, 10), np.stack(masks), np.repeat(kept, 10)
    return tuple(array[is_whole] for array in found)


def georgian(size=28):
    """A family of typefaces is for training or for validation."""
    letters, labels, _, kept = rendered(GEORGIAN, typefaces("georgian"))
    rng = np.random.default_rng(0)
    images = []
    for letter in np.repeat(letters, 16, axis=0):
        ink = varied(letter, size, rng.uniform(0.9, 1.1), rng)
        share = (ink / max(ink.max(), 1)) * rng.uniform(0.75, 1)
        paper = rng.uniform(10, 80)
        images.append(np.rint(paper + (255 - paper) * share).astype(np.uint8))
    return np.stack(images), np.repeat(labels, 16), None, np.repeat(kept, 16)
