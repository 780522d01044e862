"""The swap test: edits of probes that prove or refute what a model decides by.

Pure functions on arrays, and one forward pass for all of a swap's pairs. A donor lends
something to a recipient of another class; where the recipient is then predicted as the donor's
class, the model decides by what was lent.
"""

from keras_saliency.shortcuts.swaps.class_labels import ClassLabels
from keras_saliency.shortcuts.swaps.edits import middle_mask
from keras_saliency.shortcuts.swaps.kinds import (
    PATCH_SHARE,
    AmplitudeSwap,
    BackgroundSwap,
    Control,
    PatchSwap,
    RingSwap,
    StatisticsSwap,
    SurroundingsSwap,
    Swap,
)
from keras_saliency.shortcuts.swaps.localize import find_region
from keras_saliency.shortcuts.swaps.outcome import Outcome
from keras_saliency.shortcuts.swaps.pairs import Pairs, draw_controls, draw_pairs
from keras_saliency.shortcuts.swaps.pattern import PatternSwap
from keras_saliency.shortcuts.swaps.scene import Scene
from keras_saliency.shortcuts.swaps.trying import MIN_DONORS, add_controls, adopted, run_trial
from keras_saliency.shortcuts.swaps.value_range import ValueRange
from keras_saliency.shortcuts.swaps.wilson import wilson_bounds

__all__ = [
    "MIN_DONORS",
    "PATCH_SHARE",
    "AmplitudeSwap",
    "BackgroundSwap",
    "ClassLabels",
    "Control",
    "Outcome",
    "Pairs",
    "PatchSwap",
    "PatternSwap",
    "RingSwap",
    "Scene",
    "StatisticsSwap",
    "SurroundingsSwap",
    "Swap",
    "ValueRange",
    "add_controls",
    "adopted",
    "draw_controls",
    "draw_pairs",
    "find_region",
    "middle_mask",
    "run_trial",
    "wilson_bounds",
]
