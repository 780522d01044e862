"""Real faults: full, missing and read-only disks, no memory, diverging trainings, odd uses."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.events import epochs_of, events_of
from helpers.networks import SHAPE, draw_data, small_cnn
from helpers.training import At, compiled, fit

from keras_saliency import SaliencyCallback
from keras_saliency.history import History
from keras_saliency.sinks import FolderSink

CAN_MOUNT = os.name == "posix" and hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def tmpfs(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "tmpfs"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not CAN_MOUNT or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_survived_and_written_again_when_there_is_room(tmpfs, data, probes):
    callback = SaliencyCallback(probes, tmpfs, sinks=["tensorboard", "folder"], num_drawn=1)

    def make_room():
        for path in (tmpfs / "saliency").rglob("*.png"):
            path.unlink()
        (tmpfs / "ballast").unlink()

    ballast = At(
        callback,
        e1=lambda: (tmpfs / "ballast").write_bytes(b"x" * (shutil.disk_usage(tmpfs).free - 4096)),
        e5=make_room,
    )
    with pytest.warns(UserWarning, match="It is tried again") as caught:
        history = fit([callback, ballast], data, epochs=8).history
    messages = [str(w.message) for w in caught]
    assert len(history["grad_cam_drift"]) == 8
    assert any("works again" in m for m in messages)
    for part in ("TensorBoardSink", "FolderSink", "history on disk"):
        assert sum(f"{part} failed" in m for m in messages) == 1, (part, messages)
    assert epochs_of(callback.run_dir) == list(range(8)), "scalars of lost epochs came later"
    whole = History.load(callback.run_dir)
    assert whole.epochs == list(range(-1, 8)) and whole == callback.history


def test_a_directory_that_disappears_is_made_again(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path / "logs")
    gone = At(callback, e2=lambda: shutil.rmtree(tmp_path / "logs"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit([callback, gone], data, epochs=6)
    assert any("is tried again" in str(w.message) for w in caught)
    assert epochs_of(callback.run_dir) == [2, 3, 4, 5]
    assert History.load(callback.run_dir).epochs == [2, 3, 4, 5]
    assert callback.history.epochs == list(range(-1, 6))


AS_NOBODY = """
import os, sys, tempfile
sys.path[:0] = [{tests!r}]
import warnings
import numpy as np
import helpers.training
from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.history import History
from helpers.events import epochs_of
from helpers.training import At
rng = np.random.default_rng(0)
data = rng.uniform(size=(40, 18, 14, 3)).astype(np.float32), rng.integers(0, 4, 40)
with tempfile.TemporaryDirectory() as before:  # imports what nobody may not be allowed to read
    warm = SaliencyCallback((data[0][:6], data[1][:6]), before)
    helpers.training.fit(warm, data, epochs=2)
    History.load(warm.run_dir), epochs_of(warm.run_dir)
if os.geteuid() == 0:
    os.chmod({folder!r}, 0o777)
    os.seteuid(65534)
callback = SaliencyCallback(ProbeSet(data[0][:6], data[1][:6]), {folder!r} + "/logs")
def mode(bits):
    for folder, _, _ in os.walk(callback.run_dir):
        os.chmod(folder, bits)
    for folder, _, files in os.walk(callback.run_dir):
        for name in files:
            os.chmod(os.path.join(folder, name), bits & 0o666)
at = At(callback, e2=lambda: mode(0o555), e4=lambda: mode(0o755))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    logs = helpers.training.fit([callback, at], data, epochs=6).history
words = [str(w.message) for w in caught]
assert len(logs["grad_cam_drift"]) == 6
assert sum("history on disk failed" in w for w in words) == 1, words
assert sum("history on disk works again" in w for w in words) == 1, words
assert History.load(callback.run_dir).epochs == [-1, 0, 1, 2, 3, 4, 5]
assert epochs_of(callback.run_dir) == [0, 1, 2, 3, 4, 5]
print("survived")
"""


def python(code, **options):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "HOME": "/tmp"}
    environment["MALLOC_ARENA_MAX"] = "2"  # else each thread takes 128 MiB of address space
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
        **options,
    )


def test_a_directory_that_turns_read_only_is_survived():
    tests = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        done = python(AS_NOBODY.format(tests=tests, folder=folder))
    assert done.stdout.endswith("survived\n"), done.stderr[-3000:]


NO_MEMORY = """
import resource, sys, warnings
sys.path[:0] = [{tests!r}]
import numpy as np
import keras
import tensorflow as tf
from keras import layers
import helpers.training
from keras_saliency import ProbeSet, SaliencyCallback

class Hungry(layers.Layer):
    # 32 MiB for each image, in one piece: the allocator says no and nothing else suffers.
    def call(self, x):
        wide = tf.broadcast_to(tf.reduce_mean(x, [1, 2, 3])[:, None], [tf.shape(x)[0], 2**23])
        return x + 1e-9 * tf.stop_gradient(tf.reduce_max(wide, axis=1))[:, None, None, None]

model = keras.Sequential([layers.Input((8, 8, 3)), Hungry(), layers.Conv2D(4, 3),
    layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")])
model = helpers.training.compiled(model)
rng = np.random.default_rng(0)
images, labels = rng.uniform(size=(64, 8, 8, 3)).astype(np.float32), np.arange(64) % 4
model.fit(images[:4], labels[:4], batch_size=2, verbose=0)
callback = SaliencyCallback((images, labels), {folder!r}, ["vanilla_gradients"], chunk_size=64)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {megabytes} * 2**20,) * 2)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    logs = model.fit(images[:4], labels[:4], batch_size=2, epochs=3, verbose=0,
                     callbacks=[callback]).history
for w in caught:
    print(str(w.message)[:300])
print("keys", len(logs["vanilla_gradients_drift"]), "observed", len(callback.history.epochs))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
@pytest.mark.parametrize(("megabytes", "words"), [(1950, "observed 4"), (950, "switched off")])
def test_out_of_memory_halves_the_chunk_once_and_never_ends_the_training(
    tmp_path, megabytes, words
):
    tests = str(Path(__file__).parents[1])
    done = python(NO_MEMORY.format(tests=tests, folder=str(tmp_path), megabytes=megabytes))
    assert "keys 3" in done.stdout, done.stderr[-2000:]
    assert done.stdout.count("out of memory with chunk_size=64") == 1
    assert words in done.stdout


@pytest.fixture(scope="module")
def weights_of_a_training_alone():
    return weights_after(draw_data(np.random.default_rng(7)), [])


def weights_after(data, callbacks, epochs=5):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = compiled(small_cnn())
    fit(callbacks, data, model, epochs=epochs)
    return [np.array(w) for w in model.weights]


class Fails:
    """A part that always fails, and counts how often it is asked."""

    def __init__(self, error=None):
        self.calls, self.error = 0, error or RuntimeError("broken")

    def __call__(self, *args, **kwargs):
        self.calls += 1
        raise self.error


PARTS = {
    "observing": ("keras_saliency.attribution.model_graph.ModelGraph.attribute", {"epochs": []}),
    "the statistic gini": ("gini", {"missing": "gini"}),
    "drawing": ("keras_saliency.training.album.Album.draw", {}),
    "TensorBoardSink": ("keras_saliency.sinks.TensorBoardSink.write", {"events": False}),
    "history": ("keras_saliency.history.History.append", {"epochs": []}),
    "health of the maps": ("keras_saliency.training.health.Health.check_maps", {}),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_is_reported_once_and_switched_off_and_the_rest_goes_on(
    tmp_path, data, probes, monkeypatch, caplog, part, weights_of_a_training_alone
):
    from keras_saliency.statistics import STATISTICS

    target, consequences = PARTS[part]
    fails = Fails()
    if "." in target:
        monkeypatch.setattr(target, fails)
    else:
        import dataclasses

        broken = dataclasses.replace(STATISTICS[target], measure=fails)
        monkeypatch.setitem(STATISTICS, target, broken)
    callback = SaliencyCallback(probes, tmp_path, detectors=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        weights = weights_after(data, [callback])
    words = [str(w.message) for w in caught]
    assert sum(f"{part} failed and is left out: RuntimeError: broken" in w for w in words) == 1
    assert sum(f"{part} failed 3 times in a row and is switched off" in w for w in words) == 1
    assert fails.calls == 3
    assert "Traceback" in caplog.text
    for a, b in zip(weights_of_a_training_alone, weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert callback.history.epochs == consequences.get("epochs", [-1, 0, 1, 2, 3, 4])
    if "missing" in consequences:
        assert consequences["missing"] not in callback.history["grad_cam"]
        assert "entropy" in callback.history["grad_cam"]
    has_events = "saliency/grad_cam/gini" in events_of(callback.run_dir)
    assert has_events is (part not in ("TensorBoardSink", "observing", "the statistic gini"))


def test_a_part_that_recovers_is_not_switched_off(tmp_path, data, probes):
    class Moody(FolderSink):
        calls = 0

        def write(self, report):
            self.calls += 1
            if self.calls % 3:
                raise RuntimeError("not now")

    sink = Moody()
    with pytest.warns(UserWarning, match="Moody failed and is left out: RuntimeError: not now"):
        fit(SaliencyCallback(probes, tmp_path, sinks=sink), data, epochs=8)
    assert sink.calls == 10  # the baseline, 8 epochs, the summary


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_exits_are_never_swallowed(tmp_path, data, probes, monkeypatch, error):
    monkeypatch.setattr(
        "keras_saliency.attribution.model_graph.ModelGraph.attribute", Fails(error())
    )
    with pytest.raises(error):
        fit(SaliencyCallback(probes, tmp_path), data)


class Poison(keras.callbacks.Callback):
    """Spoils the weights of the last layer before an epoch ends."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def on_train_batch_end(self, batch, logs=None):
        kernel = self.model.layers[-1].kernel
        kernel.assign(kernel * self.value if np.isfinite(self.value) else kernel + self.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, r"Epoch 1: the training has diverged: .* NaN or infinite for 6 of 6.*/kernel"),
        (np.inf, r"Epoch 1: the training has diverged"),
        (1e6, r"Epoch \d: the softmax is saturated"),
        (0.0, r"6 of 6 heatmaps are all zero"),
    ],
)
def test_a_training_that_diverges_is_reported_and_not_crashed_on(
    tmp_path, data, probes, value, words
):
    callback = SaliencyCallback(probes, tmp_path, ["grad_cam", "vanilla_gradients"])
    poison = Poison(value)
    model = compiled(small_cnn())
    model.layers[-1].trainable = value != 0
    with pytest.warns(UserWarning, match=words) as caught:
        history = fit([poison, callback], data, compiled(model), epochs=3).history
    told = [str(w.message) for w in caught if "has diverged:" in str(w.message)]
    assert len(told) <= 1
    assert np.isfinite(history["grad_cam_drift"]).all()
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert History.load(callback.run_dir) == callback.history


def test_a_certain_model_that_is_right_is_not_accused(tmp_path, rng):
    labels = np.arange(40) % 2
    images = rng.uniform(size=(40, *SHAPE)).astype(np.float32) * 0.1 + labels[:, None, None, None]
    model = keras.Sequential(
        [keras.layers.Input(SHAPE), keras.layers.Conv2D(1, 3, use_bias=False),
         keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2), keras.layers.Softmax()]
    )  # fmt: skip
    model.layers[0].kernel.assign(tf.fill(model.layers[0].kernel.shape, 1.0))
    model.layers[2].kernel.assign([[-1000.0, 1000.0]])
    model.layers[2].bias.assign([15000.0, -15000.0])
    model.trainable = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(SaliencyCallback((images[:8], labels[:8]), tmp_path), (images, labels), compiled(model))
    assert model.predict(images[:8], verbose=0).max(axis=1).min() == 1
    assert not any("saturated" in str(w.message) for w in caught)


def test_a_file_system_of_tensorflows_is_written_and_read(data, probes):
    log_dir = f"ram://keras_saliency_test_{os.getpid()}/logs"
    model = compiled(small_cnn())
    fit(SaliencyCallback(probes, log_dir, sinks=["tensorboard", "folder"]), data, model, epochs=2)
    again = SaliencyCallback(probes, log_dir)
    fit(again, data, model, epochs=4, initial_epoch=2)
    assert again.run_dir == f"{log_dir}/saliency"
    assert again.history.epochs == [-1, 0, 1, 2, 3]
    assert again.history.heatmaps("grad_cam", 0).shape[0] == 6
    assert History.load(again.run_dir) == again.history
    names = tf.io.gfile.listdir(again.run_dir)
    assert any(name.startswith("events") for name in names)
    assert "grad_cam_filmstrip.png" in tf.io.gfile.listdir(f"{again.run_dir}/pictures")
    fit(SaliencyCallback(probes, log_dir), data, model, epochs=1)
    assert tf.io.gfile.exists(f"{log_dir}/saliency_2/history/epoch_00000.npz")


def test_two_callbacks_in_one_fit_write_beside_each_other(tmp_path, data, probes):
    one, two = (SaliencyCallback(probes, tmp_path) for _ in range(2))
    fit([one, two], data, epochs=2)
    assert [c.run_dir for c in (one, two)] == [
        str(tmp_path / n) for n in ("saliency", "saliency_2")
    ]
    assert one.history == two.history or one.history.epochs == two.history.epochs
    for callback in (one, two):
        assert epochs_of(callback.run_dir) == [0, 1]


def test_one_instance_in_fit_evaluate_and_predict(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path)
    model = compiled(small_cnn())
    model.evaluate(*data, verbose=0, callbacks=[callback])
    model.predict(data[0], verbose=0, callbacks=[callback])
    assert callback.history.epochs == [] and not list(tmp_path.iterdir())
    fit(callback, data, model, epochs=2)
    model.evaluate(*data, verbose=0, callbacks=[callback])
    model.predict(data[0], verbose=0, callbacks=[callback])
    assert callback.history.epochs == [-1, 0, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["saliency"]


def test_trainings_in_threads(tmp_path, data, probes):
    callbacks = [SaliencyCallback(probes, tmp_path / str(i), on_error="raise") for i in range(3)]
    threads = [threading.Thread(target=fit, args=(callback, data)) for callback in callbacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for callback in callbacks:
        assert callback.history.epochs == [-1, 0, 1]
        assert epochs_of(callback.run_dir) == [0, 1]


def test_a_training_that_others_stop(tmp_path, data, probes):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    callback = SaliencyCallback(probes, tmp_path)
    fit([Stop(), callback], data, epochs=9)
    assert callback.history.epochs == [-1, 0, 1] and epochs_of(callback.run_dir) == [0, 1]


def test_a_fit_that_ends_in_an_error_leaves_its_callback_and_directory_usable(
    tmp_path, data, probes
):
    class Bug(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ZeroDivisionError

    callback, model = SaliencyCallback(probes, tmp_path), compiled(small_cnn())
    with pytest.raises(ZeroDivisionError):
        fit([callback, Bug()], data, model)
    assert callback.history.epochs == [-1, 0]
    fit(callback, data, model, epochs=3, initial_epoch=1)
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert [p.name for p in tmp_path.iterdir()] == ["saliency"]
    assert epochs_of(callback.run_dir) == [0, 1, 2]


def test_a_loop_of_ones_own_may_change_its_model(tmp_path, probes):
    callback = SaliencyCallback(probes, tmp_path)
    reports = [callback.observe(small_cnn(), epoch) for epoch in (0, 1)]
    callback.close()
    assert [r.epoch for r in reports] == [0, 1]
    assert callback.history.epochs == [0, 1]


class Odd(BaseException):
    def __str__(self):
        raise RuntimeError("no words")


def test_odd_exceptions_of_a_sink_are_contained(tmp_path, data, probes):
    class Sink(FolderSink):
        def write(self, report):
            raise Odd

    callback = SaliencyCallback(probes, tmp_path, sinks=[Sink(), "tensorboard"])
    with pytest.warns(UserWarning, match="Sink failed and is left out: Odd"):
        fit(callback, data, epochs=3)
    assert callback.history.epochs == [-1, 0, 1, 2]
    assert epochs_of(callback.run_dir) == [0, 1, 2]


def test_a_sink_that_uses_the_callback_does_not_hang(tmp_path, data, probes):
    class Sink(FolderSink):
        def write(self, report):
            seen.append(callback.history.epochs)
            callback.close()

    seen = []
    callback = SaliencyCallback(probes, tmp_path, sinks=Sink())
    with pytest.warns(UserWarning, match="cannot close the run that it writes for"):
        fit(callback, data, epochs=3)
    assert seen[0] == [-1]


def test_a_training_in_a_thread_outlives_the_main_thread(tmp_path):
    tests = str(Path(__file__).parents[1])
    code = f"""
import sys, threading, time
sys.path[:0] = [{tests!r}]
import numpy as np
from helpers.networks import small_cnn
from keras_saliency import SaliencyCallback
rng = np.random.default_rng(0)
images, labels = rng.uniform(size=(6, 18, 14, 3)).astype(np.float32), rng.integers(0, 4, 6)
callback = SaliencyCallback((images, labels), {str(tmp_path)!r})
def train():  # a loop of its own: Keras's fit may not outlive the main thread either
    model = small_cnn()
    for epoch in range(-1, 6):
        callback.observe(model, epoch)
        time.sleep(0.3)
    callback.close()
    print("observed", callback.history.epochs)
threading.Thread(target=train).start()
time.sleep(2)
"""
    done = python(code)
    assert "observed [-1, 0, 1, 2, 3, 4, 5]" in done.stdout, done.stderr[-2000:]


@pytest.mark.parametrize("epoch", [np.int64(2), np.int32(2)])
def test_epochs_of_a_loop_may_be_numbers_of_numpy(tmp_path, probes, epoch):
    callback = SaliencyCallback(probes, tmp_path)
    model = small_cnn()
    for number in (np.int64(-1), 0, epoch, 3):
        callback.observe(model, number)
    callback.close()
    assert History.load(callback.run_dir).epochs == [-1, 0, 2, 3]
    with pytest.raises(ValueError, match="epoch must be an int of at least -1"):
        callback.observe(model, 4.0)
