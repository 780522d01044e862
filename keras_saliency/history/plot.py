"""Curves of a history, in Matplotlib."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_saliency._utils.arguments import shown
from keras_saliency.history.store import EpochStore

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(store: EpochStore, statistic: str, method: str | None = None, ax: Any = None) -> "Axes":
    """Draws a statistic over the epochs; see `History.plot`.

    Raises:
        ImportError: if Matplotlib is not installed.
        KeyError: if there is no such statistic or method.
        TypeError: if `ax` is no Axes.
    """
    try:
        from matplotlib import pyplot
        from matplotlib.axes import Axes
    except ImportError as error:
        raise ImportError(
            "History.plot() needs Matplotlib. Install it: pip install matplotlib"
        ) from error
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be a Matplotlib Axes. Received: {shown(ax)}. Pass one of those that "
            "plt.subplots() returns."
        )
    methods = _methods(store, statistic, method)
    if ax is None:
        _, ax = pyplot.subplots()
    for name in methods:
        [values] = store.series(name, statistic)
        is_known = np.isfinite(values).any(axis=1)
        epochs, values = np.array(store.epochs)[is_known], values[is_known]
        [line] = ax.plot(epochs, np.nanmean(values, axis=1), marker=".", label=name)
        low, high = np.nanpercentile(values, (25, 75), axis=1)
        ax.fill_between(epochs, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set_xlabel("epoch (from 0; -1 is before training)")
    ax.set_ylabel(statistic)
    ax.legend()
    return ax


def _methods(store: EpochStore, statistic: str, method: str | None) -> list[str]:
    """Returns the methods that are drawn; refuses names that are not known."""
    if method is not None and method not in store.methods:
        known = ", ".join(map(repr, store.methods)) or "none"
        raise KeyError(f"This history has no method {shown(method)}. Known: {known}.")
    asked = store.methods if method is None else [method]
    found = [name for name in asked if statistic in store.statistics_of(name)]
    if not found:
        known = ", ".join(dict.fromkeys(s for name in asked for s in store.statistics_of(name)))
        raise KeyError(
            f"This history has no statistic {shown(statistic)}. Known: {known or 'none'}."
        )
    return found
