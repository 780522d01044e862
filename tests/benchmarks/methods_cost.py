"""What each method costs: as a multiple of the forward pass, and beside other libraries.

    python tests/benchmarks/methods_cost.py --runs 7 --models MobileNetV2

in the environment of `peers.py`, whose rules hold here too: 16 images of 96x96, class 1 explained,
everything that can be kept made once, all in turns, medians. Each library is asked for the same
number of passes: SmoothGrad 25 copies, Integrated Gradients 32 steps, Score-CAM 32 channels,
occlusion 16 patches of 24 pixels. "same" is a map within a relative error of 1e-3 of ours. Maps of
the others are not compared here, since libraries differ in quadrature, noise, channels and
formulas: the tests hold ours against captum and against the papers.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import warnings
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from peers import (
    NUM_CLASSES,
    NUM_IMAGES,
    SAME,
    SHAPE,
    TARGET,
    alternate,
    error,
    print_head,
    print_row,
    ratio,
)

from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.methods import METHODS

OURS = {
    "smooth_grad": METHODS["smooth_grad"](25, 0.15),
    "integrated_gradients": METHODS["integrated_gradients"](32),
    "score_cam": METHODS["score_cam"](max_channels=32),
    "occlusion": METHODS["occlusion"](24, 24),
    "deconvnet": None,  # has its row in `peers.py`, where the model has max-pooling
}
COMPARED = ("grad_cam", "vanilla_gradients", "guided_backprop", "layer_cam")
XPLIQUE = {
    "grad_cam": ("GradCAM", {}),
    "vanilla_gradients": ("Saliency", {}),
    "guided_backprop": ("GuidedBackprop", {"reducer": None}),
    "smooth_grad": ("SmoothGrad", {"nb_samples": 25, "noise": 0.15}),
    "integrated_gradients": ("IntegratedGradients", {"steps": 32, "reducer": None}),
    "input_x_gradient": ("GradientInput", {"reducer": None}),
    "grad_cam_plus_plus": ("GradCAMPP", {}),
    "occlusion": ("Occlusion", {"patch_size": 24, "patch_stride": 24, "occlusion_value": 0}),
}


def xplique(method, bare, layer, images):
    from xplique import attributions

    name, options = XPLIQUE[method]
    if "GradCAM" in name:
        options = {**options, "conv_layer": layer}
    explainer = getattr(attributions, name)(bare, batch_size=4 * NUM_IMAGES, **options)
    targets = np.eye(NUM_CLASSES, dtype=np.float32)[[TARGET] * len(images)]
    return partial(explainer, tf.constant(images), tf.constant(targets))


def tf_keras_vis(method, bare, layer, images):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.scorecam import Scorecam

    def score(logits):
        return logits[:, TARGET]

    images = tf.constant(images)
    if method in ("vanilla_gradients", "smooth_grad"):
        more = {"smooth_samples": 25, "smooth_noise": 0.15} if method == "smooth_grad" else {}
        return partial(Saliency(bare), score, images, normalize_map=False, **more)
    cams = {
        "grad_cam": Gradcam,
        "grad_cam_plus_plus": GradcamPlusPlus,
        "layer_cam": Layercam,
        "score_cam": Scorecam,
    }
    more = {"max_N": 32} if method == "score_cam" else {}
    given = {"penultimate_layer": layer, "seek_penultimate_conv_layer": False}
    return partial(
        cams[method](bare), score, images, expand_cam=False, normalize_cam=False, **given, **more
    )


def try_peer(make, ours, method, *arguments):
    """A run of a peer, or None; and a word about its map."""
    try:
        run = make(method, *arguments)
        found = run()
    except KeyError:
        return None, "has none"
    except Exception as failure:
        return None, f"fails: {type(failure).__name__}"
    return run, ", same" if method in COMPARED and error(found, ours) < SAME else ""


def measure(name, method, models, images, num_rounds):
    model, bare = models
    asked = OURS.get(method) or method
    graph = ModelGraph(model, asked, image_shape=SHAPE, chunk_size=NUM_IMAGES, predict=False)
    found = graph.resolved[method]["layer"]
    layer = found if found != "image" else None
    ours = graph.attribute(images, TARGET)[1][method].native
    runs = {"ours": partial(graph.attribute, images, TARGET)}
    forward = tf.function(partial(bare, training=False))
    tensor = tf.constant(images)
    runs["forward"] = lambda: forward(tensor).numpy()
    words = {}
    for peer, make in (("xplique", xplique), ("tf-keras-vis", tf_keras_vis)):
        run, words[peer] = try_peer(make, ours, method, bare, layer, images)
        if run is not None:
            runs[peer] = run
    for run in runs.values():
        run()
    spent = alternate(runs, num_rounds)
    medians = {n: statistics.median(times) for n, times in spent.items()}
    peers = [p for p in words if p in runs]
    fastest = min(peers, key=medians.get, default=None)
    cells = [name, method, f"{medians['ours']:.0f}", ratio(spent["ours"], spent["forward"])]
    cells += [f"{medians[p]:.0f}{word}" if p in runs else word for p, word in words.items()]
    cells.append(ratio(spent["ours"], spent[fastest]) if fastest else "no peer")
    print_row(cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--models", nargs="+", default=["MobileNetV2"])
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    images = np.random.default_rng(0).uniform(0, 255, (NUM_IMAGES, *SHAPE)).astype(np.float32)
    heads = ["model", "method", "ours, ms", "forward passes", "xplique, ms", "tf-keras-vis, ms"]
    print_head([*heads, "ours / fastest"])
    for name in arguments.models:
        keras.utils.set_random_seed(0)
        options = {"weights": None, "input_shape": SHAPE, "classes": NUM_CLASSES}
        model = getattr(keras.applications, name)(**options)
        bare = getattr(keras.applications, name)(**options, classifier_activation=None)
        bare.set_weights(model.get_weights())
        for method in METHODS:
            if OURS.get(method, "") is not None:
                measure(name, method, (model, bare), images, arguments.runs)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
