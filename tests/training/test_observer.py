"""How far it is from Keras's hook to a heatmap, and from a heatmap to a picture."""

import traceback
from pathlib import Path

from helpers.training import fit

import keras_saliency
from keras_saliency import SaliencyCallback
from keras_saliency.rendering import overlays
from keras_saliency.tracing.model_function import ModelFunction

PACKAGE = str(Path(keras_saliency.__file__).parent)


def calls_to_here():
    """(file, function) of each call inside the package that leads here, the outermost first."""
    frames = traceback.extract_stack()[:-2]
    return [
        (Path(f.filename).name, f.name)
        for f in frames
        if f.filename.startswith(PACKAGE) and not f.name.startswith("<")
    ]


def record(monkeypatch, owner, name, seen):
    whole = getattr(owner, name)

    def recorded(*args, **kwargs):
        seen.append(calls_to_here())
        return whole(*args, **kwargs)

    monkeypatch.setattr(owner, name, recorded)


def test_few_calls_lead_from_the_hook_to_heatmaps_and_from_these_to_a_picture(
    tmp_path, data, probes, monkeypatch
):
    """The calls that a reader follows; the last of each, which is recorded, counts too."""
    to_maps, to_pictures = [], []
    record(monkeypatch, ModelFunction, "__call__", to_maps)
    record(monkeypatch, overlays, "blend", to_pictures)
    fit(SaliencyCallback(probes, tmp_path, detectors=None), data, epochs=1)
    from_hook = [calls for calls in to_maps if ("callback.py", "on_epoch_end") in calls]
    assert from_hook and to_pictures
    for calls, last, most_calls, most_files in (
        (from_hook[0], "model_function.py", 6, 4),
        (to_pictures[0], "overlays.py", 7, 6),  # `show` draws by the same grids
    ):
        assert len(calls) + 1 <= most_calls
        assert len({file for file, _ in calls} | {last}) <= most_files
