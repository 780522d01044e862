"""Hundreds of epochs: what is kept, what is drawn, and that memory stays flat."""

import tracemalloc

import numpy as np
import pytest
from helpers.events import events_of
from helpers.networks import small_cnn

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.sinks import Sink


class Discard(Sink):
    def open(self, run_dir, settings):
        self.filmstrips = []

    def write(self, report):
        if "saliency/grad_cam/filmstrip" in report.pictures:
            self.filmstrips.append(report.epoch)


@pytest.fixture
def probes(rng):
    return ProbeSet(rng.uniform(size=(4, 18, 14, 3)), [0, 1, 2, 3])


def test_filmstrips_are_written_early_then_ever_more_rarely_and_at_the_end(tmp_path, probes):
    sink, model = Discard(), small_cnn()
    callback = SaliencyCallback(probes, tmp_path, sinks=sink, num_drawn=1)
    for epoch in range(-1, 42):
        callback.observe(model, epoch)
    callback.close()
    assert sink.filmstrips[:10] == list(range(10))
    for before, after in zip(sink.filmstrips[9:-2], sink.filmstrips[10:-1], strict=True):
        assert before * 1.1 <= after < before * 1.1 + 1
    assert sink.filmstrips[-1] == 41 and len(set(sink.filmstrips)) == len(sink.filmstrips)


@pytest.mark.slow
def test_memory_over_100_epochs_is_flat_but_for_the_history(tmp_path, probes):
    model = small_cnn()
    callback = SaliencyCallback(probes, tmp_path, ["grad_cam", "vanilla_gradients"], num_drawn=2)
    callback.observe(model, -1)
    tracemalloc.start()
    held = {}
    for epoch in range(100):
        model.layers[0].kernel.assign(model.layers[0].kernel * 1.001)
        callback.observe(model, epoch)
        if epoch in (29, 99):
            held[epoch] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    callback.close()
    history = callback.history
    assert len(history.epochs) == 101
    heatmaps = sum(history.heatmaps(m, 0).size * 2 for m in history.methods)
    statistics = sum(np.size(v[0]) * 4 for m in history.methods for v in history[m].values())
    per_epoch = (held[99] - held[29]) / 70
    # What Python adds for the arrays and dicts of an epoch is some 200 bytes for each.
    num_arrays = sum(len(history[m]) for m in history.methods) + 8
    assert per_epoch < heatmaps + statistics + 400 * num_arrays
    assert len(events_of(callback.run_dir)["saliency/grad_cam/overlays"]) == 101
