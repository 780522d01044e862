"""A history in other people's forms: plain Python, and pandas."""

import numpy as np

COLUMNS = ["epoch", "method", "statistic", "probe", "name", "value"]


def to_dict(history) -> dict:
    """Returns everything but the heatmaps as plain Python, None for NaN."""
    return {
        "epochs": history.epochs,
        "seconds": history.seconds,
        "labels": None if history.labels is None else history.labels.tolist(),
        "names": history.names,
        "class_names": history.class_names,
        "predictions": history.predictions.tolist(),
        "confidence": _plain(history.confidence),
        "statistics": {
            method: {statistic: _plain(values) for statistic, values in series.items()}
            for method, series in history.items()
        },
    }


def to_dataframe(history):
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
    num_probes = history.num_probes or 0
    names = history.names or [str(i) for i in range(num_probes)]
    epoch = np.repeat(history.epochs, num_probes)
    probe = np.tile(np.arange(num_probes), len(history.epochs))
    name = np.tile(names, len(history.epochs))
    frames = []
    for method, series in history.items():
        for statistic, values in series.items():
            columns = (epoch, method, statistic, probe, name, values.reshape(-1))
            frames.append(pandas.DataFrame(dict(zip(COLUMNS, columns, strict=True))))
    if not frames:
        return pandas.DataFrame(columns=COLUMNS)
    return pandas.concat(frames, ignore_index=True)


def _plain(values):
    plain = values.astype(object)
    plain[np.isnan(values)] = None
    return plain.tolist()
