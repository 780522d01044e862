"""Pictures as PNG files."""

import tensorflow as tf

from keras_saliency.rendering import encode_png
from keras_saliency.sinks.base import Sink


class FolderSink(Sink):
    """Writes each picture to FOLDER/<method>_<kind>/epoch_00003.png.

    The number is the epoch's, 0-based; the untrained model's overlays are `start.png`. Of the
    filmstrip, which grows, only the newest is kept: FOLDER/<method>_filmstrip.png.

    Args:
        path: the folder. Defaults to None, RUN_DIR/pictures.
    """

    def __init__(self, path: str | None = None):
        self.path = path

    def open(self, run_dir, settings):
        self._folder = self.path or tf.io.gfile.join(run_dir, "pictures")

    def write(self, report):
        for tag, picture in report.pictures.items():
            method, kind = tag.split("/")[-2:]
            if kind == "filmstrip":
                folder, name = self._folder, f"{method}_{kind}.png"
            else:
                folder = tf.io.gfile.join(self._folder, f"{method}_{kind}")
                name = "start.png" if report.is_baseline else f"epoch_{report.epoch:05d}.png"
            tf.io.gfile.makedirs(folder)
            with tf.io.gfile.GFile(tf.io.gfile.join(folder, name), "wb") as file:
                file.write(encode_png(picture))
