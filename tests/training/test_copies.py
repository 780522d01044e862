"""Copies and pickles of a callback and its history, as tuners and parallel searches make them."""

import copy
import multiprocessing
import pickle

import keras
import numpy as np
import pytest
from helpers.networks import small_cnn
from helpers.tagged_training import draw, network, probes_of
from helpers.training import At, compiled, fit

from keras_saliency import History, SaliencyCallback
from keras_saliency.history.entry import MapsOnDisk
from keras_saliency.sinks import FolderSink

METHODS = ["grad_cam", "vanilla_gradients"]


def by_cloudpickle(original):
    cloudpickle = pytest.importorskip("cloudpickle")
    return cloudpickle.loads(cloudpickle.dumps(original))


WAYS = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda original: pickle.loads(pickle.dumps(original)),
    "cloudpickle": by_cloudpickle,
}


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """A training with an alert, in TensorBoard and in a folder."""
    keras.utils.set_random_seed(3)
    model = network()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    sinks = ["tensorboard", FolderSink()]
    callback = SaliencyCallback(
        probes_of(), tmp_path_factory.mktemp("logs"), METHODS, detectors=["stationary"], sinks=sinks
    )
    fit(callback, draw(240, 1), model)
    assert callback.alerts
    return callback


@pytest.mark.parametrize("way", WAYS)
def test_a_history_is_the_same_after_a_round_trip(tagged, way):
    again = WAYS[way](tagged.history)
    assert isinstance(again, History) and again == tagged.history
    assert len(again) == len(tagged.history) == 2
    for method in METHODS:
        for epoch in (-1, 0, 1):
            maps = tagged.history.heatmaps(method, epoch)
            np.testing.assert_array_equal(again.heatmaps(method, epoch), maps)
    assert again.class_names == ["red", "green", "blue"]


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_not_changed_with_its_original(way):
    history = History(labels=[0, 1])
    history.append(0, ([0, 1], [0.5, 0.5]), {"m": {"s": [1, 2]}}, {"m": np.ones((2, 3, 3))})
    again = WAYS[way](history)
    history.append(1, ([0, 1], [0.5, 0.5]), {"m": {"s": [3, 4]}}, {})
    again.append(2, ([1, 1], [0.5, 0.5]), {"n": {"s": [3, 4]}}, {"n": np.ones((2, 5, 5))})
    assert history.epochs == [0, 1] and again.epochs == [0, 2]
    assert history.methods == ["m"] and again.methods == ["m", "n"]
    history.append(3, ([0, 1], [0.5, 0.5]), {}, {"n": np.ones((2, 4, 4))})


def test_a_pickled_history_needs_no_files(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, METHODS, detectors=None)
    fit(callback, data)
    assert isinstance(callback.history.entries[0].heatmaps, MapsOnDisk)
    maps = callback.history.heatmaps("grad_cam", 1)
    content = pickle.dumps(callback.history)
    for path in (tmp_path / "saliency" / "history").iterdir():
        path.unlink()
    np.testing.assert_array_equal(pickle.loads(content).heatmaps("grad_cam", 1), maps)


def test_an_empty_history_is_pickled_too():
    assert pickle.loads(pickle.dumps(History(names=["a"]))) == History(names=["a"])


def ask_in_another_process(content):
    callback = pickle.loads(content)
    return callback.history.epochs, len(callback.alerts), callback.run_dir


@pytest.mark.slow
def test_a_callback_is_read_in_another_process(tagged):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        told = pool.apply(ask_in_another_process, (pickle.dumps(tagged),))
    assert told == ([-1, 0, 1], len(tagged.alerts), tagged.run_dir)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_knows_the_results_so_far(tagged, way):
    again = WAYS[way](tagged)
    assert again.history == tagged.history and again.run_dir == tagged.run_dir
    assert again.summary() == tagged.summary()
    assert [a.to_dict() for a in again.findings] == [a.to_dict() for a in tagged.findings]
    for a, b in zip(again.alerts, tagged.alerts, strict=True):
        np.testing.assert_array_equal(a.evidence, b.evidence)
    assert vars(again)["_run"] is None and again.model is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_copy_writes_a_run_of_its_own(tmp_path, data, probes, way, when):
    callback = SaliencyCallback(probes, tmp_path, detectors=None, batch_freq=3)
    if when == "after":
        fit(callback, data)
    again = WAYS[way](callback)
    assert again.on_train_batch_end.__self__ is again
    assert not again.probes.images.flags.writeable
    assert again.probes.fingerprint == callback.probes.fingerprint
    fit(again, data, epochs=1)
    if when == "before":
        assert callback.run_dir is None and len(callback.history) == 0
        fit(callback, data, epochs=1)
    else:
        assert callback.history.epochs == [-1, 0, 1]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["saliency", "saliency_2"] and again.run_dir != callback.run_dir
    assert History.load(again.run_dir) == again.history
    assert again.history.epochs == [-1, 0]
    assert not [a for a in again.history if a not in callback.history]


def test_copies_that_a_tuner_makes_train_one_after_the_other(tmp_path, data, probes):
    original = SaliencyCallback(probes, tmp_path, detectors=None)
    for trial in range(3):
        callbacks = copy.deepcopy([original])
        callbacks[0].log_dir = str(tmp_path / f"trial_{trial}")
        fit(callbacks, data, epochs=1)
        copy.deepcopy(callbacks), copy.deepcopy(callbacks[0].model)
    assert original.run_dir is None
    assert all((tmp_path / f"trial_{i}" / "saliency" / "history").is_dir() for i in range(3))


def test_a_copy_in_the_midst_of_a_fit_leaves_the_fit_alone(tmp_path, data, probes):
    copies = []
    callback = SaliencyCallback(
        probes, tmp_path, METHODS, detectors=None, sinks=["tensorboard", "folder"]
    )

    def take():
        copies.extend(make(callback) for name, make in WAYS.items() if name != "cloudpickle")

    fit([callback, At(callback, _1=take)], data)
    assert callback.history.epochs == [-1, 0, 1]
    for again in copies:
        assert again.history.epochs == [-1, 0]
        assert callback.history.entries[0].seconds == again.history.entries[0].seconds
    fit(copies[0], data, epochs=1)
    assert copies[0].run_dir.endswith("saliency_2")


def test_a_copy_can_go_on_at_a_later_epoch(tmp_path, data, probes):
    """As any callback with the same probes and methods: it continues the run that is on disk."""
    model = compiled(small_cnn())
    callback = SaliencyCallback(probes, tmp_path, detectors=None)
    fit(callback, data, model)
    again = copy.deepcopy(callback)
    fit(again, data, model, epochs=3, initial_epoch=2)
    assert again.run_dir == callback.run_dir and again.history.epochs == [-1, 0, 1, 2]
    assert callback.history.epochs == [-1, 0, 1]


def test_a_copy_of_what_never_ran_begins_a_run_of_its_own_at_any_epoch(tmp_path, data, probes):
    """As the later trials of Hyperband, which have the weights of others."""
    model = compiled(small_cnn())
    original = SaliencyCallback(probes, tmp_path, detectors=None)
    for copied, epochs in ((copy.deepcopy(original), 1), (copy.deepcopy(original), 2)):
        fit(copied, data, model, epochs=epochs, initial_epoch=epochs - 1)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["saliency", "saliency_2"] and copied.history.epochs == [0, 1]
    fit(copied, data, model, epochs=3, initial_epoch=2)  # its own run
    assert copied.run_dir.endswith("saliency_2") and copied.history.epochs == [0, 1, 2]


def test_two_copies_do_not_go_on_with_one_run(tmp_path, data, probes):
    model = compiled(small_cnn())
    original = SaliencyCallback(probes, tmp_path, detectors=None)
    fit(original, data, model)
    for name in ("saliency", "saliency_2"):
        copied = copy.deepcopy(original)
        fit(copied, data, model, epochs=3, initial_epoch=2)
        assert copied.run_dir == str(tmp_path / name)


def test_what_never_ran_says_so(tmp_path, data, probes):
    callback = SaliencyCallback(probes, tmp_path, detectors=None)
    assert "was not run" in callback.summary() and "not run" in repr(callback)
    assert callback.alerts == callback.findings == []
    again = copy.deepcopy(callback)
    fit(again, data, epochs=2)
    for run in (again, copy.copy(again)):
        assert repr(run) == f"<SaliencyCallback {tmp_path / 'saliency'}: 3 epochs, 0 alerts>"
    assert "not run" in repr(callback)


def test_functions_of_the_user_are_copied_with_it(tmp_path, data, probes):
    callback = SaliencyCallback(
        probes, tmp_path, target=lambda outputs, _: outputs[:, 0], on_alert=lambda alert: None
    )
    again = by_cloudpickle(callback)
    assert callable(again.target) and callable(again.on_alert)
    assert copy.deepcopy(callback).target is callback.target
