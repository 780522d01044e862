"""`confirm`: puts a suspicion of the user's own to the test."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_saliency._utils.boxes import check_box
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.preprocessor import prepared
from keras_saliency.attribution.target import Target
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts.detector import Proposal, SwapDetector
from keras_saliency.shortcuts.finding import finding_of_trial
from keras_saliency.shortcuts.messages import describe_confirmation, title_of
from keras_saliency.shortcuts.swaps import BoxSwap, ClassLabels, Scene, ValueRange
from keras_saliency.shortcuts.tested_classes import MIN_DONORS, MIN_RECIPIENTS
from keras_saliency.shortcuts.trial import Trial
from keras_saliency.shortcuts.trying import run_trial
from keras_saliency.shortcuts.verdict import ALERT, SUSPECT, Severity, Verdict

_STAGES = (600,)  # recipients: there is one swap only, so it can be tried thoroughly


def confirm(
    model: Any,
    probes: ProbeSet | Any,
    region: Sequence[int],
    *,
    donor_class: int | None = None,
    output: str | int | None = None,
) -> Alert:
    """Tests whether a model relies on one region of its images.

    The region of other images is put on each image: of its own class, and of others. What the
    latter cost beyond the former is the accuracy that depends on the region. Objects are not
    spared.

    Args:
        model: a trained `keras.Model`, as `SaliencyCallback` takes it.
        probes: `ProbeSet` with labels, or `(images, labels)`.
        region: (y0, x0, y1, x1) in pixels of the probes, half-open; for signals (start, end), for
            volumes (z0, y0, x0, z1, y1, x1).
        donor_class: the class whose region is put on images of others. Defaults to None, all.
        output: name or number of the output, of a model that has several.

    Returns:
        `Alert`; its message has all figures, its evidence shows them. Its severity is
        "alert" where the lower end of the accuracy loss's interval is above 0.04, and else
        "suspect": it remains a suspicion, since nothing was proven.

    Raises:
        ValueError: if the region lies outside the images, the probes have no labels, or
            there are too few of them.
    """
    probes = ProbeSet.of(probes)
    region = check_box("region", region, probes.image_shape[:-1])
    scene = _scene(model, probes, output)
    trial = _try(scene, region, _classes(scene.class_labels, donor_class))
    severity: Severity = ALERT if trial.is_proven else SUSPECT
    finding = finding_of_trial(scene, probes, trial, Verdict(severity, epoch=0, since_epoch=0))
    alert = dataclasses.replace(finding.alert, region=region)
    message = describe_confirmation(alert, trial, probes.class_text(trial.accused_class))
    alert = dataclasses.replace(alert, message=message)
    return dataclasses.replace(finding, alert=alert).drawn(title_of(alert, probes, has_epoch=False))


def _scene(model: Any, probes: ProbeSet, output: str | int | None) -> Scene:
    """The images that are swapped, and the model; refuses probes without labels."""
    probes = prepared(model, probes)
    graph = ModelGraph(
        model,
        "vanilla_gradients",
        image_shape=probes.model_inputs.shape[1:],
        chunk_size=min(32, len(probes)),
        target=Target.about(probes, output=output),
    )
    if not graph.has_classes:
        raise ValueError(
            f'confirm needs a model that names classes. Received: the model "{model.name}", whose '
            "output is a number. Pass a classifier, or output= for the output that is one."
        )
    probes.check_num_classes(graph.num_classes)
    swapped = probes.for_swaps
    class_labels = ClassLabels.of(swapped, graph.num_classes)
    if class_labels is None:
        raise ValueError("confirm needs labelled probes. Pass ProbeSet(images, labels).")
    return Scene.of(swapped, class_labels, ValueRange.of(swapped), graph)


def _classes(class_labels: ClassLabels, donor_class: int | None) -> list[int]:
    """The classes whose region is pasted."""
    if donor_class is None:
        return class_labels.frequent_classes()
    if donor_class not in range(class_labels.num_classes):
        raise ValueError(
            f"donor_class must be a class of the model, 0 ... {class_labels.num_classes - 1}. "
            f"Received: {donor_class!r}."
        )
    return [int(donor_class)]


def _try(scene: Scene, region: tuple[int, ...], classes: list[int]) -> Trial:
    """Puts the region of images on others."""
    rows = np.arange(len(scene.probes))
    proposal = Proposal(BoxSwap(scene, region, False), rows, rows)
    detector = SwapDetector("confirm", lambda *_: [proposal], "this region", "", frozenset())
    rng = np.random.default_rng(0)
    trial = run_trial(scene, detector, proposal, classes, rng, stages=_STAGES)
    if not trial.by_class:
        probes, counts = scene.probes, scene.class_labels.has_class.sum(axis=0)
        named = ", ".join(f'{counts[c]} of class "{probes.class_text(c)}"' for c in classes[:5])
        raise ValueError(
            f"confirm needs at least {MIN_DONORS} probes of a class, and {MIN_RECIPIENTS} of "
            f"other classes. Received: {len(probes)} probes, {named}. Pass more probes."
        )
    return trial
