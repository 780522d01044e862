"""What is done beside the training: by one thread, one job at a time, and nothing is lost."""

import threading
import time

import keras
import pytest
from helpers.events import epochs_of
from helpers.training import Recorder, fit

from keras_saliency import SaliencyCallback
from keras_saliency.sinks import FolderSink
from keras_saliency.training.background import BackgroundThread


def test_pictures_and_files_are_made_in_one_background_thread(tmp_path, data, probes):
    recorder = Recorder()
    fit(SaliencyCallback(probes, tmp_path, sinks=recorder), data, epochs=3)
    assert [r.epoch for r in recorder.reports] == [-1, 0, 1, 2, 2]  # the last is the summary
    assert list(recorder.reports[-1].texts) == ["saliency/summary"]
    assert len(recorder.threads) == 1 and "MainThread" not in recorder.threads
    assert not any(t.name in recorder.threads for t in threading.enumerate())


def test_the_training_does_not_wait_for_a_sink_but_nothing_is_dropped(tmp_path, data, probes):
    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            finished.append((epoch, len(recorder.reports), "grad_cam_drift" in logs))
            if epoch == 0:
                recorder.gate.set()

    recorder, finished = Recorder(), []
    callback = SaliencyCallback(probes, tmp_path, sinks=recorder)

    class Shut(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 0:
                callback.history  # noqa: B018, waits for the baseline
                recorder.gate.clear()

    fit([callback, Shut(), Watch()], data, epochs=3)
    assert finished[0] == (0, 1, True), "epoch 0 ended with its keys while its sink hung"
    assert [r.epoch for r in recorder.reports][:4] == [-1, 0, 1, 2]


def test_the_worker_has_one_job_and_hands_on_what_it_raised():
    worker, gate, done = BackgroundThread(), threading.Event(), []
    worker.submit(gate.wait, 20)
    late = threading.Thread(target=worker.submit, args=(done.append, 1))
    late.start()
    time.sleep(0.05)
    assert late.is_alive() and not done, "the second job waits for the first"
    gate.set()
    late.join()
    worker.wait()
    assert done == [1]
    worker.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        worker.submit(done.append, 2)
    worker.submit(lambda: worker.wait())  # its own thread does not wait for itself
    worker.close()
    worker.submit(done.append, 3)
    worker.close()
    assert done == [1, 3]


def test_an_exit_in_the_background_is_not_swallowed(tmp_path, data, probes):
    class Leaves(Recorder):
        def write(self, report):
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        fit(SaliencyCallback(probes, tmp_path, sinks=Leaves()), data)


@pytest.mark.slow
def test_history_can_be_read_from_other_threads_while_training(tmp_path, data, probes):
    callback, is_over = SaliencyCallback(probes, tmp_path), threading.Event()

    def watch():
        while not is_over.is_set():
            callback.history  # noqa: B018

    threads = [threading.Thread(target=watch) for _ in range(3)]
    for thread in threads:
        thread.start()
    fit(callback, data, epochs=8)
    is_over.set()
    for thread in threads:
        thread.join()
    assert callback.history.epochs == list(range(-1, 8))


@pytest.mark.slow
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
