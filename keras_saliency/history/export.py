"""A history as plain Python and as a pandas DataFrame."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_saliency.history.store import EpochStore

if TYPE_CHECKING:
    import pandas

COLUMNS = ["epoch", "method", "statistic", "probe", "name", "value"]


def to_dict(store: EpochStore) -> dict[str, Any]:
    """Returns everything but the heatmaps as plain Python, None for NaN."""
    return {
        "epochs": store.epochs,
        "seconds": store.seconds,
        "labels": None if store.labels is None else store.labels.tolist(),
        "names": store.names,
        "class_names": store.class_names,
        "predictions": store.predictions.tolist(),
        "confidence": _plain(store.confidence),
        "statistics": {
            method: {name: _plain(values) for name, values in _all_of(store, method)}
            for method in store.methods
        },
    }


def to_dataframe(store: EpochStore) -> "pandas.DataFrame":
    """Returns all statistics as a long pandas DataFrame with `COLUMNS`.

    Raises:
        ImportError: if pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "History.to_dataframe() needs pandas. Install it (pip install pandas), or use "
            "History.to_dict()."
        ) from error
    num_probes = store.num_probes or 0
    names = store.names or [str(i) for i in range(num_probes)]
    epoch = np.repeat(store.epochs, num_probes)
    probe = np.tile(np.arange(num_probes), len(store.epochs))
    name = np.tile(names, len(store.epochs))
    frames = []
    for method in store.methods:
        for statistic, values in _all_of(store, method):
            columns = (epoch, method, statistic, probe, name, values.reshape(-1))
            frames.append(pandas.DataFrame(dict(zip(COLUMNS, columns, strict=True))))
    if not frames:
        return pandas.DataFrame(columns=COLUMNS)
    return pandas.concat(frames, ignore_index=True)


def _all_of(store: EpochStore, method: str) -> Iterator[tuple[str, np.ndarray]]:
    names = store.statistics_of(method)
    return zip(names, store.series(method, *names), strict=True)


def _plain(values: np.ndarray) -> list[list[float | None]]:
    plain = values.astype(object)
    plain[np.isnan(values)] = None
    return plain.tolist()
