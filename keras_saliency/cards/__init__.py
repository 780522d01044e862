"""Cards: what a notebook shows of findings, of an epoch and of the report, as HTML.

Every text is shown as text: names of classes and probes never become markup. Styles are inline and
colours are taken from the page, so that a card fits a light and a dark theme.
"""

from keras_saliency.cards.epoch_view import EpochView
from keras_saliency.cards.finding_card import finding_card
from keras_saliency.cards.finding_list import FindingList
from keras_saliency.cards.report_card import report_card
from keras_saliency.cards.saved_report import SavedReport

__all__ = ["EpochView", "FindingList", "SavedReport", "finding_card", "report_card"]
