"""Pictures as PNG files."""

import tensorflow as tf

from keras_saliency._utils.files import TROUBLE, written_whole
from keras_saliency.records import EpochReport
from keras_saliency.rendering import encode_png
from keras_saliency.sinks.sink import Settings, Sink


class FolderSink(Sink):
    """Writes each picture to FOLDER/<method>_<kind>/epoch_00003.png.

    The number is the epoch's, 0-based; the untrained model's overlays are `start.png`, those
    inside an epoch `batch_0000300.png`, batches counted since epoch 0. Of the filmstrip,
    which grows, only the newest is kept: FOLDER/<method>_filmstrip.png.

    Args:
        path: the folder. Defaults to None, RUN_DIR/pictures.
    """

    tries_again = TROUBLE

    def __init__(self, path: str | None = None):
        self.path = path

    def open(self, run_dir: str, settings: Settings) -> None:
        self._folder = self.path or tf.io.gfile.join(run_dir, "pictures")

    def write(self, report: EpochReport) -> None:
        for tag, picture in report.pictures.items():
            kind = tag.removeprefix("saliency/").replace("/", "_")
            place = (f"{kind}.png",) if report.is_filmstrip(tag) else (kind, _name(report))
            with written_whole(tf.io.gfile.join(self._folder, *place)) as file:
                file.write(encode_png(picture))


def _name(report: EpochReport) -> str:
    if report.is_baseline:
        return "start.png"
    if report.batch is not None:
        return f"batch_{report.step:07d}.png"
    return f"epoch_{report.epoch:05d}.png"
