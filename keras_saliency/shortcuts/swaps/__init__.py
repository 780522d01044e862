"""The swap test: edits of images that show what a model relies on.

Pure functions on arrays. A donor lends something to a recipient; where donors of other classes
cost accuracy that donors of the recipient's own class don't, the model relies on what was lent.
"""

from keras_saliency.shortcuts.swaps.acquisition import separates
from keras_saliency.shortcuts.swaps.class_labels import MAX_CLASSES, ClassLabels
from keras_saliency.shortcuts.swaps.corner_marks import corner_marks
from keras_saliency.shortcuts.swaps.kinds import BoxSwap, RegionSwap, Swap
from keras_saliency.shortcuts.swaps.ladders import LadderSwap, LevelledBackgroundSwap
from keras_saliency.shortcuts.swaps.levels import (
    GainSwap,
    LitBackgroundSwap,
    LitBoxSwap,
    ShiftSwap,
    TintSwap,
)
from keras_saliency.shortcuts.swaps.light import (
    gains_of_images,
    gains_of_objects,
    is_lit_by_class,
    medians_of_images,
    tints_of_backgrounds,
)
from keras_saliency.shortcuts.swaps.localize import find_region
from keras_saliency.shortcuts.swaps.outlines import outlines_differ
from keras_saliency.shortcuts.swaps.pairs import PairDrawer, Pairs
from keras_saliency.shortcuts.swaps.pattern import PatternSwap
from keras_saliency.shortcuts.swaps.planted import is_planted, planted_region
from keras_saliency.shortcuts.swaps.printed_ring import frame_mask, printed_ring
from keras_saliency.shortcuts.swaps.scene import Objects, Scene
from keras_saliency.shortcuts.swaps.value_range import ValueRange
from keras_saliency.shortcuts.swaps.watermarks import WatermarkSwap, find_watermarks
from keras_saliency.shortcuts.swaps.wilson import wilson_bounds

__all__ = [
    "MAX_CLASSES",
    "BoxSwap",
    "ClassLabels",
    "GainSwap",
    "LadderSwap",
    "LevelledBackgroundSwap",
    "LitBackgroundSwap",
    "LitBoxSwap",
    "Objects",
    "PairDrawer",
    "Pairs",
    "PatternSwap",
    "RegionSwap",
    "Scene",
    "ShiftSwap",
    "Swap",
    "TintSwap",
    "ValueRange",
    "WatermarkSwap",
    "corner_marks",
    "find_region",
    "find_watermarks",
    "frame_mask",
    "gains_of_images",
    "gains_of_objects",
    "is_lit_by_class",
    "is_planted",
    "medians_of_images",
    "outlines_differ",
    "planted_region",
    "printed_ring",
    "separates",
    "tints_of_backgrounds",
    "wilson_bounds",
]
