"""KerasTuner copies the callback for each trial: every copy is a run of its own."""

import keras
import pytest
from helpers.networks import SHAPE

import keras_saliency
from keras_saliency import History, SaliencyCallback
from keras_saliency.history.run_files import read_epochs

keras_tuner = pytest.importorskip("keras_tuner")


def build(hp):
    units = hp.Int("filters", 2, 40)
    layers = [
        keras.Input(SHAPE),
        keras.layers.Conv2D(units, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(4),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def random_search(hypermodel, folder):
    return keras_tuner.RandomSearch(
        hypermodel, "val_loss", max_trials=3, directory=folder, project_name="p", seed=1
    )


def hyperband(hypermodel, folder):
    return keras_tuner.Hyperband(
        hypermodel, "val_loss", max_epochs=4, factor=2, directory=folder, project_name="p", seed=1
    )


class NamedAfterTrials(keras_tuner.HyperModel):
    """As docs/many_runs.md has it."""

    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, callbacks, **kwargs):
        [trial] = [c.trial.trial_id for c in callbacks if hasattr(c, "trial")]
        for callback in callbacks:
            if isinstance(callback, SaliencyCallback):
                callback.run_name = f"trial_{trial}/saliency"
        return model.fit(*args, callbacks=callbacks, **kwargs)


def search(tuner, data, callback):
    images, labels = data
    tuner.search(
        images, labels, validation_data=(images, labels), epochs=2, verbose=0, callbacks=[callback]
    )
    trials = tuner.oracle.trials.values()
    return {
        trial.trial_id: (
            trial.hyperparameters.values.get("tuner/initial_epoch", 0),
            trial.hyperparameters.values.get("tuner/epochs", 2),
        )
        for trial in trials
    }


@pytest.mark.slow
@pytest.mark.parametrize("make", [random_search, hyperband])
@pytest.mark.parametrize("named", [False, True], ids=["as they come", "named"])
def test_every_trial_is_a_run_of_its_own(tmp_path, data, probes, make, named):
    callback = SaliencyCallback(probes, tmp_path / "logs", detectors=None)
    tuner = make(NamedAfterTrials() if named else build, tmp_path / "tuner")
    trials = search(tuner, data, callback)
    assert len(trials) >= 3
    if make is hyperband:
        assert any(first > 0 for first, _ in trials.values())  # some go on with others' weights

    found = keras_saliency.findings(tmp_path / "logs")
    if named:
        assert set(found) == {f"trial_{trial}/saliency" for trial in trials}
    else:
        names = ["saliency", *(f"saliency_{n}" for n in range(2, len(trials) + 1))]
        assert list(found) == names  # in natural order
    expected = sorted([first - 1, *range(first, last)] for first, last in trials.values())
    assert sorted(read_epochs(str(tmp_path / "logs" / name)) for name in found) == expected
    if named:
        for trial, (first, last) in trials.items():
            history = History.load(tmp_path / "logs" / f"trial_{trial}" / "saliency")
            assert history.epochs == [first - 1, *range(first, last)]

    assert callback.run_dir is None and callback.alerts == [] and len(callback.history) == 0
    assert "was not run" in callback.summary() and "not run" in repr(callback)
