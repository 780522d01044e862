"""Images of a folder that are kept for swaps only."""

import os
from dataclasses import dataclass

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency._utils.notify import notify
from keras_saliency.probes.choosing import Chosen, SmallestKeys
from keras_saliency.probes.files import as_text
from keras_saliency.probes.image_files import MaskFolder, load_image
from keras_saliency.probes.swap_images import SwapImages, fits_bytes, most_images, stacked


@dataclass(frozen=True)
class ImageFolder:
    """Reads images and masks by their name in a folder of class folders.

    Attributes:
        path: the folder.
        size: (H, W).
        num_channels: C.
        masks: `MaskFolder`, or None.
    """

    path: str
    size: tuple[int, int]
    num_channels: int
    masks: MaskFolder | None

    def image(self, name: str) -> np.ndarray:
        """Returns an image, float32 (H, W, C)."""
        return load_image(os.path.join(self.path, name), self.size, self.num_channels)

    def shown(self, name: str) -> str:
        """Returns the name as "class/filename"."""
        return as_text(name.replace(os.sep, "/"))


def read_swaps(
    folder: ImageFolder, pool: SmallestKeys, watched: set[tuple[int, bytes]], probes: Chosen
) -> SwapImages | None:
    """Decodes the images for swaps.

    A file that cannot be decoded is left out, with a notice, and so is an image without a mask
    where there are masks.

    Args:
        folder: `ImageFolder`.
        pool: file names by class and content, as many as may be kept as uint8; shrunk here
            where an image needs more bytes.
        watched: (class, content) of the probes.
        probes: the probes, decoded.

    Returns:
        `SwapImages`, or None where no other image is left.
    """
    fewer = most_images(probes.images.shape[1:], 4, folder.masks is not None)
    is_compact = fits_bytes(probes.images)
    if not is_compact:
        pool.shrink_to(fewer)
    images, masks, broken = {}, {}, []
    entries = _others(pool, watched)
    for name in list(entries):
        if name not in entries:
            continue
        try:
            image = folder.image(name)
        except ValueError:
            broken.append(name)
            continue
        try:
            if folder.masks is not None:
                masks[name] = folder.masks.load(name, folder.size)
        except ValueError:
            continue
        if is_compact and not fits_bytes(image):
            is_compact = False
            pool.shrink_to(fewer)
            entries = _others(pool, watched)
        images[name] = image.astype(np.uint8) if is_compact else image
    if broken:
        notify(
            f"{len(broken)} image files cannot be decoded and are not used for swaps, the first "
            f"of them {shown(folder.shown(broken[0]), 300)}."
        )
    names = [name for name in entries if name in images]
    if not names:
        return None
    assert probes.labels is not None and probes.names is not None
    kept = [*probes.images, *(images.pop(name) for name in names)]
    images.clear()
    return SwapImages(
        stacked(kept, is_compact),
        np.append(probes.labels, [entries[name] for name in names]),
        None
        if probes.object_masks is None
        else np.stack([*probes.object_masks, *(masks[name] for name in names)]),
        [*probes.names, *(folder.shown(name) for name in names)],
    )


def _others(pool: SmallestKeys, watched: set[tuple[int, bytes]]) -> dict[str, int]:
    """Returns {file name: class} of what is kept and not watched, by class and then by content."""
    return {name: label for label, key, name in pool.sorted() if (label, key) not in watched}
