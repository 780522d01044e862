"""`explain` and the command line."""

import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
from helpers.networks import ALL_METHODS, small_cnn

from keras_saliency import explain
from keras_saliency.__main__ import main
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import METHODS

SHAPE = (18, 14, 3)


@pytest.fixture
def images(rng):
    return rng.uniform(size=(5, *SHAPE)).astype(np.float32)


def test_one_method_gives_an_array_and_a_list_gives_a_dict(images):
    model = small_cnn()
    heatmaps = explain(model, images)
    assert heatmaps.shape == (5, 18, 14) and heatmaps.dtype == np.float32
    several = explain(model, images, method=ALL_METHODS)
    assert list(several) == ALL_METHODS
    np.testing.assert_array_equal(several["grad_cam"], heatmaps)
    assert list(explain(model, images, method=["grad_cam"])) == ["grad_cam"]


def test_heatmaps_are_those_of_the_graph_un_normalised(images):
    model = small_cnn()
    graph = ModelGraph(model, "vanilla_gradients", image_shape=SHAPE, chunk_size=5)
    expected = graph.attribute(images, 2)[1]["vanilla_gradients"].native
    heatmaps = explain(model, images, 2, "vanilla_gradients")
    np.testing.assert_array_equal(heatmaps, expected)


def test_chunks_do_not_change_heatmaps(images):
    model = small_cnn()
    whole, parts = (explain(model, images, 1, ALL_METHODS, chunk_size=c) for c in (32, 2))
    for method in ALL_METHODS:
        np.testing.assert_allclose(parts[method], whole[method], atol=1e-5 * whole[method].max())


def test_integer_images_are_taken_as_they_are(rng):
    model = small_cnn()
    images = rng.integers(0, 256, (2, *SHAPE), dtype=np.uint8)
    np.testing.assert_array_equal(
        explain(model, images, 1), explain(model, images.astype(np.float32), 1)
    )


@pytest.fixture
def files(tmp_path, rng):
    """A saved model and two photos, one gray and of another size."""
    model = small_cnn()
    model.save(tmp_path / "model.keras")
    paths = [str(tmp_path / "one.png"), str(tmp_path / "two.jpg")]
    cv2.imwrite(paths[0], rng.integers(0, 256, SHAPE, dtype=np.uint8))
    cv2.imwrite(paths[1], rng.integers(0, 256, (40, 50), dtype=np.uint8))
    return str(tmp_path / "model.keras"), paths, str(tmp_path / "out.png")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--method", "vanilla_gradients"],
        ["--method", "deconvnet"],
        ["--method", "grad_cam", "--layer", "conv_1", "--colormap", "jet", "--opacity", "0.9"],
        ["--method", "deconvnet", "--layer", "conv_2", "--target-class", "1"],
        ["--value-range", "-1", "1"],
        ["--method", "layer_cam", "--layer", "conv_1"],
        *(["--method", name] for name in METHODS),
    ],
)
def test_the_command_draws_overlays(files, options, capsys):
    model, paths, out = files
    assert main(["explain", model, *paths, *options, "-o", out]) == 0
    picture = cv2.imread(out)
    assert picture.shape[0] > 160 and picture.std() > 10
    printed = capsys.readouterr().out
    assert "layer" in printed and f"wrote {out}" in printed


def test_opacity_and_colormap_change_the_picture(files):
    model, paths, out = files
    pictures = []
    for options in ([], ["--opacity", "0"], ["--colormap", "jet"]):
        main(["explain", model, *paths, *options, "-o", out])
        pictures.append(cv2.imread(out))
    assert (pictures[0] != pictures[1]).any() and (pictures[0] != pictures[2]).any()


@pytest.mark.slow
def test_the_command_runs_as_a_module(files):
    model, paths, out = files
    command = [sys.executable, "-m", "keras_saliency", "explain", model, *paths, "-o", out]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "missing.keras"}, 'no model file "missing.keras"'),
        ({"image": "missing.png"}, "missing.png"),
        ({"options": ["--layer", "conv_9"]}, "does not have"),
        ({"options": ["--method", "vanilla_gradients", "--layer", "conv_1"]}, "--layer goes with"),
        ({"options": ["--opacity", "2"]}, "--opacity must be in 0 ... 1"),
        ({"options": ["--target-class", "9"]}, "must lie in 0 ... 3"),
        ({"options": ["--image-size", "0", "4"]}, "--image-size must be at least 1 1"),
        ({"options": ["--value-range", "5", "5"]}, "--value-range needs two numbers"),
        ({"out": "out.jpg"}, "The output is a PNG file"),
        ({"out": "/no/such/folder/out.png"}, "/no/such/folder/out.png"),
    ],
)
def test_mistakes_are_one_sentence(files, change, message, capsys):
    model, paths, out = files
    model, out = change.get("model", model), change.get("out", out)
    paths = [change["image"]] if "image" in change else paths
    assert main(["explain", model, *paths, *change.get("options", []), "-o", out]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and message in said and "Traceback" not in said


def test_code_in_a_model_file_is_not_run(tmp_path, files, capsys):
    path = tmp_path / "lambda.keras"
    layers = [keras.layers.Input(SHAPE), keras.layers.Lambda(lambda x: x * 2)]
    layers += [keras.layers.Flatten(), keras.layers.Dense(2)]
    keras.Sequential(layers).save(path)
    _, paths, out = files
    assert main(["explain", str(path), *paths, "-o", out]) == 2
    assert "safe mode" in capsys.readouterr().err


def test_a_file_that_is_no_image_is_named(tmp_path, files, capsys):
    model, _, out = files
    (tmp_path / "bad.png").write_bytes(b"not an image")
    assert main(["explain", model, str(tmp_path / "bad.png"), "-o", out]) == 2
    assert "bad.png" in capsys.readouterr().err


def certain_of(scale, tmp_path):
    """A model of `scale` · pixels that is certain only where these are in 0 … 255."""
    inputs = keras.Input((8, 8, 3))
    offset = -1 if scale == 2 else 0
    scaled = keras.layers.Rescaling(scale, offset=offset)(inputs) if scale else inputs
    maps = keras.layers.Conv2D(2, 3, kernel_initializer="ones", activation="relu")(scaled)
    head = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(inputs, head(keras.layers.GlobalAveragePooling2D()(maps)))
    head.kernel.assign([[0.0, 0.5], [0, 0.5]])
    head.bias.assign([9.0, 0])
    path = str(tmp_path / "model.keras")
    model.save(path)
    return path


@pytest.mark.parametrize(
    ("scale", "options", "said", "warned"),
    [
        (1 / 255, [], "pixel range: 0 ... 255 (the model scales its input)", ""),
        (2.0, [], "pixel range: 0 ... 1 (the model scales its input)", ""),
        (0, ["--value-range", "0", "1"], "pixel range: 0 ... 1 (as given)", ""),
        (0, [], "pixel range: 0 ... 255 (a guess", "with --value-range 0 1"),
        (0, ["--value-range", "0", "255"], "(as given)", "with --value-range 0 1"),
    ],
)
def test_the_command_says_which_pixel_range_it_applies(
    scale, options, said, warned, tmp_path, capsys
):
    image = np.full((8, 8, 3), 200, np.uint8)
    image[:4] = 40
    cv2.imwrite(str(tmp_path / "image.png"), image)
    model, out = certain_of(scale, tmp_path), str(tmp_path / "out.png")
    assert main(["explain", model, str(tmp_path / "image.png"), *options, "-o", out]) == 0
    printed = capsys.readouterr()
    assert said in printed.out
    assert ("warning: most images saturate the model" in printed.err) == bool(warned)
    assert warned in printed.err
    if warned:  # and what the model says there
        loaded = keras.saving.load_model(model)
        predicted = loaded.predict(image[None].astype(np.float32) / 255, verbose=0)[0]
        expected = f"class {predicted.argmax()}, {predicted.max():.0%} with --value-range 0 1"
        assert expected in printed.err
