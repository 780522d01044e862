"""What was measured in every epoch: the only memory between epochs.

`series.py` is the `History` that is asked, `entry.py` one stored epoch,
`archive.py` the file, `run_files.py` one file per epoch.
"""

from keras_saliency.history.entry import Entry
from keras_saliency.history.history import History, MethodSeries
from keras_saliency.history.run_files import RunFiles, read_identity

__all__ = ["Entry", "History", "MethodSeries", "RunFiles", "read_identity"]
