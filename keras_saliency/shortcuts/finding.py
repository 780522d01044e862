"""`Finding`: what has been found, before it is drawn."""

from dataclasses import dataclass

from keras_saliency.shortcuts.evidence import Evidence


@dataclass(frozen=True, eq=False)
class Finding:
    """What has been found, before it is put into words and drawn; see `Alert`."""

    severity: str
    detector: str
    epoch: int
    since_epoch: int
    message: str
    class_index: int | None = None
    adoption: float | None = None
    control: float | None = None
    num_pairs: int = 0
    num_donors: int = 0
    region: tuple[int, ...] | None = None
    probe_indices: tuple[int, ...] = ()
    evidence: Evidence | None = None
