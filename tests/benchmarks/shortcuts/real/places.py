"""Places in photographs: no masks.

| name | what | classes | from |
|---|---|---|---|
| pictures | parts of six pictures, 40×40 | 6 | Debian's opencv-doc |
| streets | a building, a street, a wall, roofs, print, 32×32, grey | 5 | Debian's opencv-doc |
| outdoors | skies and flowers, often blurred, 40×40 | 5 | Debian's lxqt-themes |

A tile of a photograph is for training or for validation.
"""

from real.crops import not_flat, of_pictures, read
from real.sources import debian

PICTURES = "fruits", "aloeL", "board", "baboon", "starry_night", "butterfly"
STREETS = "building.jpg", "leuvenA.jpg", "graf1.png", "aero1.jpg", "sudoku.png"
OUTDOORS = "flowers.png", "after-the-rain.jpg", "Valendas.png", "appleflower.png", "butterfly.png"


def _photographs(folder, names, size, grey=False):
    pictures = [read(debian(folder) / name, longer_side=720, grey=grey) for name in names]
    return not_flat(of_pictures(pictures, size, each=600))


def pictures(size=40):
    names = [f"{name}.jpg" for name in PICTURES]
    return _photographs("usr/share/doc/opencv-doc/examples/data", names, size)


def streets(size=32):
    return _photographs("usr/share/doc/opencv-doc/examples/data", STREETS, size, grey=True)


def outdoors(size=40):
    return _photographs("usr/share/lxqt/wallpapers", OUTDOORS, size)
