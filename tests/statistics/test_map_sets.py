"""Statistics of a set are the same from small maps, from held ones, and chunk by chunk."""

import dataclasses

import numpy as np
import pytest
from helpers.slow_twins import bilinear_resize
from helpers.stand_ins import full_probes, predicted

from keras_saliency.records import StoredMaps
from keras_saliency.statistics import STATISTICS, Recording, compute_all, map_sets, maps
from keras_saliency.statistics.coarse_maps import CoarseMaps
from keras_saliency.statistics.map_sets import map_set_of
from keras_saliency.statistics.maps import Maps

N, IMAGE = 12, (36, 40)
OF_SETS = [name for name, entry in STATISTICS.items() if entry.of_set]
KINDS = {  # size of the maps, pixels of a chunk, pixels that are held, what is made of them
    "small": ((3, 4), 5 * 36 * 40, 2**24, CoarseMaps),
    "small, one chunk": ((3, 4), 2**22, 2**24, CoarseMaps),
    "held": ((36, 40), 5 * 36 * 40, 2**24, Maps),
    "held, resized": ((33, 20), 5 * 36 * 40, 2**24, Maps),
    "one chunk": ((36, 40), 2**22, 0, Maps),
    "chunk by chunk": ((36, 40), 5 * 36 * 40, 2**10, Recording),
}


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_of_sets_do_not_depend_on_how_maps_are_held(kind, rng, monkeypatch):
    size, chunk, held, expected_kind = KINDS[kind]
    monkeypatch.setattr(maps, "CHUNK_PIXELS", chunk)
    monkeypatch.setattr(map_sets, "CHUNK_PIXELS", chunk)
    monkeypatch.setattr(map_sets, "HELD_PIXELS", held)
    native = {m: rng.random((N, *size), dtype=np.float32) ** 3 for m in ("grad_cam", "hires_cam")}
    for some in native.values():
        some[1], some[4], some[7, 0, 0] = 0, 0.5, np.nan
    stored = {m: StoredMaps.of(some) for m, some in native.items()}
    recordings = {m: Recording(m, some, IMAGE) for m, some in stored.items()}
    assert isinstance(map_set_of(recordings["grad_cam"], 2), expected_kind)
    probes, predictions = full_probes(rng, N, IMAGE), predicted([0, 1] * (N // 2))
    found = compute_all(recordings, probes, predictions, {})
    for method, some in stored.items():
        resized = np.stack([bilinear_resize(m, IMAGE) for m in some.restore()])
        cell = () if size == IMAGE else (IMAGE[0] / size[0], IMAGE[1] / size[1])
        whole = dataclasses.replace(Maps.of(resized), cell=cell)
        for name in OF_SETS:
            given = {"predictions": predictions} if name == "group_accuracy_gap" else {}
            expected = STATISTICS[name].measure(whole, probes, **given)
            np.testing.assert_allclose(
                found[method][name], expected, rtol=1e-4, atol=1e-5, err_msg=name
            )
            assert np.isfinite(expected[[0, 2, 3]]).all(), name
