"""The detectors that a swap decides: what each suspects, and which swaps would prove it."""

from functools import partial

import numpy as np

from keras_saliency.shortcuts.alignment import are_aligned
from keras_saliency.shortcuts.detector import Proposal, SwapDetector, taking_part
from keras_saliency.shortcuts.moving import propose_moving_patch
from keras_saliency.shortcuts.suspicion import propose_window
from keras_saliency.shortcuts.swaps import (
    GainSwap,
    LadderSwap,
    LevelledBackgroundSwap,
    LitBackgroundSwap,
    PatternSwap,
    RegionSwap,
    Scene,
    ShiftSwap,
    Swap,
    TintSwap,
    WatermarkSwap,
    edits,
    find_watermarks,
    frame_mask,
    gains_of_images,
    gains_of_objects,
    is_lit_by_class,
    medians_of_images,
    outlines_differ,
    printed_ring,
    separates,
    tints_of_backgrounds,
)


def _propose_ring(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    """The outer ring off the objects; where they are not known, what it costs beyond the next.

    Beyond the next, since any ring of a photograph tells something of its class. A printed frame
    is no part of what the photograph shows, and nothing is subtracted. A pattern that is printed
    on flat backgrounds goes on inside.
    """
    ring, inner = edits.ring_mask(*scene.size), edits.next_ring_mask(*scene.size)
    rows, is_known = taking_part(scene), scene.spared_objects is not None
    printed = scene.once(printed_ring)
    if printed == "frame":  # which hides what the images show there
        return [Proposal(RegionSwap(scene, scene.once(frame_mask), False), rows, rows)]
    if is_known:
        swap = _background(scene, ring)
        return [] if printed == "pattern" else [Proposal(swap, rows, rows)]
    # Hair and shoulders reach the border; of a frame, nothing is left in the middle.
    swap, less = (RegionSwap(scene, region, False) for region in (ring, inner))
    return [Proposal(swap, rows, rows, less, are_aligned(scene, ring | inner))]


def _propose_background(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    if scene.spared_objects is None:
        return []
    rows = taking_part(scene)
    return [Proposal(_background(scene, np.ones(scene.size, bool)), rows, rows)]


def _background(scene: Scene, region: np.ndarray) -> Swap:
    """Swaps a region off the objects; where light tells the class, under the recipient's light."""
    if scene.once(is_lit_by_class):
        return LitBackgroundSwap(scene, region)
    return RegionSwap(scene, region, True)


def _background_less(scene: Scene, less: Swap) -> Proposal:
    """What another background costs beyond one that is the recipient's in one respect."""
    rows = taking_part(scene)
    return Proposal(RegionSwap(scene, np.ones(scene.size, bool), True), rows, rows, less)


def _propose_gain(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    rows, is_unsure = taking_part(scene), scene.objects is None
    has_class = scene.class_labels.has_class[rows]
    proposals = []
    # Where objects are known, a background of another colour shows what is no gain.
    if is_unsure and separates(scene.once(medians_of_images)[rows], has_class):
        proposals.append(Proposal(ShiftSwap(scene), rows, rows, may_be_object=True))
    # Where backgrounds vary, the light of one image is hardly known, but that of a class is. Not
    # off objects that were found: what is missing of them has their colour.
    if (
        len(scene.size) == 2  # the channels of a signal are no colours
        and scene.spared_objects is not None
        and scene.spared_objects.are_given
        and not scene.class_labels.is_multi_label
        and separates(scene.once(tints_of_backgrounds)[rows], has_class)
    ):
        proposals.append(Proposal(TintSwap(scene), rows, rows))
    if not separates(scene.once(gains_of_images)[rows], has_class):
        return proposals
    proposals.append(Proposal(GainSwap(scene), rows, rows, may_be_object=is_unsure))
    # Light falls on objects, too; a background that has its own colour is more than light.
    if scene.spared_objects is not None and separates(
        scene.once(gains_of_objects)[rows], has_class
    ):
        proposals.append(_background_less(scene, LitBackgroundSwap(scene)))
    return proposals


def _propose_pattern(scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    rows, is_printed = taking_part(scene), scene.once(printed_ring) == "pattern"
    objects = scene.spared_objects
    # Of objects that were found a part may be missing, such as a shadow or a second piece.
    is_sure = is_printed or (objects is not None and objects.are_given)
    swap = PatternSwap(scene, is_everywhere=is_printed)
    proposals = [Proposal(swap, rows, rows, may_be_object=not is_sure)]
    # In photographs one thing may always be about the middle, but hardly at the border.
    if not is_sure and objects is None and not are_aligned(scene):
        ring = PatternSwap(scene, region=edits.ring_mask(*scene.size))
        proposals.append(Proposal(ring, rows, rows))
    if (marks := scene.once(find_watermarks)) is not None:
        proposals.append(Proposal(WatermarkSwap(scene, marks), rows, rows))
    return proposals


def _propose_ladder(kind: str, scene: Scene, rng: np.random.Generator) -> list[Proposal]:
    """Needs no object: the ladder changes how an image was taken, not what it shows.

    But fine detail may be the object's own: where the same thing is at the same place in all
    images, one class may just have more of it, and so it may where classes differ in the middle
    only; but not where outlines are blurred in one class. (So it may be with noise, but planted
    noise hides objects from the program, and would never be more than a suspect.)
    """
    if not LadderSwap.applies(scene, kind):
        return []
    swap, rows = LadderSwap(scene, kind), np.arange(len(scene.probes))
    if not swap.separates():
        return []
    is_known = scene.spared_objects is not None
    if kind != "sharpness" or scene.once(outlines_differ):
        is_sure = True
    elif scene.objects is not None and scene.objects.are_given:
        is_sure = swap.is_of_corners()
    else:
        is_sure = swap.is_of_whole_images() and (is_known or not are_aligned(scene))
    proposals = [Proposal(swap, rows, rows, may_be_object=not is_sure)]
    if is_known:
        proposals.append(_background_less(scene, LevelledBackgroundSwap(scene, kind)))
    return proposals


# They change the whole image, and so any patch of it: a blurred tag is not read either.
_ALL_OVER = ("colour", "noise", "sharpness", "compression")

# The most specific first.
SWAP_DETECTORS = {
    detector.name: detector
    for detector in (
        SwapDetector(
            "stationary",
            propose_window,
            seen="a patch at one place",
            blind_to="cues that move, and faint ones on the object",
            legitimate=frozenset({"stationary"}),
            is_local=True,
            lies_in=("border", "moving", "background", "pattern", *_ALL_OVER),
        ),
        SwapDetector(
            "border",
            _propose_ring,
            seen="the border of the image",
            blind_to="cues inside the border",
            legitimate=frozenset({"border"}),
            is_local=True,
            lies_in=("background", "pattern"),
        ),
        SwapDetector(
            "moving",
            propose_moving_patch,
            seen="a small patch whose place varies",
            blind_to="cues that the maps do not show",
            legitimate=frozenset({"moving"}),
            spares_objects=True,
            is_local=True,  # where the patches of all donors have a place in common
            lies_in=("background", *_ALL_OVER),
        ),
        SwapDetector(
            "colour",
            _propose_gain,
            seen="brightness or tint",
            blind_to="cues at one place",
            legitimate=frozenset({"colour"}),
            lies_in=("background",),
        ),
        SwapDetector(
            "noise",
            partial(_propose_ladder, "noise"),
            seen="how noisy the image is",
            blind_to="noise that does not differ between the classes",
            legitimate=frozenset({"noise", "texture"}),
            images_only=True,
            lies_in=("background",),
        ),
        SwapDetector(
            "sharpness",
            partial(_propose_ladder, "sharpness"),
            seen="how sharp the image is",
            blind_to="blur that does not differ between the classes",
            legitimate=frozenset({"sharpness", "texture"}),
            images_only=True,
            lies_in=("background",),
        ),
        SwapDetector(
            "compression",
            partial(_propose_ladder, "compression"),
            seen="how strongly the image was compressed",
            blind_to="compression other than JPEG",
            legitimate=frozenset({"compression"}),
            images_only=True,
            lies_in=("background",),
        ),
        SwapDetector(
            "pattern",
            _propose_pattern,
            seen="a faint pattern of the class",
            blind_to="cues that move",
            legitimate=frozenset({"pattern", "texture"}),
            is_local=True,
            lies_in=("background",),
        ),
        SwapDetector(
            "background",
            _propose_background,
            seen="the background",
            blind_to="cues on the object",
            legitimate=frozenset({"background"}),
            needs_objects=True,
            spares_objects=True,
            is_local=True,
        ),
    )
}
