"""`confirm`: puts a suspicion of the user's own to the test."""

import numpy as np

from keras_saliency._utils.boxes import check_box
from keras_saliency.attribution.model_graph import ModelGraph
from keras_saliency.attribution.target import Target
from keras_saliency.probes import ProbeSet
from keras_saliency.records import Alert
from keras_saliency.shortcuts import gather_evidence, place_of
from keras_saliency.shortcuts.evidence import draw_evidence
from keras_saliency.shortcuts.swaps import (
    ClassLabels,
    Outcome,
    Pairs,
    PatchSwap,
    Scene,
    ValueRange,
    add_controls,
    adopted,
    run_trial,
    wilson_bounds,
)

NUM_PAIRS = 300  # of all classes
MIN_EXCESS = 0.2  # of an adoption over its control


def confirm(model, probes, region, *, donor_class=None, output=None) -> Alert:
    """Tests whether a model decides by one region of its images.

    Two swaps answer. Paste: the region of probes of a class is put on probes of other classes; does
    the prediction follow? Remove: the region of others is put on probes of the class; is it
    lost? Each has controls: the same from the recipient's own class, and regions of the
    same size at random places.

    Args:
        model: a trained `keras.Model`, as `SaliencyCallback` takes it.
        probes: `ProbeSet` with labels, or `(images, labels)`.
        region: (y0, x0, y1, x1) in pixels of the probes, half-open; of signals (start, end), of
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
        ValueError: if the region lies outside of the images, the probes have no labels, or
            there are too few that the model is right about.
    """
    probes = ProbeSet.of(probes)
    region = check_box("region", region, probes.image_shape[:-1])
    shape = probes.model_inputs.shape[1:]
    graph = ModelGraph(
        model,
        "vanilla_gradients",
        image_shape=shape,
        chunk_size=min(32, len(probes)),
        target=Target.about(probes, output=output),
    )
    probes.check_num_classes(graph.num_classes)
    task = ClassLabels.of(probes, graph.num_classes)
    if task is None:
        raise ValueError("confirm needs labelled probes. Pass ProbeSet(images, labels).")
    classes = task.frequent_classes()
    if donor_class is not None:
        if donor_class not in range(task.num_classes):
            raise ValueError(
                f"donor_class must be a class of the model, 0 ... {task.num_classes - 1}. "
                f"Received: {donor_class!r}."
            )
        classes = [int(donor_class)]
    is_said = task.says(graph.predict(probes.model_inputs).logits)
    scene = Scene.of(probes, task, ValueRange.of(probes.images), graph, is_said)
    swap = PatchSwap(scene, lambda donors, _: np.tile(region, (len(donors), 1)))
    rng = np.random.default_rng(0)
    outcomes = run_trial(scene, swap, classes, NUM_PAIRS, rng)
    if not outcomes:
        raise ValueError(
            "confirm needs at least 4 probes of a class that the model is right about, and 4 of "
            "others that it does not take for that class. Received: "
            f"{task.accuracy(is_said):.0%} of {len(probes)} probes right. Pass more probes."
        )
    outcomes = add_controls(scene, swap, outcomes, rng)
    worst = max(outcomes, key=lambda outcome: outcome.excess)
    removed, removed_control = _remove(scene, swap, worst.class_index, rng)
    is_proven = worst.excess >= MIN_EXCESS and worst.lower_bound > (worst.control or 0)
    is_lost = bool(
        len(removed)
        and removed.mean() - removed_control.mean() >= MIN_EXCESS
        and wilson_bounds(removed.mean(), len(removed))[0] > removed_control.mean()
    )
    severity = "alert" if is_proven else "suspect" if is_lost else "hint"
    name = probes.class_text(worst.class_index)
    evidence = gather_evidence(scene, swap, worst, probes)
    message = _describe(severity, region, name, worst, removed, removed_control)
    title = f"{severity}: region {region}, class {name}, adoption {worst.adoption:.0%}"
    return Alert(
        severity=severity,
        detector="confirm",
        epoch=0,
        since_epoch=0,
        class_index=worst.class_index,
        adoption=worst.adoption,
        control=worst.control,
        num_pairs=len(worst.pairs),
        num_donors=worst.num_donors,
        region=region,
        probe_indices=tuple(int(i) for i in np.unique(worst.pairs.donors)),
        message=message,
        evidence=draw_evidence(probes, evidence, title),
    )


def _remove(scene, swap, c, rng, num_pairs=100):
    """Puts the region of others on probes of a class; returns who loses it, and the control."""
    has, is_said = scene.class_labels.has_class[:, c], scene.is_said[:, c]
    recipients, donors = np.flatnonzero(has & is_said), np.flatnonzero(~has)
    if not len(recipients) or not len(donors):
        return np.zeros(0, bool), np.zeros(0, bool)
    recipients = np.resize(rng.permutation(recipients), num_pairs)
    pairs = Pairs(rng.choice(donors, num_pairs), recipients, np.full(num_pairs, c))
    elsewhere = swap.control("elsewhere").edit
    lost = ~adopted(scene, swap.edit, pairs)
    lost_elsewhere = ~adopted(scene, lambda some: elsewhere(some, rng), pairs)
    return _by_recipient(lost, recipients), _by_recipient(lost_elsewhere, recipients)


def _by_recipient(lost, recipients):
    """The share of its trials in which each recipient has lost the class."""
    return np.array([lost[recipients == r].mean() for r in np.unique(recipients)])


def _describe(severity, region, name, outcome: Outcome, removed, removed_control):
    place = place_of(region)
    verdict = {
        "alert": "the model decides by the region",
        "suspect": "the region matters, but by itself it does not carry the class",
        "hint": "nothing proves that the model decides by the region",
    }[severity]
    controls = "; ".join(
        f"with {what} instead: {int(c.sum())} of {len(c)}" for what, c in outcome.controls.items()
    )
    removal = ""
    if len(removed):
        removal = (
            f" Putting the region of others on {len(removed)} probes of the class takes it from "
            f"{removed.mean():.0%} of them (regions elsewhere: {removed_control.mean():.0%})."
        )
    return (
        f"{place[0].upper()}{place[1:]}: {verdict}. Putting the region of "
        f'class "{name}" on probes of other classes changes the prediction to it on '
        f"{int(outcome.is_adopted.sum())} of {len(outcome.pairs)} pairs with "
        f"{outcome.num_donors} donors ({controls}).{removal} Where objects lie in the region, "
        "it carries them too."
    )
