"""Detectors: saliency and statistics suspect, swaps prove, and only what is proven is an alert."""

from keras_saliency.detectors.base import Bounds, Finding, SwapDetector, Trial, Untested
from keras_saliency.detectors.battery import (
    NOTHING_LEGITIMATE,
    Battery,
    Legitimate,
    check_box,
    check_on_alert,
)
from keras_saliency.detectors.evidence import Evidence, gather_evidence
from keras_saliency.detectors.examiner import Examiner, Look
from keras_saliency.detectors.hints import Hints
from keras_saliency.detectors.words import place_of

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
    "check_box",
    "check_on_alert",
    "gather_evidence",
    "place_of",
]
