"""Detectors: saliency and statistics suspect, swaps prove, and only what is proven is an alert."""

from keras_saliency.shortcuts.battery import Battery
from keras_saliency.shortcuts.detector import Bounds, SwapDetector
from keras_saliency.shortcuts.evidence import Evidence, gather_evidence
from keras_saliency.shortcuts.examiner import Examiner, Look
from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.hints import Hints
from keras_saliency.shortcuts.legitimate import NOTHING_LEGITIMATE, Legitimate
from keras_saliency.shortcuts.messages import place_of
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.untested import Untested

__all__ = [
    "NOTHING_LEGITIMATE",
    "Battery",
    "Bounds",
    "Evidence",
    "Examiner",
    "Finding",
    "Hints",
    "Legitimate",
    "Look",
    "SwapDetector",
    "Trial",
    "Untested",
    "gather_evidence",
    "place_of",
]
