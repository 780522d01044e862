"""Pictures in a folder."""

import dataclasses

import numpy as np
from helpers.training import fit

from keras_saliency import SaliencyCallback
from keras_saliency.records import EpochReport, Moment, Predictions
from keras_saliency.sinks import FolderSink

PREDICTIONS = Predictions(np.zeros((6, 4), np.float32), np.full((6, 4), 0.25, np.float32))


def files_below(path):
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())


def test_a_folder_of_png_files_is_a_second_sink(tmp_path, data, probes):
    sinks = ["tensorboard", FolderSink(str(tmp_path / "pictures"))]
    fit(SaliencyCallback(probes, tmp_path / "logs", sinks=sinks), data)
    assert files_below(tmp_path / "pictures") == [
        "grad_cam_filmstrip.png",
        "grad_cam_overlays/epoch_00000.png",
        "grad_cam_overlays/epoch_00001.png",
        "grad_cam_overlays/start.png",
    ]


def test_a_folder_sink_writes_only_inside_its_folder(tmp_path, probes):
    sink, picture = FolderSink(), np.zeros((2, 2, 3), np.uint8)
    sink.open(str(tmp_path / "a" / "b"), {})
    for method in ("..", "../../x", "/etc", "..\\x", "m"):
        for kind in ("overlays", "filmstrip", "..", "."):
            tag = f"saliency/{method}/{kind}"
            tags = frozenset({tag}) if kind == "filmstrip" else frozenset()
            report = EpochReport(Moment(0), probes, PREDICTIONS, pictures={tag: picture})
            sink.write(dataclasses.replace(report, filmstrips=tags))
    written = files_below(tmp_path)
    assert written and all(name.startswith("a/b/pictures/") for name in written)


def test_pictures_of_a_layer_called_filmstrip_are_kept_for_each_epoch(tmp_path, probes):
    sink, picture = FolderSink(), np.zeros((2, 2, 3), np.uint8)
    sink.open(str(tmp_path), {})
    layer, film = "saliency/features/filmstrip", "saliency/m/filmstrip"
    for epoch in range(2):
        pictures = {layer: picture, film: picture}
        report = EpochReport(Moment(epoch), probes, PREDICTIONS, pictures=pictures)
        sink.write(dataclasses.replace(report, filmstrips=frozenset({film})))
    assert files_below(tmp_path / "pictures") == [
        "features_filmstrip/epoch_00000.png",
        "features_filmstrip/epoch_00001.png",
        "m_filmstrip.png",
    ]
