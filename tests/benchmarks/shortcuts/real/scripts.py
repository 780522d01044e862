"""Letters of three more scripts, in typefaces of several makers.

| name | what | classes | from |
|---|---|---|---|
| cyrillic | ten letters on photographs, 28×28, grey | 10 | Debian's fonts, opencv-doc |
| telugu | ten letters in coloured ink on coloured paper, 32×32 | 10 | Debian's fonts |
| ethiopic | ten letters, bright on dark, 28×28, grey, no masks | 10 | Debian's fonts |

Every fourth typeface is for validation. The masks are the ink.
"""

import re

import cv2
import numpy as np
from real.crops import part
from real.grey import varied
from real.sources import debian

CYRILLIC, TELUGU, ETHIOPIC = "БДЖИЛУФЦЩЯ", "అఆఇఉఎకగచతమ", "ሀለመሰረበተነአደ"
OF_CYRILLIC = r"PT[FSNZM]|Roboto|Andika-|Charis|Doulos|GentiumPlus-|OldStandard"
OF_CYRILLIC += r"|Noto(Sans|Serif)(Display)?-(?!\w*Condensed)"
OF_TELUGU = r"NotoSansTelugu-|NotoSerifTelugu-"
OF_ETHIOPIC = r"Noto(Sans|Serif)Ethiopic-|Abyssinica"
SCENES = "aloeL", "fruits", "building", "baboon", "leuvenA", "butterfly"
SEEN = 64  # grey levels of ink


def letters_in(alphabet, pattern, folders=()):
    """Returns letters, labels and what is for validation."""
    from PIL import Image, ImageDraw, ImageFont

    files = []
    for file in sorted(debian("usr/share/fonts").rglob("*.[to]tf")):
        if re.match(pattern, file.name) or any(name in str(file.parent) for name in folders):
            files.append(file)
    letters, labels, kept, known = [], [], [], set()
    for number, file in enumerate(files):
        font, pictures = ImageFont.truetype(str(file), 72), []
        for letter in alphabet:
            canvas = Image.new("L", (112, 112))
            ImageDraw.Draw(canvas).text((56, 56), letter, 255, font, anchor="mm")
            pictures.append(cv2.resize(np.array(canvas), (56, 56), interpolation=cv2.INTER_AREA))
        keys = {picture.tobytes() for picture in pictures}
        if len(keys) == len(alphabet) and not keys & known:
            known |= keys
            letters += pictures
            labels += range(len(alphabet))
            kept += [number % 4 == 1] * len(alphabet)
    return letters, np.array(labels), np.array(kept)


def _drawn(found, size, times, paint):
    letters, labels, kept = found
    rng = np.random.default_rng(0)
    images, masks = [], []
    for letter in letters:
        for _ in range(times):
            ink = varied(letter, size, 1.1, rng)
            share = ink / max(ink.max(), 1)
            images.append(np.rint(paint(share, rng)).clip(0, 255).astype(np.uint8))
            masks.append(ink > SEEN)
    is_whole = np.array([mask.sum() >= 12 for mask in masks])
    labels, kept = np.repeat(labels, times), np.repeat(kept, times)
    return tuple(a[is_whole] for a in (np.stack(images), labels, np.stack(masks), kept))


def cyrillic(size=28):
    folder = debian("usr/share/doc/opencv-doc/examples/data")
    scenes = [cv2.imread(str(folder / f"{name}.jpg"), cv2.IMREAD_GRAYSCALE) for name in SCENES]

    def paint(share, rng):
        paper = part(scenes[rng.integers(len(scenes))], size, rng) * 0.4 + 150
        return paper * (1 - share) + rng.uniform(0, 70) * share

    return _drawn(letters_in(CYRILLIC, OF_CYRILLIC), size, 4, paint)


def telugu(size=32):
    def paint(share, rng):
        ink, paper = rng.uniform(0, 130, 3), rng.uniform(170, 256, 3)
        return paper + (ink - paper) * share[..., None]

    found = letters_in(TELUGU, OF_TELUGU, ("teluguvijayam", "telu-extra"))
    return _drawn(found, size, 5, paint)


def ethiopic(size=28):
    def paint(share, rng):
        paper = rng.uniform(10, 90)
        return paper + (rng.uniform(190, 255) - paper) * share

    found = letters_in(ETHIOPIC, OF_ETHIOPIC, ("washra",))
    images, labels, _, kept = _drawn(found, size, 5, paint)
    return images, labels, None, kept
