"""The callback in real `model.fit` calls: what it writes, and that it only observes."""

import random
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import events_of
from helpers.networks import ALL_METHODS, small_cnn
from helpers.training import OURS, compiled, fit
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.methods import GradCAM
from keras_saliency.sinks import FolderSink

SHAPE = (18, 14, 3)


@pytest.fixture
def data(rng):
    images = rng.uniform(size=(40, *SHAPE)).astype(np.float32)
    return images, rng.integers(0, 4, 40)


@pytest.fixture
def probes(data):
    images, labels = data
    return ProbeSet(images[:6], labels[:6], class_names=["ant", "bee", "cat", "dog"])


DRIFTS = ["drift", "rank_correlation", "iou", "ssim", "jensen_shannon", "centroid_shift"]
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
    drifts = {f"{d}_{r}" for d in DRIFTS for r in ("previous", "first", "start")}
    means = {f"saliency/{m}/{s}" for m in names for s in STATISTICS | drifts}
    scalars = {tag for tag in by_plugin["scalars"] if not tag.endswith("_worst")}
    assert scalars == means | {"saliency/cost/blocking_seconds", "saliency/cost/share_of_epoch"}
    worst = {tag.removesuffix("_worst") for tag in by_plugin["scalars"] - scalars}
    assert worst <= means and f"saliency/{names[0]}/drift_previous" in worst
    tab = {f"saliency_tab/{kind}/{m}" for kind in ("maps", "numbers") for m in names}
    tab |= {f"saliency_tab/{kind}" for kind in ("probes", "pictures", "predictions")}
    assert by_plugin["saliency"] == tab
    assert set(by_plugin) == {"images", "text", "custom_scalars", "scalars", "saliency"}


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


def test_a_folder_of_png_files_is_a_second_sink(tmp_path, data, probes):
    sinks = ["tensorboard", FolderSink(str(tmp_path / "pictures"))]
    fit(SaliencyCallback(probes, tmp_path / "logs", sinks=sinks), data)
    files = sorted(
        str(p.relative_to(tmp_path / "pictures")) for p in (tmp_path / "pictures").rglob("*.png")
    )
    assert files == [
        "grad_cam_filmstrip.png",
        "grad_cam_overlays/epoch_00000.png",
        "grad_cam_overlays/epoch_00001.png",
        "grad_cam_overlays/start.png",
    ]


class Snapshot(keras.callbacks.Callback):
    """Everything that a training leaves behind, bit for bit."""

    def on_train_end(self, logs=None):
        self.state = {
            "model": [np.array(v) for v in self.model.variables],
            "optimizer": [np.array(v) for v in self.model.optimizer.variables],
            "numpy": np.random.get_state()[1],
            "python": random.getstate(),
            "draws": [tf.random.uniform((3,)).numpy(), np.array(keras.random.normal((3,)))],
        }


class MonteCarlo(keras.Model):
    """Unbuilt until its first call, and drawing in every call, inside a tf.function if `hidden`."""

    def __init__(self, hidden):
        super().__init__()
        self.convolution, self.dropout = layers.Conv2D(4, 3), layers.Dropout(0.5)
        self.pool, self.head = layers.GlobalAveragePooling2D(), layers.Dense(4)
        self.softmax = layers.Softmax()
        self.noise = tf.random.Generator.from_seed(1)
        self.draw = tf.function(self.drop) if hidden else self.drop

    def drop(self, x):
        x = x + 0.1 * self.noise.normal(tf.shape(x))
        return self.dropout(x, training=True)

    def call(self, x):
        return self.softmax(self.head(self.draw(self.pool(self.convolution(x)))))


def restless(built=True):
    parts = [
        layers.RandomFlip(),
        layers.RandomTranslation(0.1, 0.1),
        layers.Conv2D(4, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Dropout(0.4),
        layers.Flatten(),
        layers.Dense(4, activation="softmax"),
    ]
    return keras.Sequential(([layers.Input(SHAPE)] if built else []) + parts)


MODELS = {
    "built": lambda: restless(True),
    "unbuilt": lambda: restless(False),
    "drawing": lambda: MonteCarlo(False),
    "drawing_in_a_function": lambda: called(MonteCarlo(True)),
}


def called(model):
    # Unbuilt, such a model depends on who traces its tf.function first; in Keras alone
    # its dropout then never changes.
    model(np.zeros((1, *SHAPE), np.float32))
    return model


@pytest.mark.parametrize("model", MODELS)
def test_the_training_is_the_same_bit_for_bit(tmp_path, data, probes, model):
    states, histories = [], []
    methods = ["grad_cam", "vanilla_gradients"]
    for callbacks in ([], [SaliencyCallback(probes, tmp_path, methods, on_error="raise")]):
        keras.backend.clear_session()
        keras.utils.set_random_seed(11)
        snapshot = Snapshot()
        history = fit(
            [*callbacks, snapshot],
            data,
            compiled(MODELS[model](), "adam"),
            epochs=3,
            validation_split=0.2,
        )
        histories.append({k: v for k, v in history.history.items() if k not in OURS})
        states.append(snapshot.state)
    assert histories[0] == histories[1]
    for key, without in states[0].items():
        for a, b in zip(without, states[1][key], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=key)


def test_log_keys_are_present_and_finite_in_every_epoch(tmp_path, data, probes):
    callback = SaliencyCallback(
        probes, tmp_path, epoch_freq=3, log_keys=("drift", "gini", "iou_start")
    )
    history = fit(callback, data, epochs=5).history
    for key in ("grad_cam_drift", "grad_cam_gini", "grad_cam_iou_start"):
        assert len(history[key]) == 5 and np.isfinite(history[key]).all()
        assert history[key][0] == history[key][1] == history[key][2] != history[key][3]
    assert callback.history.epochs == [-1, 0, 3]


def test_dead_maps_leave_finite_logs_and_one_warning(tmp_path, data, probes):
    model = small_cnn()
    model.layers[-1].kernel.assign(0 * model.layers[-1].kernel)
    model.trainable = False
    with pytest.warns(UserWarning, match="6 of 6 heatmaps are all zero") as caught:
        history = fit(SaliencyCallback(probes, tmp_path), data, compiled(model), epochs=3).history
    assert history["grad_cam_drift"] == [0.0, 0.0, 0.0]
    assert sum("all zero" in str(w.message) for w in caught) == 1
    empty = events_of(tmp_path / "saliency")["saliency/grad_cam/empty_fraction"]
    assert [float(v) for _, _, v in empty] == [1.0] * 4


def test_the_same_instance_serves_two_fits(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    model = compiled(small_cnn())
    fit(callback, data, model)
    assert callback.run_dir == str(tmp_path / "saliency")
    fit(callback, data, model, epochs=3)
    assert callback.run_dir == str(tmp_path / "saliency_2")
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert events_of(callback.run_dir)["saliency/grad_cam/overlays"][-1][0] == 2


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


def test_a_failing_sink_does_not_end_the_training(tmp_path, data, probes):
    class Broken(FolderSink):
        def write(self, report):
            raise OSError("no space left")

    with pytest.warns(UserWarning, match="Broken failed and is left out: OSError: no space left"):
        history = fit(
            SaliencyCallback(probes, tmp_path, sinks=[Broken(), "tensorboard"]), data, epochs=5
        )
    assert len(history.history["grad_cam_drift"]) == 5
    assert len(events_of(tmp_path / "saliency")["saliency/grad_cam/overlays"]) == 6
    with pytest.raises(OSError, match="no space left"):
        fit(SaliencyCallback(probes, tmp_path, sinks=Broken(), on_error="raise"), data)


@pytest.mark.filterwarnings("error::UserWarning")
def test_nothing_of_ours_ends_a_training_where_warnings_are_errors(tmp_path, data, probes):
    model = small_cnn()
    model.layers[-1].kernel.assign(0 * model.layers[-1].kernel)
    model.layers[-1].trainable = False
    fit(SaliencyCallback(probes, tmp_path), data, compiled(model))


def test_a_run_that_goes_on_keeps_its_start(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, epoch_freq=3)
    model = compiled(small_cnn())
    fit(callback, data, model, epochs=5)
    fit(callback, data, model, epochs=8, initial_epoch=5)
    assert callback.history.epochs == [-1, 0, 3, 6]


def test_probabilities_without_a_softmax_are_refused_before_the_first_step(data, probes, tmp_path):
    bare = small_cnn()
    model = compiled(keras.Model(bare.inputs, keras.ops.clip(bare.outputs[0], 1e-7, 1.0)))
    refused(data, "outputs are probabilities", probes, tmp_path, model=model)


def refused(data, message, *args, model=None, error=ValueError, **options):
    """The callback must refuse before the first training step."""
    model = model or compiled(small_cnn())
    before = [np.array(w) for w in model.weights]
    with pytest.raises(error, match=message):
        fit(SaliencyCallback(*args, **options), data, model)
    for a, b in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_probes_for_the_model_leave_nothing_behind(tmp_path, data, rng):
    logs = tmp_path / "new" / "logs"
    wrong_size = ProbeSet(rng.uniform(size=(4, 9, 9, 3)), [0, 1, 2, 3])
    refused(data, r"\(9, 9, 3\) do not fit the model", wrong_size, logs)
    wrong_labels = ProbeSet(rng.uniform(size=(4, *SHAPE)), [0, 1, 2, 4])
    refused(data, "labels out of range for the model", wrong_labels, logs)
    right = ProbeSet(rng.uniform(size=(4, *SHAPE)), [0, 1, 2, 3])
    refused(data, "does not have", right, logs, GradCAM(layer="conv_7"))
    refused(data, r"target must lie in 0 \.\.\. 3", right, logs, target=7)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_log_directory(tmp_path, data, probes):
    (tmp_path / "logs").write_text("a file")
    refused(data, "log_dir must be a directory", probes, tmp_path / "logs")
    refused(data, "log_dir must be a directory", probes, tmp_path / "logs" / "deeper")


def test_an_unwritable_log_directory(data, probes):
    refused(data, "log_dir cannot be written to", probes, "/proc/keras_saliency")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epoch_freq": 0}, ValueError, "epoch_freq must be an int of at least 1. Received: 0"),
        ({"epoch_freq": 1.5}, ValueError, "epoch_freq must be an int"),
        ({"num_drawn": 0}, ValueError, "num_drawn must be an int of at least 1"),
        ({"chunk_size": -3}, ValueError, "chunk_size must be an int of at least 1"),
        ({"target": "truth"}, ValueError, 'target must be "label", "predicted" or a class index'),
        ({"target": -1}, ValueError, "target must be"),
        ({"target": True}, ValueError, "target must be"),
        ({"log_keys": ("drfit",)}, ValueError, 'unknown statistic "drfit"'),
        (
            {"log_keys": ("object_mass",)},
            ValueError,
            "needs object_masks, but the probes have none",
        ),
        ({"log_keys": "drift"}, TypeError, "log_keys must be a sequence of names"),
        ({"log_keys": ("drift", "drift")}, ValueError, "twice"),
        ({"log_keys": ("drift", "drift_previous")}, ValueError, "twice"),
        ({"log_keys": ("method_agreement",)}, ValueError, "needs two methods"),
        ({"log_dir": "a\0b"}, ValueError, "no path that a file system takes"),
        ({"log_keys": None}, TypeError, "log_keys must be a sequence of names"),
        ({"methods": "cam"}, ValueError, 'unknown method "cam"'),
        ({"sinks": "wandb"}, ValueError, 'unknown sink "wandb"'),
        ({"sinks": [3]}, TypeError, "names or Sink objects"),
        ({"on_error": "ignore"}, ValueError, 'on_error must be "warn" or "raise"'),
        ({"log_dir": None}, TypeError, "log_dir must be a path. Received: None"),
        ({"log_dir": ""}, TypeError, "log_dir must be a path"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(tmp_path, probes, options, error, message):
    with pytest.raises(error, match=message):
        SaliencyCallback(probes, **({"log_dir": tmp_path} | options))


def test_probes_may_be_images_and_labels(tmp_path, data):
    callback = SaliencyCallback((data[0][:4], data[1][:4]), tmp_path)
    assert len(callback.probes) == 4
    with pytest.warns(UserWarning, match="have no labels, so the predicted class is explained"):
        callback = SaliencyCallback(ProbeSet(data[0][:4]), tmp_path)
    assert callback.target == "predicted"


def test_a_run_is_never_written_over(tmp_path, data, probes):
    for expected in ("saliency", "saliency_2", "saliency_3"):
        callback = SaliencyCallback(probes, tmp_path)
        fit(callback, data, epochs=1)
        assert Path(callback.run_dir).name == expected
