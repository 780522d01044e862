"""Which networks are trained: every kind of shortcut, and every kind of clean run."""

import dataclasses

from clean import CLEAN_KINDS
from cues import KINDS

STRENGTHS = (1.0, 0.95, 0.85)
SEEDS_PER_STRENGTH, SEEDS_PER_CLEAN_KIND = 3, 6
PRETRAINED = (
    *("random_place", "centred", "distractor", "independent_tag", "black_background"),
    "label_noise",
    *("one_class_tag", "class_tag", "edge_tag", "watermark", "background_texture", "decoy"),
)
# Seeds from 100,000, 200,000 … 2,300,000 on were scored once, some in part, and showed what was
# wrong, so they are spent, and so are the photographs on which they were scored. The last ones are
# in `scored.jsonl`: once a bound is tuned on them, a scoring needs other seeds and photographs.
FIRST_SEED = {"tune": 0, "score": 2_300_000}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training. Everything random in it follows from the seed."""

    split: str  # "tune" or "score"
    kind: str  # one of cues.KINDS or clean.CLEAN_KINDS
    strength: float  # how often the cue is that of the label; 0 in a clean run
    seed: int
    num_classes: int  # 2 or 6
    head: str  # "logits", "softmax" or "sigmoid" (one unit, two classes)
    network: str  # "gap", "flatten", "tiny" or "mobilenet" (pretrained, 96 pixels)
    objects: str  # "animals" or "digits"
    has_masks: bool  # whether the callback is given them, where it is watched once

    @property
    def is_shortcut(self):
        return self.kind in KINDS

    @property
    def size(self):
        return 96 if self.network == "mobilenet" else 40

    @property
    def name(self):
        return f"{self.kind}-{self.strength:g}-{self.network}-{self.num_classes}-{self.seed}"


def list_runs(split, fraction=1.0, first_seed=None):
    """Returns the Runs of "tune" or "score", whose seeds differ.

    Args:
        split: "tune" or "score".
        fraction: With less than 1, about that share of the runs of every kind, at least one.
        first_seed: Of other runs of the same kinds. Defaults to that of the split.
    """
    families = []
    for i, kind in enumerate(KINDS):
        # A seed of each strength has two classes.
        varied = [(STRENGTHS[j], (i + j + r) % 3 == 0, i + j) for r in range(3) for j in range(3)]
        families.append([(kind, *settings, "") for settings in varied])
    for i, kind in enumerate(CLEAN_KINDS):
        varied = [(0.0, (i + r) % 3 == 0, r // 3) for r in range(SEEDS_PER_CLEAN_KIND)]
        families.append([(kind, *settings, "") for settings in varied])
    for pretrained in (PRETRAINED[:6], PRETRAINED[6:]):
        families.append(
            [
                (kind, 1.0 if kind in KINDS else 0.0, r % 3 == 0, r // 3, "mobilenet")
                for r, kind in enumerate(pretrained)
            ]
        )
    runs, seed = [], FIRST_SEED[split] if first_seed is None else first_seed
    for family in families:
        wanted = max(1, round(fraction * len(family)))
        # Spread over strengths and numbers of classes: the seeds differ slowest.
        for settings in family[:wanted]:
            runs.append(_make(split, seed, *settings))
            seed += 1
        seed += len(family) - wanted  # a run has the same seed whatever the fraction
    return runs


def _make(split, seed, kind, strength, has_two, turn, network):
    if not network:
        network = "tiny" if kind == "tiny_network" else ("gap", "flatten")[seed % 2]
    head = ("logits", "softmax")[seed // 2 % 2]
    if has_two and turn % 2 == 0:
        head = "sigmoid"
    return Run(
        split=split,
        kind=kind,
        strength=strength,
        seed=seed,
        num_classes=2 if has_two else 6,
        head=head,
        network=network,
        objects="digits" if seed % 5 in (1, 3) else "animals",
        has_masks=seed // 3 % 2 == 0,
    )
