"""Watches attention on an electrocardiogram move to the wave that separates the classes.

The signal is a real recording that ships inside the package `PyWavelets`. Windows are cut at
random places. In half of them the T wave, the low hill after each beat, is turned upside down,
as it can be in a heart that lacks blood. The network has to recognise these. The masks of the
T waves are given, so swaps of everything else test whether it relies on that; there is nothing
to find. Takes half a minute on two cores. Writes into --log-dir and nowhere else.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import layers

from keras_saliency import ProbeSet, SaliencyCallback

LENGTH, NUM_TRAINING, NUM_VALIDATION, NUM_PROBES = 512, 1200, 200, 60
T_WAVE = slice(50, 170)  # samples after the beat; a second has 360


def load_recording():
    """Returns one lead of a real electrocardiogram, float (1024,), with mean 0 and deviation 1."""
    try:
        import pywt
    except ImportError:
        sys.exit("This example's recording ships inside PyWavelets: pip install PyWavelets")
    signal = pywt.data.ecg().astype(np.float64)
    trend = np.convolve(np.pad(signal, 150, mode="edge"), np.ones(301) / 301, mode="valid")
    return (signal - trend) / (signal - trend).std()


def find_beats(signal):
    """Returns the positions of the beats: the highest samples, at least half a second apart."""
    beats = []
    for place in np.argsort(-signal):
        if signal[place] < 2:
            break
        if all(abs(place - beat) > 180 for beat in beats):
            beats.append(int(place))
    return beats


def make_dataset(seed=0):
    """Returns signals (n, LENGTH, 1), labels (n,), and masks of the T waves (n, LENGTH)."""
    rng = np.random.default_rng(seed)
    normal = load_recording()
    is_wave, inverted = np.zeros(len(normal), bool), normal.copy()
    for beat in find_beats(normal):
        place = slice(beat + T_WAVE.start, beat + T_WAVE.stop)
        is_wave[place] = True
        wave = normal[place]
        ground = np.linspace(*wave[[0, -1]], len(wave)) if len(wave) else wave
        inverted[place] = 2 * ground - wave
    n = NUM_TRAINING + NUM_VALIDATION
    labels = rng.permutation(np.arange(n) % 2)
    starts = rng.integers(0, len(normal) - LENGTH + 1, n)
    both = np.stack([normal, inverted])
    signals = np.stack([both[c, s : s + LENGTH] for c, s in zip(labels, starts, strict=True)])
    signals = signals * rng.uniform(0.8, 1.2, (n, 1)) + rng.normal(0, 0.05, signals.shape)
    masks = np.stack([is_wave[s : s + LENGTH] for s in starts])
    return signals[..., None].astype(np.float32), labels, masks


def make_model():
    parts = [keras.Input((LENGTH, 1))]
    for width in (16, 32, 32):
        parts += [
            layers.Conv1D(width, 9, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling1D(),
        ]
    parts[-1:] = [layers.GlobalAveragePooling1D(), layers.Dense(2)]
    model = keras.Sequential(parts)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log-dir", default="logs/ecg")
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    signals, labels, masks = make_dataset()
    held = slice(NUM_TRAINING, NUM_TRAINING + NUM_PROBES)
    saliency = SaliencyCallback(
        ProbeSet(
            signals[held], labels[held], object_masks=masks[held], class_names=["T up", "T down"]
        ),
        options.log_dir,
        ["grad_cam", "vanilla_gradients"],
        sinks=["tensorboard", "folder"],
    )
    make_model().fit(
        signals[:NUM_TRAINING],
        labels[:NUM_TRAINING],
        validation_data=(signals[NUM_TRAINING:], labels[NUM_TRAINING:]),
        epochs=options.epochs,
        verbose=2,
        callbacks=[saliency],
    )
    mass = np.nanmean(saliency.history["grad_cam"]["object_mass"], axis=1)
    print(f"Share of attention on the T waves, which fill {masks[held].mean():.0%} of the signals:")
    print("  untrained {:.0%}, then {}".format(mass[0], ", ".join(f"{m:.0%}" for m in mass[1:])))
    print(f"Pictures: {saliency.run_dir}/pictures")


if __name__ == "__main__":
    main()
