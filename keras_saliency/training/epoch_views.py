"""Epochs of a history as a notebook shows them."""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency.cards import EpochView
from keras_saliency.history import History
from keras_saliency.records import Alert, Heatmaps
from keras_saliency.training.overlay_grids import Outcomes, OverlayGrids, heading_of


def view_of(
    history: History,
    grids: OverlayGrids,
    findings: Sequence[Alert],
    epoch: int | None = None,
    method: str | None = None,
) -> EpochView:
    """Returns an epoch of a history, drawn, with drift and findings up to it.

    Args:
        history: `History`.
        grids: `OverlayGrids` of its probes.
        findings: `Alert`s.
        epoch: 0-based; None is the last.
        method: name of a method; None is all.

    Raises:
        ValueError: if the history has no epoch yet.
        KeyError: if it has no such epoch or method, or no heatmaps.
    """
    epochs = history.epochs
    if not epochs:
        raise ValueError(
            "There is nothing to show yet, since the callback has observed no epoch. Pass it to "
            "fit, or call observe."
        )
    epoch = epochs[-1] if epoch is None else epoch
    if epoch not in epochs:
        known = shown(epochs, 200)
        raise KeyError(f"There is no epoch {shown(epoch)}, counted from 0. Known: {known}.")
    methods = history.methods if method is None else [method]
    for name in methods:
        _ = history[name]  # an unknown one is refused, and the known ones are named
    title = heading_of(epoch, history.entries[epoch].is_baseline)
    outcomes, pictures = Outcomes.kept(history, epoch), {}
    for name in methods:
        heatmaps = Heatmaps(name, history.heatmaps(name, epoch), grids.image_size)
        pictures[name] = grids.draw(heatmaps, outcomes, title).picture
    return EpochView(
        title if title != "start" else "before training",
        pictures,
        {name: _drift(history, name, epoch) for name in methods},
        tuple(finding for finding in findings if finding.epoch <= epoch),
    )


def _drift(history: History, method: str, until: int) -> list[tuple[int, float]]:
    """The mean over the probes in each epoch that has one."""
    if "drift_previous" not in history[method]:
        return []
    rows = zip(history.epochs, history[method]["drift_previous"], strict=True)
    return [(e, float(np.nanmean(row))) for e, row in rows if e <= until and np.isfinite(row).any()]
