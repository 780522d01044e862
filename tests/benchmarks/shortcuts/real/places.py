"""Places in photographs, and spectrograms: no masks.

| name | what | classes | from |
|---|---|---|---|
| views | parts of six pictures, 40×40 | 6 | Debian's opencv-doc |
| streets | a building, a street, a wall, roofs, print, 32×32, grey | 5 | Debian's opencv-doc |
| outdoors | skies and flowers, often blurred, 40×40 | 5 | Debian's lxqt-themes |
| instruments | strings, woodwinds, brass, keys: spectrograms, 32×32 | 4 | timgm6mb-soundfont |

A tile of a photograph, or a recording, is for training or for validation.
"""

import re
import struct

import numpy as np
from real.crops import _read, not_flat, of_pictures
from real.sounds import _spectrogram
from real.sources import debian

VIEWS = "fruits", "aloeL", "board", "baboon", "starry_night", "butterfly"
STREETS = "building.jpg", "leuvenA.jpg", "graf1.png", "aero1.jpg", "sudoku.png"
OUTDOORS = "flowers.png", "after-the-rain.jpg", "Valendas.png", "appleflower.png", "butterfly.png"
INSTRUMENTS = (
    "Dist Gtr|OD Gtr|Gtr Mute|Strat|Jazz Gui|Steel Ac|N Guitar|.*Bass|Banjo|Koto|Sham",
    "Flute|Oboe|Piccolo|Bb |BB |Bassoon|English|Alto|Tenor|Bari|Sop",
    "Trump|Brass G|Brass C|Harmon |Tuba|Trombone|FRHORN|.*French",
    "Piano|Church|B3Lo|Perc O|Clavinet|Harpsi|DX EP|EP1|CP70|Accord|Celesta|Vibes|Glock",
)
SAMPLES, RECORD, LEAST = 2, 46, 300  # bytes, bytes, and samples of a recording


def _photographs(folder, names, size, grey=False):
    pictures = [_read(debian(folder) / name, longer_side=720, grey=grey) for name in names]
    return not_flat(of_pictures(pictures, size, each=600))


def views(size=40):
    names = [f"{name}.jpg" for name in VIEWS]
    return _photographs("usr/share/doc/opencv-doc/examples/data", names, size)


def streets(size=32):
    return _photographs("usr/share/doc/opencv-doc/examples/data", STREETS, size, grey=True)


def outdoors(size=40):
    return _photographs("usr/share/lxqt/wallpapers", OUTDOORS, size)


def instruments(size=32):
    """What is held is played on in its loop, as a synthesizer does."""
    stored = debian("usr/share/sounds/sf2/TimGM6mb.sf2").read_bytes()
    waves, at = stored.index(b"smpl") + 8, stored.index(b"shdr")
    rng = np.random.default_rng(0)
    images, labels, kept, numbers = [], [], [], [0] * len(INSTRUMENTS)
    for k in range(struct.unpack_from("<I", stored, at + 4)[0] // RECORD):
        fields = struct.unpack_from("<20s5I", stored, at + 8 + k * RECORD)
        name = fields[0].split(b"\0")[0].decode("latin-1")
        first, last, loop, end, rate = fields[1:]
        label = next((n for n, of in enumerate(INSTRUMENTS) if re.match(of, name)), None)
        if label is None or last - first < LEAST or end - loop < 8:
            continue
        wave = np.frombuffer(stored, "<i2", last - first, waves + SAMPLES * first)
        head, held = wave[: end - first], wave[loop - first : end - first]
        wave = np.concatenate([head, np.tile(held, 2 * rate // len(held) + 1)])
        for _ in range(5):
            begin = rng.integers(round(0.25 * rate))
            as_if = min(rate, 22500) * rng.uniform(0.94, 1.06)
            images.append(_spectrogram(wave[begin:].astype(np.float32), as_if, size))
            labels.append(label)
            kept.append(numbers[label] % 4 == 1)
        numbers[label] += 1
    return np.stack(images), np.array(labels), None, np.array(kept)
