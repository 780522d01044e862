"""Files of a small history, good ones and such as were changed."""

import io
import json

import numpy as np

from keras_saliency.history import History

N = 4
LABELS = [0, 0, 1, 1]


def append(history, epoch, statistics=None, heatmaps=None, seconds=None):
    rng = np.random.default_rng(epoch + 1)
    statistics = statistics or {"grad_cam": {"gini": [0.25, 0.5, np.nan, epoch]}}
    heatmaps = {"grad_cam": rng.random((N, 3, 5))} if heatmaps is None else heatmaps
    history.append(epoch, (rng.integers(2, size=N), rng.random(N)), statistics, heatmaps, seconds)


def with_array(**changed):
    file, out = io.BytesIO(), io.BytesIO()
    history = History(labels=LABELS)
    append(history, 0)
    history.save(file)
    file.seek(0)
    arrays = dict(np.load(file))
    np.savez(out, **{k: v for k, v in {**arrays, **changed}.items() if v is not None})
    return out.getvalue()


def metadata(**changed):
    file = io.BytesIO(with_array())
    known = json.loads(np.load(file)["metadata"].tobytes())
    return {"metadata": np.frombuffer(json.dumps({**known, **changed}).encode(), np.uint8)}


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
