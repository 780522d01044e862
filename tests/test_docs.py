"""The documentation: links lead somewhere, names are complete, and the Python in it runs.

Each page's blocks run in their order in one namespace, as a reader would type them, with a model,
images and labels of ours in place of theirs.
"""

import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_saliency
from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.__main__ import _parser
from keras_saliency._utils.resize import resize
from keras_saliency.methods import METHODS
from keras_saliency.shortcuts import battery
from keras_saliency.shortcuts.detectors import SWAP_DETECTORS
from keras_saliency.statistics import MEASURES, STATISTICS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
ALL = [README, ROOT / "CONTRIBUTING.md", *PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
OTHERS = ["methods", "notebooks", "probes", "shortcuts", "statistics", "targets"]  # than have tests
HEIGHT, WIDTH, NUM_CLASSES = 16, 64, 4


def blocks(path, language):
    return [code for found, code in FENCE.findall(path.read_text()) if found == language]


def prose(path):
    return FENCE.sub("", path.read_text())


def anchors(path):
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_links_and_pictures_lead_somewhere(page):
    links = [(t, a) for t, a in LINK.findall(prose(page)) if "://" not in t]
    for target, anchor in links:
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(path), f"{target} has no heading for #{anchor}"


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_files_that_are_named_exist(page):
    for named in re.findall(r"\b(?:tests|examples)/[\w/]+\.(?:py|sh|ipynb)\b", page.read_text()):
        assert (ROOT / named).exists(), f"{named} is not there"


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_command_lines_are_accepted(page):
    for line in "".join(blocks(page, "bash")).splitlines():
        if line.startswith("python -m keras_saliency "):
            _parser().parse_args(line.partition("#")[0].split()[3:])


def test_the_readme_is_short_and_lists_every_page():
    text = README.read_text()
    assert len(text.splitlines()) <= 170
    linked = set(re.findall(r"^\| \[[^]]+\]\((docs/\w+\.md)\) \|", text, re.MULTILINE))
    assert linked == {name_of(page) for page in PAGES}


def test_methods_detectors_statistics_and_arguments_are_documented():
    def text(*names):
        return "".join((ROOT / name).read_text() for name in names)

    for method in METHODS:
        assert f'"{method}"' in text("README.md") and f'"{method}"' in text("docs/methods.md")
    for detector in SWAP_DETECTORS:
        assert f"`{detector}`" in text("README.md")
        assert f"\n| `{detector}`" in text("docs/shortcuts.md")
        for word in SWAP_DETECTORS[detector].legitimate:
            assert f"`{word}`" in text("docs/shortcuts.md")
    for statistic in [*STATISTICS, *(f"{m}_*" for m in MEASURES if m != "drift")]:
        assert f"`{statistic}`" in text("docs/statistics.md")
    everywhere = text(*map(name_of, ALL))
    for argument in list(inspect.signature(SaliencyCallback.__init__).parameters)[1:]:
        assert argument == "probes" or re.search(rf"\b{argument}=|`{argument}`", everywhere), (
            f"no page says what {argument} of SaliencyCallback does"
        )


def make_data(rng, num_of_class):
    """Images whose left half has the colour of their class, and labels."""
    labels = np.repeat(np.arange(NUM_CLASSES), num_of_class)
    colours = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    images = rng.uniform(0, 0.4, (len(labels), HEIGHT, WIDTH, 3)).astype(np.float32)
    images[:, :, : WIDTH // 2] += 0.5 * colours[labels][:, None, None]
    return images, labels


def make_model(filters=6):
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(filters, 3, activation="relu", name="conv_1"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(8, 3, activation="relu", name="conv_2"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(NUM_CLASSES),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def weights():
    """Those of a network that has learned the colours."""
    keras.utils.set_random_seed(0)
    images, labels = make_data(np.random.default_rng(1), 64)
    model = make_model()
    model.fit(images, labels, epochs=12, batch_size=16, verbose=0)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.95
    return model.get_weights()


@pytest.fixture
def names(weights, tmp_path, monkeypatch):
    """What a reader has: a model, data, and an empty folder to write to."""
    monkeypatch.chdir(tmp_path)
    images, labels = make_data(np.random.default_rng(2), 6)
    model = make_model()
    model.set_weights(weights)
    write_folder(tmp_path, images, labels)
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    return {
        "keras": keras,
        "np": np,
        "tf": tf,
        "model": model,
        "images": images,
        "labels": labels,
        "names": [f"class {c}" for c in range(labels.max() + 1)],
        "boxes": np.tile([2, 4, 14, 30], (len(images), 1)),
        "hospitals": ["A", "B"] * (len(images) // 2),
        "ages": np.arange(len(images), dtype=np.float32)[:, None],
        "train_ds": data.batch(8),
        "val_ds": data.batch(12),
        "probes": ProbeSet(images, labels),
        "SaliencyCallback": SaliencyCallback,
    }


def write_folder(folder, images, labels):
    for image, label in zip(images[::3], labels[::3], strict=True):
        for top, pixels in (("val", 255 * image), ("val_masks", np.full((64, 64, 1), 255))):
            path = folder / top / f"class_{label}"
            path.mkdir(parents=True, exist_ok=True)
            keras.utils.save_img(path / f"{len(list(path.iterdir()))}.png", pixels, scale=False)


@pytest.fixture(autouse=True)
def registry():
    """Forgets the statistics that a page has added."""
    before = dict(STATISTICS)
    yield
    STATISTICS.clear()
    STATISTICS.update(before)


def run(page, names):
    """Runs a page's Python, and returns its names."""
    code = "\n".join(blocks(ROOT / page, "python"))
    assert code
    exec(compile(code.replace("epochs=30", "epochs=2"), page, "exec"), names)
    return names


@pytest.mark.filterwarnings("ignore")
def test_the_readme_runs(names, tmp_path):
    found = run("README.md", names)
    assert list((tmp_path / "logs" / "saliency").glob("events*"))
    assert found["heatmaps"].shape == found["images"].shape[:3]
    assert found["alert"].severity == "suspect"  # nothing is in the upper right corner
    assert list(found["check"].correlations) == list(METHODS)


@pytest.mark.filterwarnings("ignore")
def test_reading_results_is_as_the_page_says(names, tmp_path):
    found = run("docs/reading_results.md", names)
    history = found["history"]
    assert history.epochs == [-1, 0, 1, 2]
    assert history.methods == ["grad_cam", "vanilla_gradients"]
    assert found["drift"].shape == (24,) and found["by_epoch"].shape == (4,)
    again = resize(found["last"], (HEIGHT, WIDTH))
    np.testing.assert_allclose(found["labels_again"], again, rtol=2e-3, atol=1e-5)
    assert not np.allclose(found["other_class"], found["labels_again"])
    assert found["other_layer"].shape == found["labels_again"].shape
    np.testing.assert_allclose(found["one_probe"][0], found["other_class"][4], rtol=1e-5, atol=1e-6)
    assert found["first_epoch"].shape == found["labels_again"].shape
    # After close(): what was measured can be read, and observe goes on in the same directory.
    saliency, run_dir = found["saliency"], found["saliency"].run_dir
    assert saliency.history.epochs[0] == -1
    last = saliency.history.epochs[-1]
    assert saliency.observe(found["model"], last + 1).epoch == last + 1
    saliency.close()
    assert saliency.run_dir == run_dir and saliency.history.epochs[-1] == last + 1


@pytest.mark.filterwarnings("ignore")
def test_extending_does_what_the_page_says(names, tmp_path, monkeypatch):
    found = run("docs/extending.md", names)
    model, images, labels = found["model"], found["images"], found["labels"]

    with tf.GradientTape() as tape:
        watched = tf.convert_to_tensor(images)
        tape.watch(watched)
        score = tf.reduce_max(model(watched), axis=1)
    gradient = tape.gradient(score, watched).numpy()
    np.testing.assert_allclose(found["maps"], (gradient**2).sum(axis=-1), rtol=1e-3, atol=1e-7)
    assert found["early"].shape == images.shape[:3] and (found["early"] >= 0).all()

    monkeypatch.setitem(SWAP_DETECTORS, "left_half", found["left_half"])
    monkeypatch.setattr(battery, "NAMES", (*battery.NAMES, "left_half"))
    saliency = SaliencyCallback(
        ProbeSet(images, labels),
        "logs",
        ["grad_cam", found["SquaredGradients"]()],
        sinks=["tensorboard", found["JsonLinesSink"]()],
        log_keys=("drift", "upper_half"),
        detectors=["left_half"],
    )
    logs = model.fit(images, labels, epochs=3, verbose=0, callbacks=[saliency]).history
    assert [a.detector for a in saliency.alerts] == ["left_half"] * len(saliency.alerts)
    assert saliency.alerts
    assert "squared_gradients" in saliency.history.methods
    halves = saliency.history["grad_cam"]["upper_half"]
    np.testing.assert_allclose(logs["grad_cam_upper_half"][-1], np.nanmean(halves[-1]), rtol=1e-5)
    maps = resize(saliency.history.heatmaps("grad_cam", 2), (HEIGHT, WIDTH))
    shares = maps[:, : HEIGHT // 2].sum(axis=(1, 2)) / maps.sum(axis=(1, 2))
    np.testing.assert_allclose(halves[-1], shares, rtol=1e-4)
    lines = (Path(saliency.run_dir) / "scalars.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines][:4]
    assert [line["epoch"] for line in epochs] == [-1, 0, 1, 2]
    assert all("saliency/squared_gradients/upper_half" in line for line in epochs)


class Study:
    """As Optuna's: calls a function with trials, which have numbers and suggest values."""

    def __init__(self):
        self.trials = []

    def optimize(self, objective, n_trials):
        for number in range(n_trials):
            trial = SimpleNamespace(number=number, attrs={}, suggest_int=lambda _, low, __: low)
            trial.set_user_attr = trial.attrs.__setitem__
            trial.value = objective(trial)
            self.trials.append(trial)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_runs_are_as_the_page_says(names, tmp_path):
    pytest.importorskip("keras_tuner")
    study = Study()
    names |= {"make_model": make_model, "study": study}
    found = run("docs/many_runs.md", names)
    folds = keras_saliency.findings("logs/cv")
    assert list(folds) == [f"fold_{fold}/saliency" for fold in range(3)]
    beside = {path.name for path in (tmp_path / "logs" / "cv" / "fold_0").iterdir()}
    assert beside == {"saliency", "train"}
    assert list(keras_saliency.findings("logs/study")) == ["trial_0/saliency", "trial_1/saliency"]
    assert [set(trial.attrs) for trial in study.trials] == [{"alerts"}] * 2
    assert list(found["by_trial"]) == ["trial_0/saliency", "trial_1/saliency"]
    assert found["callback"].alerts == [] and "not run" in found["callback"].summary()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", OTHERS)
def test_the_other_pages_run(page, names):
    run(f"docs/{page}.md", names)


def test_no_page_with_python_is_left_out():
    tested = {"README.md", "docs/reading_results.md", "docs/extending.md", "docs/many_runs.md"}
    tested |= {f"docs/{p}.md" for p in OTHERS}
    assert {name_of(page) for page in ALL if blocks(page, "python")} == tested
