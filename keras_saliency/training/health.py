"""`Health`: warns of a training that diverges, and of maps that are no maps."""

import numpy as np

from keras_saliency._utils.notify import notify
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.probes import ProbeSet
from keras_saliency.records import EpochReport, Moment, Predictions

_FEW = 0.1  # share of probes that may be wrong and yet certain
# On some processors the softmax of one certain class is the float before 1.
_CERTAIN = np.nextafter(np.float32(1), np.float32(0))


class Health:
    """Warns once of each kind of problem.

    Args:
        probes: `ProbeSet`.
    """

    def __init__(self, probes: ProbeSet):
        self._probes = probes
        self._reported: set[tuple[str, str]] = set()

    def check_model(self, graph: ModelGraph, predictions: Predictions, moment: Moment) -> None:
        """Warns of outputs that are not finite, and of a softmax that is saturated.

        Args:
            graph: `ModelGraph`, whose weights are read where outputs are not finite.
            predictions: `Predictions` for the probes.
            moment: `Moment` of the observation.
        """
        logits = predictions.logits
        broken = ~np.isfinite(logits).all(axis=1)
        if broken.any():
            weights = graph.non_finite_weights()
            where = f" Weights that are not finite: {', '.join(weights[:3])}" if weights else ""
            more = f" and {len(weights) - 3} more" if len(weights) > 3 else ""
            self._warn(
                moment,
                "model",
                "outputs",
                f"the training has diverged: the model's outputs are NaN or infinite for "
                f"{int(broken.sum())} of {len(broken)} probes.{where}{more}{'.' if where else ''}",
            )
        elif not moment.is_baseline and self._is_saturated(predictions):
            self._warn(
                moment,
                "model",
                "saturated",
                "the softmax is saturated: most probes are predicted with a probability of "
                f"1, wrong ones among them; logits reach {np.abs(logits).max():.3g}. Such a "
                "training has often diverged, or its inputs are not scaled.",
            )

    def check_maps(self, report: EpochReport) -> None:
        """Warns of maps that are not finite, or all zero where that is news.

        A few all-zero maps are no news: nothing need speak for a class on a probe. They are
        named in the pictures and counted in `empty_fraction`. Nor are many of a method that
        averages where the model does not: `Run` says so at its beginning.
        """
        for heatmaps in report.heatmaps.values():
            for kind, sentence in heatmaps.problems().items():
                is_news = heatmaps.empty.mean() >= (1 if heatmaps.advice else 0.5)
                if kind != "all zero" or is_news:
                    self._warn(report.moment, heatmaps.method, kind, sentence)

    def _is_saturated(self, predictions: Predictions) -> bool:
        """Whether most probes have probability 1 (in float32), which some must not have.

        A well-trained model is that certain too, but then it is right.
        """
        certain = predictions.confidence >= _CERTAIN
        if predictions.logits.shape[1] < 2 or certain.mean() <= 0.5:
            return False
        labels = self._probes.class_labels
        if labels is None:
            return len(np.unique(predictions.classes)) == 1
        return bool((certain & (predictions.classes != labels)).mean() > _FEW)

    def _warn(self, moment: Moment, of: str, kind: str, sentence: str) -> None:
        if (of, kind) not in self._reported:
            self._reported.add((of, kind))
            when = moment.when
            notify(f"{when[0].upper()}{when[1:]}: {sentence}")
