"""`Checking`: has the model checked for shortcuts at the pace that the training allows."""

from collections.abc import Callable
from typing import NamedTuple

from keras_saliency._utils.short_repr import short_repr
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.records import Alert, Heatmaps, Moment, Predictions
from keras_saliency.shortcuts.search import ShortcutSearch
from keras_saliency.training.check_pace import CheckPace
from keras_saliency.training.guard import Guard


@short_repr
class Attributed(NamedTuple):
    """The model as it is now, and what it makes of the probes.

    Attributes:
        graph: `ModelGraph`.
        predictions: `Predictions` of the probes.
        heatmaps: {method: `Heatmaps`} of the probes.
    """

    graph: ModelGraph
    predictions: Predictions
    heatmaps: dict[str, Heatmaps]


class Checking:
    """Makes the checks that are required, and others where there is time.

    Required are the first check at the end of an epoch in which the model is accurate enough, the
    one at the end of the training, and one after a proof that it could make an alert.

    Args:
        search: `ShortcutSearch`.
        pace: `CheckPace`.
        guard: `Guard`.
        logs: where "shortcut_loss" is kept.
    """

    def __init__(self, search: ShortcutSearch, pace: CheckPace, guard: Guard, logs: dict):
        self._search, self._pace, self._guard, self._logs = search, pace, guard, logs
        self._is_finished = False
        if search.is_on:
            logs["shortcut_loss"] = 0.0

    def at_observation(self, attributed: Attributed, moment: Moment, is_last: bool) -> None:
        """Checks the model at an observation, if that is due, and required or allowed.

        Args:
            attributed: `Attributed`.
            moment: `Moment`.
            is_last: whether the training ends here.
        """
        search, pace = self._search, self._pace
        self._is_finished = False
        if is_last and search.is_on:
            self.at_end(lambda: attributed, moment)
        elif search.is_due(moment):
            is_made = search.is_pending or not pace.has_tested or pace.allows()
            pace.note_due(moment.epoch, is_made)
            if is_made:
                self.check(lambda: attributed, moment)

    def at_end(self, attribute: Callable[[], Attributed], moment: Moment) -> None:
        """Checks the trained model if that is not done; and again at once if there is a proof.

        An alert takes two checks, as does a suspect that may be the object; no other follows.

        Args:
            attribute: runs the model on the probes.
            moment: `Moment` of the last epoch's end.
        """
        if not self._search.is_on or self._is_finished:
            return
        self._is_finished = True
        if not self._pace.is_made(moment.epoch):
            self.check(attribute, moment, is_complete=True)
            self._pace.note_due(moment.epoch, is_made=True)
        if self._search.is_untold:
            self.check(attribute, moment, is_complete=True)

    def check(
        self, attribute: Callable[[], Attributed], moment: Moment, is_complete: bool = False
    ) -> None:
        """Checks the model; its cost is that of `attribute`, too.

        Args:
            attribute: runs the model on the probes.
            moment: `Moment`.
            is_complete: whether all detectors take part, and not only those whose turn it is.
        """
        if not self._search.is_on:
            return
        with self._pace:
            check, arguments = self._search.check, (*attribute(), moment, is_complete)
            loss = self._guard.run("the search for shortcuts", check, *arguments)
        if loss is not None:
            self._logs["shortcut_loss"] = loss
            if self._search.is_open:
                self._pace.note_test()

    def take_unreported(self) -> tuple[Alert, ...]:
        """Returns the findings that were not taken before, to be put in a report."""
        return self._search.take_unreported()

    def tested(self) -> str:
        """Says what was tested so far."""
        return self._search.tested()
