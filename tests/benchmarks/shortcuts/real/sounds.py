"""Spectrograms of instruments: what is seen is all object, and texture *is* the class.

| name | what | classes | from |
|---|---|---|---|
| sounds | pianos, guitars, organs, horns, plucked strings, 32×32 | 5 | Debian's freepats |
"""

import struct
from itertools import pairwise

import numpy as np
from real.sources import debian

INSTRUMENTS = (
    ("000_Acoustic_Grand_Piano", "001_Acoustic_Brite_Piano"),
    ("024_Nylon_Guitar", "025_Steel_Guitar", "026_Jazz_Guitar"),
    ("016_Hammond_Organ", "019_Church_Organ"),
    ("056_Trumpet", "058_Tuba", "060_French_Horn"),
    ("045_Pizzicato_Strings", "046_Harp"),
)
LOWEST, HIGHEST = 60, 7500  # Hz: every recording has all of it
WINDOW, STEP = 0.064, 0.012  # seconds
HIGHER = 1.06  # by how much a tone is heard higher or lower, at most
RANGE = 60  # decibels below the loudest, which are black
EACH = 40  # pictures of a recording


def sounds(size=32):
    """What is for validation begins elsewhere in a recording, and sounds higher or lower."""
    folder = debian("usr/share/midi/freepats/Tone_000")
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for label, names in enumerate(INSTRUMENTS):
        tones = [tone for name in names for tone in _recordings(folder / f"{name}.pat")]
        length = (WINDOW + size * STEP) * HIGHER
        tones = [(wave, rate) for wave, rate in tones if len(wave) > (length + 0.02) * rate]
        for wave, rate in tones:
            for turn in range(EACH):
                first = rng.integers(min(len(wave) - round(length * rate), round(0.3 * rate)))
                as_if = rate * rng.uniform(1 / HIGHER, HIGHER)
                images.append(_spectrogram(wave[first:], as_if, size))
                labels.append(label)
                kept.append(turn % 4 == 0)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _recordings(file):
    """Yields waves and samples per second of a GUS patch: three headers, then the recordings."""
    stored = file.read_bytes()
    number, at = stored[129 + 63 + 6], 129 + 63 + 47
    for _ in range(number):
        length, rate = struct.unpack_from("<I8xH", stored, at + 8)
        mode = stored[at + 55]  # 1: two bytes each, 2: without a sign
        kind = ("i1", "<i2", "u1", "<u2")[mode & 3]
        wave = np.frombuffer(stored, kind, length // np.dtype(kind).itemsize, at + 96)
        yield wave.astype(np.float32) - wave.mean(), rate
        at += 96 + length


def _spectrogram(wave, rate, size):
    """Returns uint8 (size, size): the lowest tones are in the last row."""
    width = round(WINDOW * rate)
    starts = (np.arange(size) * STEP * rate).astype(int)
    frames = np.stack([wave[start : start + width] for start in starts]) * np.hanning(width)
    power = np.abs(np.fft.rfft(frames.astype(np.float32), 4096)) ** 2
    edges = np.geomspace(LOWEST, HIGHEST, size + 1) * 4096 / rate
    bands = [power[:, int(a) : int(b) + 1].max(1) for a, b in pairwise(edges)]
    level = 10 * np.log10(np.stack(bands[::-1]) + 1e-9)
    return np.interp(level - level.max(), (-RANGE, 0), (0, 255)).astype(np.uint8)
