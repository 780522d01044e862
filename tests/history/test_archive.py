import io
import zipfile

import numpy as np
import pytest
from helpers.archives import LABELS, N, append, metadata, npy, with_array

from keras_saliency.history import History


@pytest.fixture
def history():
    history = History(labels=LABELS, names=["a", "b", "c", "d"], class_names=["cat", "dog"])
    append(history, -1, seconds=0.5)
    append(history, 0, statistics={"deconvnet": {"gini": [1, 2, 3, 4], "iou": [np.nan] * N}})
    append(history, 1, heatmaps={"deconvnet": np.full((N, 2, 2), [[np.inf, 0], [1, 2]])})
    return history


def same_as_saved(history):
    file = io.BytesIO()
    history.save(file)
    file.seek(0)
    return History.load(file)


def test_a_saved_history_is_loaded_bit_for_bit(history, tmp_path):
    path = tmp_path / "history.data"
    history.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["history.data"]
    loaded = History.load(str(path))
    assert loaded == history == same_as_saved(history)
    assert loaded.to_dict() == history.to_dict()
    for epoch in (-1, 0):
        np.testing.assert_array_equal(
            loaded.heatmaps("grad_cam", epoch), history.heatmaps("grad_cam", epoch)
        )
    append(loaded, 2)
    assert loaded != history and loaded.epochs == [-1, 0, 1, 2]


@pytest.mark.parametrize("name", ["../../etc", "a/b", "π ☃", "", "metadata"])
def test_any_name_can_be_saved(name):
    history = History()
    append(history, 0, heatmaps={name: np.ones((N, 1, 1))})
    append(history, 1, statistics={name: {name: [1, 2, 3, 4]}}, heatmaps={})
    assert same_as_saved(history) == history
    assert same_as_saved(history).methods == history.methods == ["grad_cam", name]


def test_an_empty_history_is_saved_too():
    assert same_as_saved(History()) == History()
    assert same_as_saved(History(labels=[1, 2])) != History()


def compressed_zip():
    file = io.BytesIO()
    np.savez_compressed(file, **np.load(io.BytesIO(with_array())))
    return file.getvalue()


def zip_with(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


HUGE = b"{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }" % 2**60
BROKEN = {
    "empty": b"",
    "text": b"epoch,value\n0,1\n",
    "single array": npy(np.zeros(3)),
    "pickle": npy(np.array([{"a": 1}], object)),
    "cut": with_array()[:-100],
    "another zip": zip_with("readme.txt", "hello"),
    "claims to be huge": zip_with(
        "metadata.npy", b"\x93NUMPY\x01\x00" + len(HUGE).to_bytes(2, "little") + HUGE
    ),
    "compressed": compressed_zip(),
    "no metadata": with_array(metadata=None),
    "metadata is no JSON": with_array(metadata=np.zeros(5, np.uint8)),
    "metadata is a list": with_array(metadata=np.frombuffer(b"[]", np.uint8)),
    "deep JSON": with_array(metadata=np.frombuffer(b"[" * 100000, np.uint8)),
    "another format": with_array(**metadata(format="else")),
    "a later version": with_array(**metadata(version=2)),
    "epochs are text": with_array(**metadata(epochs=["0"])),
    "an epoch too many": with_array(**metadata(epochs=[0, 1])),
    "a series too many": with_array(**metadata(series=[["m", "s", [0]], ["m", "t", [0]]])),
    "objects": with_array(confidence=np.array([[{}] * N], object)),
    "another n": with_array(classes=np.zeros((1, 3), np.int64)),
    "another type": with_array(values=np.zeros((1, N), np.float64)),
    "another rank": with_array(codes_0=np.zeros((N, 3, 1, 1, 1), np.float16)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_in_words(what, tmp_path):
    path = tmp_path / "history.npz"
    path.write_bytes(BROKEN[what])
    with pytest.raises(ValueError, match=r"history.npz is no history that can be read: .+Pass a"):
        History.load(path)


def test_a_damaged_byte_never_gives_another_error(history):
    file = io.BytesIO()
    history.save(file)
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(file.getvalue())
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        try:
            History.load(io.BytesIO(bytes(damaged)))
        except ValueError as error:
            assert "no history that can be read" in str(error)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        History.load(tmp_path / "none.npz")


def test_a_failed_save_leaves_the_old_file(history, tmp_path, monkeypatch):
    path = tmp_path / "history.npz"
    history.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(np.lib.format, "write_array", lambda file, *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        history.save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_one_probe_and_one_pixel_are_saved():
    history = History()
    history.append(0, ([3], [0.5]), {"m": {"gini": [1.0]}}, {"m": [[[2.0]]]})
    assert same_as_saved(history) == history
