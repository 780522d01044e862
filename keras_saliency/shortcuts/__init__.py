"""The search for shortcuts: saliency suspects, swaps prove, and only what is proven is an alert."""

from keras_saliency.shortcuts.battery import Battery
from keras_saliency.shortcuts.detector import Bounds, SwapDetector
from keras_saliency.shortcuts.evidence import Evidence, gather_evidence
from keras_saliency.shortcuts.examiner import Check, Examiner
from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.hints import Hints
from keras_saliency.shortcuts.legitimate import NOTHING_LEGITIMATE, Legitimate
from keras_saliency.shortcuts.messages import place_of
from keras_saliency.shortcuts.trial import Trial

__all__ = [
    "NOTHING_LEGITIMATE",
    "Battery",
    "Bounds",
    "Check",
    "Evidence",
    "Examiner",
    "Finding",
    "Hints",
    "Legitimate",
    "SwapDetector",
    "Trial",
    "gather_evidence",
    "place_of",
]
