"""Real faults: full, missing and read-only disks, no memory, diverging trainings, odd uses."""

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from helpers.events import epochs_of
from helpers.training import At, fit

from keras_saliency import SaliencyCallback
from keras_saliency.history import History

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
    environment["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its allocator waits ten seconds before it says no
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
        **options,
    )


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
