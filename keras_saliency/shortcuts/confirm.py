"""`confirm`: puts a suspicion of the user's own to the test."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_saliency._utils.boxes import check_box
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.target import Target
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.evidence import gather_evidence
from keras_saliency.shortcuts.finding import Finding, alert_of_swap
from keras_saliency.shortcuts.messages import describe_confirmation, title_of_confirmation
from keras_saliency.shortcuts.removal import Removal, remove
from keras_saliency.shortcuts.swaps import (
    ClassLabels,
    Outcome,
    PatchSwap,
    Scene,
    ValueRange,
    add_controls,
    run_trial,
)
from keras_saliency.shortcuts.swaps.pairs import MAX_PAIRS
from keras_saliency.shortcuts.tested_classes import MAX_CLASSES
from keras_saliency.shortcuts.verdict import ALERT, HINT, SUSPECT, Severity, Verdict

MIN_EXCESS = 0.2  # of an adoption over its control


def confirm(
    model: Any,
    probes: ProbeSet | Any,
    region: Sequence[int],
    *,
    donor_class: int | None = None,
    output: str | int | None = None,
) -> Alert:
    """Tests whether a model decides by one region of its images.

    Two swaps answer. Paste: the region of probes of a class is put on probes of other classes; does
    the prediction follow? Remove: the region of others is put on probes of the class; is it
    lost? Each has controls: the same from the recipient's own class, and regions of the
    same size at random places.

    Args:
        model: a trained `keras.Model`, as `SaliencyCallback` takes it.
        probes: `ProbeSet` with labels, or `(images, labels)`.
        region: (y0, x0, y1, x1) in pixels of the probes, half-open; for signals (start, end), for
            volumes (z0, y0, x0, z1, y1, x1).
        donor_class: the class whose region is pasted. Defaults to None: all are tried,
            and the one with the largest excess is reported.
        output: name or number of the output, of a model that has several.

    Returns:
        `Alert`; its message has all figures, its evidence shows them. Its severity is
        "alert" where the class moves with the region (an adoption at least 0.2 over its control,
        and over it for certain, by Wilson's 95 % bound of the distinct donors), "suspect" where
        only removing it does something, and else "hint": nothing was proven.

    Raises:
        ValueError: if the region lies outside the images, the probes have no labels, or
            there are too few that the model is right about.
    """
    probes = ProbeSet.of(probes)
    region = check_box("region", region, probes.image_shape[:-1])
    scene = _scene(model, probes, output)
    swap = PatchSwap(scene, lambda donors, _: np.tile(region, (len(donors), 1)))
    rng = np.random.default_rng(0)
    pasted = _paste(scene, swap, _classes(scene.class_labels, donor_class), rng)
    removal = remove(scene, swap, pasted.class_index, rng)
    severity = _severity(pasted, removal)
    class_name = probes.class_text(pasted.class_index)
    alert = alert_of_swap(
        "confirm",
        Verdict(severity, epoch=0, since_epoch=0),
        pasted,
        class_index=pasted.class_index,
        region=region,
        probe_indices=np.unique(pasted.pairs.donors),
        message=describe_confirmation(severity, region, class_name, pasted, removal),
    )
    evidence = gather_evidence(scene, swap, pasted, probes)
    return Finding(alert, evidence).drawn(probes, title_of_confirmation(alert, class_name))


def _scene(model: Any, probes: ProbeSet, output: str | int | None) -> Scene:
    """The probes, and what the model says of them; refuses probes without labels."""
    graph = ModelGraph(
        model,
        "vanilla_gradients",
        image_shape=probes.model_inputs.shape[1:],
        chunk_size=min(32, len(probes)),
        target=Target.about(probes, output=output),
    )
    probes.check_num_classes(graph.num_classes)
    class_labels = ClassLabels.of(probes, graph.num_classes)
    if class_labels is None:
        raise ValueError("confirm needs labelled probes. Pass ProbeSet(images, labels).")
    is_said = class_labels.says(graph.predict(probes.model_inputs).logits)
    return Scene.of(probes, class_labels, ValueRange.of(probes.images), graph, is_said)


def _classes(class_labels: ClassLabels, donor_class: int | None) -> list[int]:
    """The classes whose region is pasted."""
    if donor_class is None:
        return class_labels.frequent_classes(MAX_CLASSES)
    if donor_class not in range(class_labels.num_classes):
        raise ValueError(
            f"donor_class must be a class of the model, 0 ... {class_labels.num_classes - 1}. "
            f"Received: {donor_class!r}."
        )
    return [int(donor_class)]


def _paste(scene: Scene, swap: PatchSwap, classes: list[int], rng: np.random.Generator) -> Outcome:
    """Puts the region of probes of each class on others; returns the outcome of most excess."""
    outcomes = run_trial(scene, swap, classes, MAX_PAIRS, rng)
    if not outcomes:
        accuracy = scene.class_labels.accuracy(scene.is_said)
        raise ValueError(
            "confirm needs at least 4 probes of a class that the model is right about, and 4 of "
            "others that it does not take for that class. Received: "
            f"{accuracy:.0%} of {len(scene.pixels)} probes right. Pass more probes."
        )
    return max(add_controls(scene, swap, outcomes, rng), key=lambda outcome: outcome.excess)


def _severity(pasted: Outcome, removal: Removal) -> Severity:
    if pasted.excess >= MIN_EXCESS and pasted.lower_bound > (pasted.control or 0):
        return ALERT
    return SUSPECT if removal.is_proven(MIN_EXCESS) else HINT
