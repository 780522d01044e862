"""The callback in real `model.fit` calls: what it writes, and that it only observes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import events_of
from helpers.networks import ALL_METHODS, SHAPE, small_cnn
from helpers.training import compiled, fit, refused

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.statistics import MEASURES, REFERENCES

DRIFTS = {"drift_previous", "drift_first", "drift_start"}
STATISTICS = {
    "gini", "entropy", "centroid_y", "centroid_x", "spread", "border_enrichment", "gradient_norm",
    "empty_fraction", "class_consistency", "image_dependence", "mean_map_concentration",
    "method_agreement",
}  # fmt: skip


def test_exactly_these_tags_are_written(tmp_path, data, probes):
    fit(SaliencyCallback(probes, tmp_path, ["grad_cam", "vanilla_gradients"]), data, epochs=3)
    events = events_of(tmp_path / "saliency")
    by_plugin = {}
    for tag, entries in events.items():
        by_plugin.setdefault(entries[0][1], set()).add(tag)
    names = ("grad_cam", "vanilla_gradients")
    assert by_plugin["images"] == {
        f"saliency/{m}/{k}" for m in names for k in ("overlays", "filmstrip")
    }
    assert by_plugin["text"] == {"saliency/settings", "saliency/summary"}
    assert by_plugin["custom_scalars"] == {"custom_scalars__config__"}
    means = {f"saliency/{m}/{s}" for m in names for s in STATISTICS | DRIFTS}
    scalars = {tag for tag in by_plugin["scalars"] if not tag.endswith("_worst")}
    assert scalars == means | {"saliency/cost/blocking_seconds", "saliency/cost/share_of_epoch"}
    worst = {tag.removesuffix("_worst") for tag in by_plugin["scalars"] - scalars}
    assert worst <= means and f"saliency/{names[0]}/drift_previous" in worst
    tab = {f"saliency_tab/{kind}/{m}" for kind in ("maps", "numbers") for m in names}
    kinds = ("probes", "pictures", "predictions", "tested", "metrics")
    tab |= {f"saliency_tab/{kind}" for kind in kinds}
    assert by_plugin["saliency"] == tab
    assert set(by_plugin) == {"images", "text", "custom_scalars", "scalars", "saliency"}


def test_other_drifts_are_written_where_logs_show_them(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, log_keys=("iou_start",), detectors=None)
    history = fit(callback, data, epochs=2)
    prefix = "saliency/grad_cam/"
    scalars = {tag.removeprefix(prefix) for tag in events_of(tmp_path / "saliency")}
    drifts = {f"{m}_{r}" for m in MEASURES for r in REFERENCES}
    assert scalars & drifts == {"drift_previous", "drift_start", "drift_first", "iou_start"}
    means = np.nanmean(callback.history["grad_cam"]["iou_start"][1:], axis=1)
    np.testing.assert_allclose(history.history["grad_cam_iou_start"], means, rtol=1e-5)


def test_steps_are_epochs_and_the_baseline_stands_before_them(tmp_path, data, probes):
    fit(SaliencyCallback(probes, tmp_path), data, epochs=3)
    events = events_of(tmp_path / "saliency")
    assert [s for s, _, _ in events["saliency/grad_cam/overlays"]] == [-1, 0, 1, 2]
    assert [s for s, _, _ in events["saliency/grad_cam/drift_previous"]] == [0, 1, 2]
    assert [s for s, _, _ in events["saliency/grad_cam/drift_first"]] == [1, 2]


def test_scalars_are_the_means_of_history(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    history = fit(callback, data, epochs=3)
    drift = callback.history["grad_cam"]["drift_previous"]
    assert callback.history.epochs == [-1, 0, 1, 2] and drift.shape == (4, 6)
    written = [
        v for _, _, v in events_of(tmp_path / "saliency")["saliency/grad_cam/drift_previous"]
    ]
    np.testing.assert_allclose(written, np.nanmean(drift[1:], axis=1), rtol=1e-5)
    np.testing.assert_allclose(history.history["grad_cam_drift"], written, rtol=1e-5)


def test_drift_equals_its_formula_on_the_recorded_heatmaps(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    fit(callback, data, epochs=3)
    history = callback.history
    for i, epoch in enumerate(history.epochs[1:], 1):
        pairs = [history.heatmaps("grad_cam", e) for e in (epoch - 1, epoch)]
        for probe in range(6):
            before, now = (
                tf.image.resize(p[probe][..., None], SHAPE[:2]).numpy().ravel() for p in pairs
            )
            if before.std() == 0 or now.std() == 0:
                continue
            expected = 1 - np.corrcoef(before, now)[0, 1]
            assert history["grad_cam"]["drift_previous"][i, probe] == pytest.approx(
                expected, abs=5e-3
            )


def test_pictures_are_png_of_the_size_they_say(tmp_path, data, probes):
    fit(SaliencyCallback(probes, tmp_path), data, epochs=1)
    for kind in ("overlays", "filmstrip"):
        width, height, png = events_of(tmp_path / "saliency")[f"saliency/grad_cam/{kind}"][-1][2]
        decoded = tf.io.decode_png(png)
        assert decoded.shape == (int(height), int(width), 3)


def test_the_settings_page_says_what_was_resolved(tmp_path, data, probes):
    fit(SaliencyCallback(probes, tmp_path, ALL_METHODS), data, epochs=1)
    page = events_of(tmp_path / "saliency")["saliency/settings"][0][2].item().decode()
    for part in (
        "conv\\_2",
        "logit before the softmax of dense\\_2",
        "3 ReLU nodes",
        probes.fingerprint,
        "2.",
        "reduction",
    ):
        assert part in page, part


def test_a_fit_that_goes_on_continues_the_run(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    model = compiled(small_cnn())
    fit(callback, data, model)
    fit(callback, data, model, epochs=4, initial_epoch=2)
    assert callback.history.epochs == [-1, 0, 1, 2, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["saliency"]
    assert np.isfinite(callback.history["grad_cam"]["drift_start"][-1]).any()
    steps = [s for s, _, _ in events_of(callback.run_dir)["saliency/grad_cam/overlays"]]
    assert steps == [-1, 0, 1, 2, 3]


def test_one_trace_per_fit(tmp_path, data, probes, monkeypatch):
    from keras_saliency.training import run

    graphs = []

    class Counted(run.ModelGraph):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            graphs.append(self)

    monkeypatch.setattr(run, "ModelGraph", Counted)
    fit(SaliencyCallback(probes, tmp_path), data, epochs=4)
    assert [g.num_traces for g in graphs] == [1]


def test_it_can_be_used_in_a_loop_of_ones_own(tmp_path, data, probes):
    model, callback = small_cnn(), SaliencyCallback(probes, tmp_path)
    for epoch in (-1, 0, 1):
        report = callback.observe(model, epoch)
        model.layers[0].kernel.assign(model.layers[0].kernel * 1.1)
    callback.close()
    assert report.epoch == 1 and "saliency/grad_cam/overlays" in report.pictures
    assert callback.history.epochs == [-1, 0, 1]
    assert events_of(callback.run_dir)["saliency/grad_cam/filmstrip"]


def test_a_run_that_goes_on_keeps_its_start(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, epoch_freq=3)
    model = compiled(small_cnn())
    fit(callback, data, model, epochs=5)
    fit(callback, data, model, epochs=8, initial_epoch=5)
    assert callback.history.epochs == [-1, 0, 3, 6]


def test_probabilities_without_a_softmax_are_refused_before_the_first_step(data, probes, tmp_path):
    bare = small_cnn()
    hidden = keras.layers.Lambda(lambda x: tf.map_fn(tf.identity, x))(bare.outputs[0])
    model = compiled(keras.Model(bare.inputs, hidden))
    refused(data, "outputs are probabilities", probes, tmp_path, model=model)


def test_probes_may_be_images_and_labels(tmp_path, data):
    callback = SaliencyCallback((data[0][:4], data[1][:4]), tmp_path)
    assert len(callback.probes) == 4
    with pytest.warns(UserWarning, match="have no labels, so the predicted class is explained"):
        callback = SaliencyCallback(ProbeSet(data[0][:4]), tmp_path)
    assert callback.target == "predicted"
