"""What was measured in every epoch: the only memory between epochs.

`history.py` holds the `History` that users ask, `store.py` its epochs in memory, `entry.py`
one of them; `kept_maps.py` says which heatmaps are kept. `archive.py` is the file of a history,
`run_files.py` a run's folder with one such file per epoch.
"""

from keras_saliency.history.entry import Entry
from keras_saliency.history.history import History, MethodSeries
from keras_saliency.history.kept_maps import KeptMaps, check_history_maps
from keras_saliency.history.run_files import RunFiles, read_identity

__all__ = [
    "Entry",
    "History",
    "KeptMaps",
    "MethodSeries",
    "RunFiles",
    "check_history_maps",
    "read_identity",
]
