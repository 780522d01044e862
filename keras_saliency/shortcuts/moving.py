"""Patches that move: what the maps show in each image, and whether it recurs in a class."""

import numpy as np

from keras_saliency._utils.boxes import hottest_boxes
from keras_saliency.shortcuts.detector import Proposal, taking_part
from keras_saliency.shortcuts.recurring import recurring_boxes
from keras_saliency.shortcuts.swaps import BoxSwap, Scene, edits

PATCH_SHARE = 0.25  # of each side of the image, of a patch


def propose_moving_patch(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    """Suspects, in each image that is watched, the window with most attention off the object.

    Where objects are not known, off the middle, in which a part of the object would be taken; or,
    if a patch recurs in the images of a class, wherever that is. Where they are known, the patch
    that recurs, too, if it lies beside the object in some images: then it is none of its parts,
    although it lies on the object in others.
    """
    rows, objects = taking_part(scene), scene.spared_objects
    attention = scene.attention
    watched = rows[rows < len(attention)]
    has_attention = attention.reshape(len(attention), -1).sum(axis=1) > 0
    donors = watched[has_attention[watched]]
    if not len(donors):
        return []
    sides = [max(1, round(PATCH_SHARE * length)) for length in scene.size]

    def propose(boxes: np.ndarray, spares_objects: bool, is_sure: bool = True) -> Proposal:
        swap = BoxSwap(scene, lambda pairs: boxes[pairs.donors], spares_objects)
        return Proposal(swap, rows, donors, may_be_object=not is_sure)

    if objects is None:
        middle = np.broadcast_to(edits.middle_mask(*scene.size), attention.shape)
        boxes = hottest_boxes(attention, *sides, without=middle)
        moved = recurring_boxes(scene, boxes, donors)
        return [propose(boxes, False, False) if moved is None else propose(moved, False)]
    masks = objects.masks[: len(attention)]
    proposals = [propose(hottest_boxes(attention, *sides, without=masks), True)]
    moved = recurring_boxes(scene, hottest_boxes(attention, *sides), donors, masks)
    if moved is not None:
        proposals.append(propose(moved, False))
    return proposals
