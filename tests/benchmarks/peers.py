"""Cost of our maps against the same maps of other libraries, as two Markdown tables.

    python -m pip install -e . tf-keras-vis tf-explain \
        tensorflow-probability tf-keras einops matplotlib scikit-image scikit-learn
    python -m pip install --no-deps xplique  # its pins ask for TensorFlow <= 2.20, as a CUDA build
    python tests/benchmarks/peers.py --runs 11 --models VGG16 ResNet50

in a virtual environment of its own: the peers are no dependencies of ours.

All explain the logit of class 1 of the same weights, 16 images at once. Explainers, graphs and
whatever else a library lets one keep are made once; at least the first three runs of each are not
counted. The peers are given a model that ends in its logits, and ours the one with the softmax.
Each peer is taken at its cheapest: tf-keras-vis without resizing and normalising, tf-explain
without drawing, nobody's signed gradients reduced to a map. Ours are computed in full, and
Grad-CAM is resized to the image, as xplique does.

"same" is a map within a relative error of 1e-3 of ours, in every image, once ours is resized as
the peer resizes, and the peer's signed gradients are reduced to their largest absolute value. A
peer with another map, or none, is not the fastest. All run in turns in one process, each round
begins with the next of them; the figures are medians, and the ratio is the median of the ratios
of the runs of one round. DeconvNet has rows where we do not refuse it.

Ours are asked for maps only (`predict=False`), as `explain` does where it is given the class, since
the peers hand out no predictions with theirs either.
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

TWO = ["grad_cam", "vanilla_gradients"]
THREE = [*TWO, "deconvnet"]
MODELS = {"VGG16": THREE, "ResNet50": THREE, "MobileNetV2": TWO, "EfficientNetB0": TWO}
SHAPE, NUM_IMAGES, NUM_CLASSES, TARGET = (96, 96, 3), 16, 10, 1
SAME = 1e-3


def xplique(method, model, layer, images):
    from xplique import attributions

    options = {
        "grad_cam": {"conv_layer": layer},
        "vanilla_gradients": {},
        "deconvnet": {"reducer": None},
    }
    names = {"grad_cam": "GradCAM", "vanilla_gradients": "Saliency", "deconvnet": "DeconvNet"}
    explainer = getattr(attributions, names[method])(
        model, batch_size=NUM_IMAGES, **options[method]
    )
    targets = np.eye(NUM_CLASSES, dtype=np.float32)[[TARGET] * len(images)]
    return partial(explainer, tf.constant(images), tf.constant(targets))


def tf_keras_vis(method, model, layer, images):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.saliency import Saliency

    def score(logits):
        return logits[:, TARGET]

    if method == "vanilla_gradients":
        return partial(Saliency(model), score, tf.constant(images), normalize_map=False)
    return partial(
        Gradcam(model),
        score,
        tf.constant(images),
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )


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


PEERS = {  # what makes a run of each, and the methods that it has
    "xplique": (xplique, THREE),
    "tf-keras-vis": (tf_keras_vis, TWO),
    "tf-explain": (tf_explain, TWO),
}


def our_run(graph, images):
    """Heatmaps at the size of the image, by method."""
    _, heatmaps = graph.attribute(images, TARGET)
    return {name: h.at_image_size() for name, h in heatmaps.items()}


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


def try_peer(peer, method, model, layer, images, ours):
    """Returns a run of the peer if its map is ours, else None; and a word about its map."""
    make, methods = PEERS[peer]
    if method not in methods:
        return None, "has none"
    try:
        run = make(method, model, layer, images)
        found = run()
    except Exception as failure:
        return None, f"fails: {type(failure).__name__}"
    off = error(found, ours)
    return (run, "same") if off < SAME else (None, f"other map: off by {off:.2g}")


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


def compare_method(name, method, models, images, num_rounds):
    """Measures one method: a row of the table, and the run of the fastest peer or None."""
    model, bare = models
    graph = ModelGraph(model, [method], image_shape=SHAPE, chunk_size=NUM_IMAGES, predict=False)
    layer = graph.resolved[method]["layer"]
    native = graph.attribute(images, TARGET)[1][method].native
    runs, words = {"ours": partial(our_run, graph, images)}, {}
    for peer in PEERS:
        run, words[peer] = try_peer(peer, method, bare, layer, images, native)
        if run is not None:
            runs[peer] = run
    runs["ours"]()
    spent = alternate(runs, num_rounds)
    medians = {n: statistics.median(times) for n, times in spent.items()}
    fastest = min((p for p in runs if p != "ours"), key=medians.get, default=None)
    cells = [name, method, f"{medians['ours']:.0f}"]
    cells += [f"{medians[p]:.0f}, {word}" if p in runs else word for p, word in words.items()]
    cells += [ratio(spent["ours"], spent[fastest]) if fastest else "no peer", fastest or "none"]
    return cells, runs.get(fastest)


def compare_all(name, methods, model, peer_runs, images, num_rounds):
    """All methods in one run of ours against the fastest peers one after the other."""
    if None in peer_runs:
        return [name, ", ".join(methods), "not run", "a method without a peer", "none"]
    graph = ModelGraph(model, methods, image_shape=SHAPE, chunk_size=NUM_IMAGES, predict=False)
    runs = {
        "ours": partial(our_run, graph, images),
        "theirs": lambda: [run() for run in peer_runs],
    }
    runs["ours"]()
    spent = alternate(runs, num_rounds)
    ours, theirs = (f"{statistics.median(times):.0f}" for times in spent.values())
    return [name, ", ".join(methods), ours, theirs, ratio(*spent.values())]


def print_row(cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def print_head(cells):
    print_row(cells)
    print("|" + "---|" * len(cells), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="The structure of `inputs`")  # of the peers' calls
    images = np.random.default_rng(0).uniform(0, 255, (NUM_IMAGES, *SHAPE)).astype(np.float32)
    at_once = []
    peer_heads = [f"{peer}, ms" for peer in PEERS]
    print_head(["model", "method", "ours, ms", *peer_heads, "ours / fastest", "fastest peer"])
    for name in arguments.models:
        keras.utils.set_random_seed(0)
        application = getattr(keras.applications, name)
        options = {"weights": None, "input_shape": SHAPE, "classes": NUM_CLASSES}
        model = application(**options)
        bare = application(**options, classifier_activation=None)
        bare.set_weights(model.get_weights())
        peer_runs = []
        for method in MODELS[name]:
            cells, run = compare_method(name, method, (model, bare), images, arguments.runs)
            peer_runs.append(run)
            print_row(cells)
        at_once.append(compare_all(name, MODELS[name], model, peer_runs, images, arguments.runs))
        keras.backend.clear_session()
    print()
    print_head(["model", "in one run", "ours, ms", "sum of the fastest peers, ms", "ratio"])
    for cells in at_once:
        print_row(cells)


if __name__ == "__main__":
    main()
