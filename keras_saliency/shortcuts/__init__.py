"""Detectors: saliency and statistics suspect, swaps prove, and only what is proven is an alert."""

from keras_saliency.shortcuts.battery import (
    NOTHING_LEGITIMATE,
    Battery,
    Legitimate,
    check_box,
    check_on_alert,
)
from keras_saliency.shortcuts.evidence import Evidence, gather_evidence
from keras_saliency.shortcuts.examiner import Examiner, Look
from keras_saliency.shortcuts.hints import Hints
from keras_saliency.shortcuts.messages import place_of
from keras_saliency.shortcuts.trial import Bounds, Finding, SwapDetector, Trial, Untested

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
