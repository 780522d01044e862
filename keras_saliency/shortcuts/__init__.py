"""The search for shortcuts: suspicious parts are swapped, and an alert is a loss of accuracy."""

from keras_saliency.shortcuts.battery import Battery
from keras_saliency.shortcuts.detector import Proposal, SwapDetector
from keras_saliency.shortcuts.evidence import Evidence, gather_evidence
from keras_saliency.shortcuts.examiner import Check, Examiner
from keras_saliency.shortcuts.finding import Finding
from keras_saliency.shortcuts.legitimate import NOTHING_LEGITIMATE, Legitimate
from keras_saliency.shortcuts.loss import BOUND, Loss
from keras_saliency.shortcuts.messages import place_of
from keras_saliency.shortcuts.trial import Trial

__all__ = [
    "BOUND",
    "NOTHING_LEGITIMATE",
    "Battery",
    "Check",
    "Evidence",
    "Examiner",
    "Finding",
    "Legitimate",
    "Loss",
    "Proposal",
    "SwapDetector",
    "Trial",
    "gather_evidence",
    "place_of",
]
