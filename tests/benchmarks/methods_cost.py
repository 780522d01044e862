"""What each method costs: beside the same maps of other libraries, and in forward passes.

    python -m pip install -e . tf-keras-vis tf-explain \
        tensorflow-probability tf-keras einops matplotlib scikit-image scikit-learn
    python -m pip install --no-deps xplique  # it pins TensorFlow <= 2.20, as a CUDA build
    python tests/benchmarks/methods_cost.py --table peers
    python tests/benchmarks/methods_cost.py --table methods

in a virtual environment of its own: the other libraries are no dependencies of this package.
Without `--table` both are printed. `--models` and `--runs` make it shorter.

All libraries explain the logit of class 1 of the same weights, 16 images of 96x96 at once.
Explainers, graphs and whatever else a library can keep are made once, and the first runs are not
counted. The others get a model that ends in its logits, ours the one with the softmax. Ours are
asked for maps only (`predict=False`), as `explain` does where it is given the class, because the
others return no predictions with theirs either. All run in turns in one process, and each round
begins with the next of them. Figures are medians; a ratio is the median of the ratios within a
round. "same" is a map within a relative error of 1e-3 of ours, in every image, once ours is resized
as the other library resizes, and its signed gradients are reduced to their largest absolute value.

Table "peers": each library at its cheapest, that is tf-keras-vis without resizing and normalising,
tf-explain without drawing, no signed gradients reduced to a map. Ours are computed in full, and
Grad-CAM is resized to the image, as xplique does. A library with another map, or none, cannot be
the fastest. DeconvNet has rows where we do not refuse it. A second table compares all methods in
one run with the fastest libraries one after the other.

Table "methods": each method in forward passes of the model, and beside the others at the same
number of passes: SmoothGrad 25 copies, Integrated Gradients 32 steps, Score-CAM 32 channels,
occlusion 16 patches of 24 pixels. Maps are compared where the formulas are the same; elsewhere the
libraries differ in quadrature, noise, channels or formulas, and the tests hold ours against captum
and against the papers. DeconvNet is in the first table, where the model has max-pooling.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import time
import warnings
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import METHODS

SHAPE, NUM_IMAGES, NUM_CLASSES, TARGET = (96, 96, 3), 16, 10, 1
SAME = 1e-3
TWO = ["grad_cam", "vanilla_gradients"]
THREE = [*TWO, "deconvnet"]
MODELS = {"VGG16": THREE, "ResNet50": THREE, "MobileNetV2": TWO, "EfficientNetB0": TWO}
OURS = {
    "smooth_grad": METHODS["smooth_grad"](25, 0.15),
    "integrated_gradients": METHODS["integrated_gradients"](32),
    "score_cam": METHODS["score_cam"](max_channels=32),
    "occlusion": METHODS["occlusion"](24, 24),
}
SIZES = {
    "smooth_grad": "25 copies",
    "integrated_gradients": "32 steps",
    "score_cam": "32 channels",
    "occlusion": "16 patches",
}
SAME_FORMULA = ("grad_cam", "vanilla_gradients", "guided_backprop", "layer_cam")
XPLIQUE = {
    "grad_cam": ("GradCAM", {}),
    "vanilla_gradients": ("Saliency", {}),
    "deconvnet": ("DeconvNet", {"reducer": None}),
    "guided_backprop": ("GuidedBackprop", {"reducer": None}),
    "smooth_grad": ("SmoothGrad", {"nb_samples": 25, "noise": 0.15}),
    "integrated_gradients": ("IntegratedGradients", {"steps": 32, "reducer": None}),
    "input_x_gradient": ("GradientInput", {"reducer": None}),
    "grad_cam_plus_plus": ("GradCAMPP", {}),
    "occlusion": ("Occlusion", {"patch_size": 24, "patch_stride": 24, "occlusion_value": 0}),
}
TF_KERAS_VIS = {
    "grad_cam": "gradcam.Gradcam",
    "vanilla_gradients": "saliency.Saliency",
    "smooth_grad": "saliency.Saliency",
    "grad_cam_plus_plus": "gradcam_plus_plus.GradcamPlusPlus",
    "layer_cam": "layercam.Layercam",
    "score_cam": "scorecam.Scorecam",
}


def xplique(method, model, layer, images):
    from xplique import attributions

    name, options = XPLIQUE[method]
    if "GradCAM" in name:
        options = {**options, "conv_layer": layer}
    explainer = getattr(attributions, name)(model, batch_size=4 * NUM_IMAGES, **options)
    targets = np.eye(NUM_CLASSES, dtype=np.float32)[[TARGET] * len(images)]
    return partial(explainer, tf.constant(images), tf.constant(targets))


def tf_keras_vis(method, model, layer, images):
    import importlib

    module, name = TF_KERAS_VIS[method].split(".")
    explainer = getattr(importlib.import_module(f"tf_keras_vis.{module}"), name)(model)
    options = {"normalize_map": False}
    if module != "saliency":
        options = {"normalize_cam": False, "expand_cam": False, "penultimate_layer": layer}
        options["seek_penultimate_conv_layer"] = False
    if method == "smooth_grad":
        options.update(smooth_samples=25, smooth_noise=0.15)
    if method == "score_cam":
        options["max_N"] = 32
    return partial(explainer, lambda logits: logits[:, TARGET], tf.constant(images), **options)


def tf_explain(method, model, layer, images):
    from tf_explain.core.grad_cam import GradCAM
    from tf_explain.core.vanilla_gradients import VanillaGradients

    images = tf.constant(images)
    if method == "vanilla_gradients":
        return partial(VanillaGradients.compute_gradients, images, model, TARGET)

    def grad_cam():
        found = GradCAM.get_gradients_and_filters(
            model, images, layer, TARGET, use_guided_grads=False
        )
        return GradCAM.generate_ponderated_output(*found)

    return grad_cam


PEERS = {  # a function that makes a run of each, and the methods that it has
    "xplique": (xplique, XPLIQUE),
    "tf-keras-vis": (tf_keras_vis, TF_KERAS_VIS),
    "tf-explain": (tf_explain, TWO),
}


def try_peer(peer, method, model, layer, images):
    """Returns a run of the peer and its map; or None, and the reason."""
    make, methods = PEERS[peer]
    if method not in methods:
        return None, "has none"
    try:
        run = make(method, model, layer, images)
        return run, run()
    except Exception as failure:
        return None, f"fails: {type(failure).__name__}"


def error(peer_map, ours):
    """Relative error of a peer's map, the largest of all images."""
    found = np.stack([np.asarray(m) for m in peer_map])  # tf-explain returns a list
    if found.ndim == 4:
        found = found[..., 0] if found.shape[3] == 1 else np.abs(found).max(axis=3)
    if found.shape != ours.shape:
        ours = tf.image.resize(ours[..., None], found.shape[1:], "bicubic").numpy()[..., 0]
    # tf-explain leaves out the last ReLU of Grad-CAM; bicubic resizing falls below zero.
    found, ours = np.maximum(found, 0), np.maximum(ours, 0)
    norms = np.linalg.norm(ours, axis=(1, 2))
    if not norms.any():
        raise RuntimeError("all our maps are zero: there is nothing to compare")
    norms[norms == 0] = norms.max()
    return float((np.linalg.norm(found - ours, axis=(1, 2)) / norms).max())


def alternate(runs, num_rounds):
    """Milliseconds of each, by name, in turns, after two rounds that are not counted."""
    names = list(runs)
    spent = {name: [] for name in names}
    for i in range(num_rounds + 2):
        first = i % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            runs[name]()
            spent[name].append(1000 * (time.perf_counter() - start))
    return {name: times[2:] for name, times in spent.items()}


def ratio(ours, theirs):
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)):.2f}"


def make_models(name):
    """The model with a softmax, and the same that ends in its logits."""
    keras.utils.set_random_seed(0)
    application = getattr(keras.applications, name)
    options = {"weights": None, "input_shape": SHAPE, "classes": NUM_CLASSES}
    model = application(**options)
    bare = application(**options, classifier_activation=None)
    bare.set_weights(model.get_weights())
    return model, bare


def graph_of(model, methods):
    return ModelGraph(model, methods, image_shape=SHAPE, chunk_size=NUM_IMAGES, predict=False)


def resized_run(graph, images):
    """Heatmaps at the size of the image, by method."""
    _, heatmaps = graph.attribute(images, TARGET)
    return {name: h.at_image_size() for name, h in heatmaps.items()}


def compare_method(name, method, models, images, num_rounds):
    """A row of the table "peers", and the run of the fastest peer or None."""
    model, bare = models
    graph = graph_of(model, [method])
    layer = graph.resolved[method]["layer"]
    ours = graph.attribute(images, TARGET)[1][method].native
    runs, notes = {"ours": partial(resized_run, graph, images)}, {}
    for peer in PEERS:
        run, found = try_peer(peer, method, bare, layer, images)
        if run is None:
            notes[peer] = found
        elif (off := error(found, ours)) < SAME:
            runs[peer], notes[peer] = run, "same"
        else:
            notes[peer] = f"other map: off by {off:.2g}"
    runs["ours"]()
    spent = alternate(runs, num_rounds)
    medians = {n: statistics.median(times) for n, times in spent.items()}
    fastest = min((p for p in runs if p != "ours"), key=medians.get, default=None)
    cells = [name, method, f"{medians['ours']:.0f}"]
    cells += [f"{medians[p]:.0f}, {note}" if p in runs else note for p, note in notes.items()]
    cells += [ratio(spent["ours"], spent[fastest]) if fastest else "no peer", fastest or "none"]
    return cells, runs.get(fastest)


def compare_all(name, methods, model, peer_runs, images, num_rounds):
    """All methods in one run of ours against the fastest peers one after the other."""
    if None in peer_runs:
        return [name, ", ".join(methods), "not run", "a method without a peer", "none"]
    runs = {
        "ours": partial(resized_run, graph_of(model, methods), images),
        "theirs": lambda: [run() for run in peer_runs],
    }
    runs["ours"]()
    spent = alternate(runs, num_rounds)
    ours, theirs = (f"{statistics.median(times):.0f}" for times in spent.values())
    return [name, ", ".join(methods), ours, theirs, ratio(*spent.values())]


def print_peers(names, images, num_rounds):
    at_once = []
    peer_heads = [f"{peer}, ms" for peer in PEERS]
    print_head(["model", "method", "ours, ms", *peer_heads, "ours / fastest", "fastest peer"])
    for name in names:
        models, peer_runs = make_models(name), []
        for method in MODELS[name]:
            cells, run = compare_method(name, method, models, images, num_rounds)
            peer_runs.append(run)
            print_row(cells)
        at_once.append(compare_all(name, MODELS[name], models[0], peer_runs, images, num_rounds))
        keras.backend.clear_session()
    print()
    print_head(["model", "in one run", "ours, ms", "sum of the fastest peers, ms", "ratio"])
    for cells in at_once:
        print_row(cells)


def measure_method(name, method, models, images, num_rounds):
    """A row of the table "methods"."""
    model, bare = models
    graph = graph_of(model, OURS.get(method) or method)
    layer = graph.resolved[method]["layer"]
    ours = graph.attribute(images, TARGET)[1][method].native
    forward, tensor = tf.function(partial(bare, training=False)), tf.constant(images)
    runs = {
        "ours": partial(graph.attribute, images, TARGET),
        "forward": lambda: forward(tensor).numpy(),
    }
    notes = {}
    for peer in ("xplique", "tf-keras-vis"):
        run, found = try_peer(peer, method, bare, None if layer == "image" else layer, images)
        if run is None:
            notes[peer] = found
        else:
            is_same = method in SAME_FORMULA and error(found, ours) < SAME
            runs[peer], notes[peer] = run, ", same" if is_same else ""
    for run in runs.values():
        run()
    spent = alternate(runs, num_rounds)
    medians = {n: statistics.median(times) for n, times in spent.items()}
    fastest = min((p for p in notes if p in runs), key=medians.get, default=None)
    label = f"{method}, {SIZES[method]}" if method in SIZES else method
    cells = [name, label, f"{medians['ours']:.0f}", ratio(spent["ours"], spent["forward"])]
    cells += [f"{medians[p]:.0f}{note}" if p in runs else note for p, note in notes.items()]
    return [*cells, ratio(spent["ours"], spent[fastest]) if fastest else "no peer"]


def print_methods(names, images, num_rounds):
    heads = ["model", "method", "ours, ms", "forward passes", "xplique, ms", "tf-keras-vis, ms"]
    print_head([*heads, "ours / fastest"])
    for name in names:
        models = make_models(name)
        for method in METHODS:
            if method != "deconvnet":
                print_row(measure_method(name, method, models, images, num_rounds))
        keras.backend.clear_session()


def print_row(cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def print_head(cells):
    print_row(cells)
    print("|" + "---|" * len(cells), flush=True)


TABLES = {  # a function that prints it, models, runs
    "peers": (print_peers, list(MODELS), 11),
    "methods": (print_methods, ["MobileNetV2"], 7),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--runs", type=int)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # of the other libraries' calls
    images = np.random.default_rng(0).uniform(0, 255, (NUM_IMAGES, *SHAPE)).astype(np.float32)
    for i, table in enumerate(options.table):
        show, models, num_rounds = TABLES[table]
        if i:
            print()
        show(options.models or models, images, options.runs or num_rounds)


if __name__ == "__main__":
    main()
