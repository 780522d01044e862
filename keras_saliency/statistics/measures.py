"""The registry of measures: how two epochs' maps are compared."""

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from keras_saliency.statistics.maps import Maps, blocks
from keras_saliency.statistics.native_drift import NativeFormula, are_coarse, compare_native
from keras_saliency.statistics.registry import Attention

REFERENCES = ("previous", "first", "start")
# The drifts that each observation computes, because they are shown without being asked for:
# `drift_previous` in `logs`, notebooks, Custom Scalars, and in the tab, as a curve and for sorting;
# the other two beside it under Scalars. The other measures were nine tenths of the background
# thread's work, and nothing shows them: `history` computes them when asked, from the maps it keeps.
SHOWN_DRIFTS = tuple(f"drift_{reference}" for reference in REFERENCES)

Compared: TypeAlias = Attention | Maps | np.ndarray
Formula = Callable[[np.ndarray, np.ndarray], np.ndarray]
Compare = Callable[[Compared, Compared], np.ndarray]


@dataclass(frozen=True)
class Measure:
    """An entry of the registry.

    Attributes:
        name: the measure's name; a drift is called `<measure>_<reference>`.
        compare: the function, (current, reference) -> float32 (n,); each a
            plain array (n, H, W), `Maps` or an `Attention`.
        worse: which direction means more change, "low" or "high".
    """

    name: str
    compare: Compare
    worse: str


MEASURES: dict[str, Measure] = {}


def drift_names() -> list[str]:
    """Returns the names of all drifts, `<measure>_<reference>`."""
    return [f"{measure}_{reference}" for reference in REFERENCES for measure in MEASURES]


def reference_epochs(
    epoch: int, known: Collection[int], baselines: Collection[int]
) -> dict[str, int]:
    """Returns the epochs that one is compared with, by reference; without those that are not there.

    Args:
        epoch: int, 0-based, -1 for the baseline of a new run.
        known: the epochs that were observed.
        baselines: those of them that are models before their first epoch.
    """
    earlier = sorted(e for e in known if e < epoch)
    chosen = {
        "previous": earlier[-1:],
        "first": [e for e in earlier if e not in baselines],
        "start": [e for e in earlier if e in baselines],
    }
    return {reference: epochs[0] for reference, epochs in chosen.items() if epochs}


def measure(
    name: str, *, of: str, worse: str = "high", from_native: NativeFormula | None = None
) -> Callable[[Formula], Compare]:
    """Registers a formula on two blocks of `Maps.<of>`, float or bool (b, H, W), as a measure.

    `from_native(current, reference, image_size)` is the same formula on unit-mass maps of
    native size, for two `Attention`s, where there is a way that need not resize them.

    NaN wherever one of the two maps is all zero, constant or not finite: it
    points nowhere, so that nothing can have moved.
    """

    def register(formula: Formula) -> Compare:
        @functools.wraps(formula)
        def compare(current: Compared, reference: Compared) -> np.ndarray:
            if (
                from_native
                and isinstance(current, Attention)
                and isinstance(reference, Attention)
                and are_coarse(current, reference)
            ):
                return compare_native(from_native, current, reference)
            now, before = _image_maps(current), _image_maps(reference)
            if now.unit.shape != before.unit.shape:
                raise ValueError(
                    "current and reference must have one shape (n, H, W). "
                    f"Received: {now.unit.shape} and {before.unit.shape}. "
                    "Pass maps of the same probes."
                )
            a, b = getattr(now, of), getattr(before, of)
            values = np.full(len(a), np.nan, np.float32)
            with np.errstate(invalid="ignore", divide="ignore"):  # of maps that are masked below
                for block in blocks(a):
                    values[block] = formula(a[block], b[block])
            values[~(now.comparable & before.comparable)] = np.nan
            return values

        MEASURES[name] = Measure(name, compare, worse)
        return compare

    return register


def _image_maps(maps: Compared) -> Maps:
    return maps.image if isinstance(maps, Attention) else Maps.of(maps)
