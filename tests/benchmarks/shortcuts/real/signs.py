"""Signs that are written or drawn with fonts: one sign is one source. The masks are their ink.

| name | what | classes | from |
|---|---|---|---|
| radicals | which part a Chinese character is sorted by, on rough paper, 32×32, grey | 10 | fonts |
| signs | hands, movements and faces of SignWriting, on plain paper, 32×32, grey | 5 | npm |
| pictograms | ten things in the icons of seven makers, coloured, 40×40 | 10 | npm's icon fonts |
"""

import re

import cv2
import numpy as np
from real.boards import draw
from real.crops import part
from real.grey import varied
from real.sources import debian, npm

RADICALS = (  # person, mouth, woman, hand, tree, water, silk, grass, speech, metal
    *((0x4EBA, 0x513E), (0x53E3, 0x56D6), (0x5973, 0x5B4F), (0x624B, 0x652E), (0x6728, 0x6B1F)),
    *((0x6C34, 0x7067), (0x7CF8, 0x7E9F), (0x8278, 0x864C), (0x8A00, 0x8B9E), (0x91D1, 0x9484)),
)
COMMON = range(0xA440, 0xC67F)  # what Big5 lists first
CHARACTERS, FACES_OF_EACH = 110, 3  # of a radical, and of a character
TYPEFACES = "cwtex/cwming", "cwtex/cwkai", "cwtex/cwfs", "cwtex/cwheib", "cwtex/cwyen"
TYPEFACES += "arphic/ukai", "arphic/uming"
PAPERS = "relief", "dirty", "rocb", "terra"
# Hands, straight movements, curved ones, circles, heads and faces: the first and the last symbol.
KINDS = (0x100, 0x204), (0x22A, 0x287), (0x288, 0x2E2), (0x2E3, 0x2F6), (0x2FF, 0x36C)
OF_SYMBOL, SYMBOLS = 96, 0xF0001  # six fillings and sixteen directions of each
SIGNS = 440  # of a kind
THINGS = "arrow", "battery", "bell", "book", "calendar", "cloud", "file", "heart", "home", "shield"
ICONS = 120  # of a thing
SEEN = 64  # grey levels of ink
LARGE = 128  # pixels of an icon
MAKERS = {  # the list of names, and the font
    "mdi-font": ("css/materialdesignicons.css", "fonts/materialdesignicons-webfont.ttf"),
    "tabler-icons-webfont": ("dist/tabler-icons.css", "dist/fonts/tabler-icons.ttf"),
    "remixicon": ("fonts/remixicon.css", "fonts/remixicon.ttf"),
    "bootstrap-icons": ("font/bootstrap-icons.css", "font/fonts/bootstrap-icons.woff"),
    "phosphor-icons-web": ("src/regular/style.css", "src/regular/Phosphor.ttf"),
    "boxicons": ("css/boxicons.css", "fonts/boxicons.ttf"),
    "icon-icofont-1.0.1": ("icofont.css", "icofont.ttf"),
}
NAME = re.compile(r"\.(?:[a-z]+-)([a-z0-9-]+)::?before\s*\{\s*content:\s*\"\\([0-9a-fA-F]+)\"")
VARIANTS = re.compile(r"-(outline|line|fill|filled|solid|variant|alt|\d+)(?=-|$)")


def _glyph(sign, font, side):
    """Returns a sign in white on black, its ink in the middle; None if the font has none."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = font.getbbox(sign)
    if right <= left or bottom <= top:
        return None
    canvas = Image.new("L", (side, side))
    at = (side - left - right) / 2, (side - top - bottom) / 2
    ImageDraw.Draw(canvas).text(at, sign, 255, font)
    return np.array(canvas)


def radicals(size=32):
    """Every fourth character is for validation, in whatever typeface."""
    from PIL import ImageFont

    folder = debian("usr/share/fonts/truetype")
    files = [next(folder.glob(f"{name}.tt?")) for name in TYPEFACES]
    fonts = [ImageFont.truetype(str(file), 84) for file in files]
    papers = _papers()
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    for label, (first, last) in enumerate(RADICALS):
        found = [chr(code) for code in range(first + 1, last + 1) if _is_common(chr(code))]
        chosen = sorted(rng.permutation(found)[:CHARACTERS])
        for number, character in enumerate(chosen):
            for face in rng.permutation(len(fonts))[:FACES_OF_EACH]:
                glyph = _glyph(character, fonts[face], 96)
                if glyph is None or (glyph > SEEN).mean() < 0.04:
                    continue
                ink = varied(glyph, size, rng.uniform(0.95, 1.1), rng)
                share = ink / max(ink.max(), 1) * rng.uniform(0.8, 1)
                rough = part(papers[rng.integers(len(papers))], size, rng).astype(np.float32)
                paper = rng.uniform(160, 215) + 0.5 * (rough - rough.mean())
                images.append((paper * (1 - share)).clip(0, 255).astype(np.uint8))
                labels.append(label)
                masks.append(ink > SEEN)
                kept.append(number % 4 == 1)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def _is_common(character):
    encoded = character.encode("big5", "ignore")
    return len(encoded) == 2 and int.from_bytes(encoded, "big") in COMMON


def _papers():
    folder = debian("usr/share/games/colobot/textures")
    files = [file for name in PAPERS for file in sorted(folder.glob(f"{name}*.png"))]
    papers = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    return [paper for paper in papers if min(paper.shape) >= 128 and 8 < paper.std() < 60]


def signs(size=32):
    """Of every fourth symbol all directions are for validation."""
    from PIL import ImageFont

    file = npm("sutton-signwriting-font-ttf/font/SuttonSignWritingLine.ttf")
    font = ImageFont.truetype(str(file), 60)
    rng = np.random.default_rng(0)
    images, labels, masks, kept = [], [], [], []
    for label, (first, last) in enumerate(KINDS):
        numbers = rng.permutation(np.arange((first - 0x100) * OF_SYMBOL, (last - 0xFF) * OF_SYMBOL))
        known = set()
        for number in numbers:
            glyph = _glyph(chr(SYMBOLS + int(number)), font, 128)
            if glyph is None or glyph.tobytes() in known:
                continue
            known.add(glyph.tobytes())
            rows, columns = (np.flatnonzero((glyph > SEEN).any(axis)) for axis in (1, 0))
            glyph = glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            ink = varied(glyph, size, rng.uniform(0.72, 0.86), rng)
            share = ink / max(ink.max(), 1) * rng.uniform(0.8, 1)
            dark, bright = rng.uniform(10, 90), rng.uniform(170, 250)
            images.append(np.rint(bright + (dark - bright) * share).astype(np.uint8))
            labels.append(label)
            masks.append(ink > SEEN)
            kept.append(number // OF_SYMBOL % 4 == 1)
            if len(known) == SIGNS:
                break
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def pictograms(size=40):
    """Icons of one name are for training or for validation, whoever drew them."""
    from PIL import ImageFont

    rng = np.random.default_rng(0)
    found = [[] for _ in THINGS]
    for maker, (names, font) in MAKERS.items():
        font = ImageFont.truetype(str(npm(f"{maker}/{font}")), LARGE)
        known = set()
        for name, code in NAME.findall(npm(f"{maker}/{names}").read_text()):
            thing = name.split("-")[0]
            if thing not in THINGS or code in known:
                continue
            known.add(code)
            glyph = _glyph(chr(int(code, 16)), font, LARGE + 32)
            if glyph is not None and (glyph > SEEN).any():
                found[THINGS.index(thing)].append((glyph, VARIANTS.sub("", name)))
    papers = [np.full((size, size, 3), rng.integers(205, 256, 3), np.uint8) for _ in range(400)]
    return draw(_inked(found, rng), size, papers, share=(0.7, 0.9), turned=6)


def _inked(found, rng):
    """Yields the icons of each thing three times, in dark colours: what `draw` takes."""
    for label, icons in enumerate(found):
        names = sorted({name for _, name in icons})
        for number in rng.permutation(len(icons))[:ICONS]:
            glyph, name = icons[number]
            is_kept = names.index(name) % 4 == 1
            for _ in range(3):
                colour = np.empty((*glyph.shape, 3), np.uint8)
                colour[:] = rng.integers(0, 150, 3)
                yield np.dstack([colour, glyph]), label, is_kept
