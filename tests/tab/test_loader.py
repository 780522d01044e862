"""The loader cannot keep TensorBoard from starting."""

import subprocess
import sys
import types

import pytest

import keras_saliency.tab
from keras_saliency.tab import loader, schema


@pytest.mark.parametrize("heavy", ["tensorflow", "keras", "cv2", "keras_saliency.tab.plugin"])
def test_the_loader_is_light(heavy):
    code = "import sys, keras_saliency.tab.loader; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy not in run.stdout.split()


@pytest.mark.parametrize("heavy", ["tensorflow", "keras", "cv2"])
def test_the_plugin_and_its_reader_are_light_too(heavy):
    code = (
        "import sys, keras_saliency.tab.plugin, keras_saliency.tab.report; print(*sys.modules)"
        if heavy != "tensorflow"
        else "import sys, keras_saliency.tab.plugin; print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy not in run.stdout.split()


def test_the_loader_knows_the_name_and_the_number_of_the_schema():
    assert (loader._NAME, loader._MOST_STEPS) == (schema.PLUGIN, schema.MOST_STEPS)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, schema.MOST_STEPS),
        (None, schema.MOST_STEPS),
        ({"saliency": 7}, 7),
        ({"images": 3}, schema.MOST_STEPS),
    ],
)
def test_all_epochs_are_kept_unless_the_user_says_otherwise(given, kept):
    flags = types.SimpleNamespace(samples_per_plugin=given)
    loader.SaliencyLoader().fix_flags(flags)
    assert flags.samples_per_plugin["saliency"] == kept


def test_flags_that_cannot_be_read_are_survived():
    loader.SaliencyLoader().fix_flags(types.SimpleNamespace())
    loader.SaliencyLoader().fix_flags(types.SimpleNamespace(samples_per_plugin="nonsense"))


@pytest.mark.parametrize("name", ["plugin", "reader", "schema"])
def test_a_broken_module_leaves_the_tab_out(monkeypatch, name):
    for module in ("plugin", "reader", "schema"):
        monkeypatch.delitem(sys.modules, f"keras_saliency.tab.{module}", raising=False)
        monkeypatch.delattr(keras_saliency.tab, module, raising=False)
    monkeypatch.setitem(sys.modules, f"keras_saliency.tab.{name}", None)  # its import fails
    assert loader.SaliencyLoader().load(types.SimpleNamespace(data_provider=None)) is None


def test_the_entry_point_names_the_loader():
    from importlib import metadata

    points = metadata.entry_points(group="tensorboard_plugins")
    [ours] = [point for point in points if point.name == "saliency"]
    assert ours.load() is loader.SaliencyLoader
