"""Detectors: saliency and statistics suspect, swaps prove, and only what is proven is an alert."""

from keras_saliency.detectors.base import Bounds, Evidence, Finding, SwapDetector, Trial
from keras_saliency.detectors.battery import Battery, Legitimate, check_box, check_on_alert
from keras_saliency.detectors.examiner import Examiner, Look
from keras_saliency.detectors.hints import Hints

__all__ = [
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
    "check_box",
    "check_on_alert",
]
