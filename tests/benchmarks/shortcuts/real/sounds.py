"""Spectrograms: what is seen is all object, and texture *is* the class.

| name | what | classes | from |
|---|---|---|---|
| sounds | pianos, guitars, organs, horns, plucked strings, 32×32 | 5 | Debian's freepats |
| drums | bass drums, snares, hi-hats, toms, cymbals, 32×32 | 5 | hydrogen-drumkits |
"""

import re
import struct
import wave as wave_files
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
DRUMS = (  # what is found in a recording's name
    ("kick", "^bd_"),
    ("snare", "^sn"),
    ("hat", "^hh"),
    ("tom", "^tm"),
    ("crash", "ride", "china", "splash", "^rd"),
)
DRUMKITS = "BJA_Pacific", "ForzeeStereo", "The Black Pearl 1.0"
DRUM_TURNS = 220  # pictures of a class from each kit, about


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


def drums(size=32):
    """A recording is for training or for validation."""
    rng = np.random.default_rng(0)
    images, labels, kept = [], [], []
    for label, words in enumerate(DRUMS * len(DRUMKITS)):
        kit = DRUMKITS[label // len(DRUMS)]
        files = sorted(debian(f"usr/share/hydrogen/data/drumkits/{kit}").iterdir())
        files = [f for f in files if f.suffix in (".wav", ".aiff")]
        files = [f for f in files if any(re.search(word, f.stem.lower()) for word in words)]
        for number, file in enumerate(files):
            wave, rate = (_read_wav if file.suffix == ".wav" else _read_aiff)(file)
            begins = np.flatnonzero(np.abs(wave) > 0.1 * np.abs(wave).max())[0]
            wave = np.concatenate([np.zeros(rate), wave[begins:], np.zeros(rate)])
            for _ in range(DRUM_TURNS // len(files) + 1):
                early = round(rng.uniform(0.02, 0.1) * rate)
                as_if = rate * rng.uniform(1 / HIGHER, HIGHER)
                images.append(_spectrogram(wave[rate - early :], as_if, size))
                labels.append(label % len(DRUMS))
                kept.append(number % 4 == 1)
    return np.stack(images), np.array(labels), None, np.array(kept)


def _read_wav(file):
    """Returns the sum of all channels, and samples per second, of 16 or 24 bits each."""
    with wave_files.open(str(file)) as opened:
        width, channels, rate = opened.getsampwidth(), opened.getnchannels(), opened.getframerate()
        stored = opened.readframes(opened.getnframes())
    return _samples(stored, width, channels, "<"), rate


def _read_aiff(file):
    """The same of an AIFF file, whose chunks are names, sizes and what they hold."""
    stored, at, chunks = file.read_bytes(), 12, {}
    while at < len(stored):
        name, size = struct.unpack_from(">4sI", stored, at)
        chunks[name] = stored[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    channels, _, bits, exponent, mantissa = struct.unpack_from(">hIhHQ", chunks[b"COMM"])
    rate = round(mantissa * 2.0 ** (exponent - 16383 - 63))  # a float of 80 bits
    return _samples(chunks[b"SSND"][8:], bits // 8, channels, ">"), rate


def _samples(stored, width, channels, order):
    parts = np.frombuffer(stored, np.uint8)
    parts = parts[: len(parts) // (width * channels) * width * channels].reshape(-1, width)
    high = slice(width - 2, width) if order == "<" else slice(0, 2)  # of 24 bits, the upper 16
    samples = np.ascontiguousarray(parts[:, high]).view(f"{order}i2")
    return samples.reshape(-1, channels).sum(1).astype(np.float32)
