"""Archives that are not what they say: bombs, lies and pickles."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from helpers.archives import metadata, npy, with_array

from keras_saliency.history import History

MEGABYTE = 2**20


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def header(shape, dtype="<f4"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def history_with(content, name="classes.npy", compression=zipfile.ZIP_STORED):
    """The bytes of a good history with one more or another member."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(with_array())) as good, zipfile.ZipFile(out, "w") as bad:
        for member in good.namelist():
            if member != name:
                bad.writestr(member, good.read(member))
        bad.writestr(name, content, compress_type=compression)
    return out.getvalue()


def lying(content):
    """The last member claims, in the list at the end, a million times its size."""
    where = content.rindex(b"PK\x01\x02")
    return content[: where + 20] + struct.pack("<II", 2**31, 2**31) + content[where + 28 :]


def overlapping():
    """A hundred entries that are all the same megabyte of zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", npy(np.zeros(MEGABYTE, np.uint8)))
        for i in range(100):
            twin = zipfile.ZipInfo(f"b{i}.npy")
            for slot in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(twin, slot, getattr(archive.infolist()[0], slot))
            archive.filelist.append(twin)
    return out.getvalue()


BOMBS = {
    "compressed": history_with(
        npy(np.zeros(100 * MEGABYTE, np.uint8)), "z.npy", zipfile.ZIP_DEFLATED
    ),
    "bzip2": history_with(npy(np.zeros(100 * MEGABYTE, np.uint8)), "z.npy", zipfile.ZIP_BZIP2),
    "a gigabyte announced": history_with(header((2**28,))),
    "a terabyte announced": history_with(header((2**20, 2**18), "<i8")),
    "overflow announced": history_with(header((2**32, 2**32), "<i8")),
    "endless and empty": history_with(header((2**62, 0), "<i8")),
    "endless of nothing": history_with(header((2**40,), "|V0"), "labels.npy"),
    "negative": history_with(header((-1, 4), "<i8")),
    "a wide text": history_with(header((1,), "<U400000000")),
    "sizes that lie": lying(history_with(npy(np.zeros(3)), "z.npy")),
    "overlapping": overlapping(),
    "one huge array, no archive": header((2**36,), "|u1") + b"0" * 10,
    "names are numbers": with_array(**metadata(names=[1, 2, 3, 4])),
    "names are text": with_array(**metadata(names="abcd")),
    "an epoch beyond counting": with_array(**metadata(epochs=[10**400])),
    "compared at a size of text": with_array(**metadata(comparisons=[["m", "33", True, [0]]])),
    "compared at no size": with_array(**metadata(comparisons=[["m", [0, 3], True, [0]]])),
    "compared at a huge size": with_array(**metadata(comparisons=[["m", [2**14] * 2, True, [0]]])),
    "compared in other axes": with_array(**metadata(comparisons=[["grad_cam", [3], True, [0]]])),
    "smoothed by text": with_array(**metadata(comparisons=[["m", [3, 3], "x", [0]]])),
    "compared in no epoch": with_array(**metadata(comparisons=[["m", [3, 3], True, [5]]])),
    "a method is a number": with_array(**metadata(series=[[1, "s", [0]]])),
    "labels of two axes": with_array(labels=np.zeros((4, 2), np.int64)),
    "labels are not numbers": with_array(labels=np.full(4, np.nan)),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(what, tmp_path):
    path = tmp_path / "history.npz"
    path.write_bytes(BOMBS[what])
    tracemalloc.start()
    try:
        with pytest.raises(
            ValueError, match="no history that can be read: .+Pass a file"
        ) as caught:
            History.load(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
        assert ("it is compressed" in str(caught.value)) == (what in ("compressed", "bzip2"))
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("as_what", ["npy object", "raw pickle", "metadata", "whole file"])
def test_a_pickle_in_a_history_is_not_run(as_what, tmp_path):
    evil = tmp_path / "evil"
    objects = npy(np.array([Payload(str(evil))], object))
    raw = pickle.dumps(Payload(str(evil)))
    content = {
        "npy object": lambda: history_with(objects),
        "raw pickle": lambda: history_with(raw, "labels.npy"),
        "metadata": lambda: history_with(objects, "metadata.npy"),
        "whole file": lambda: raw,
    }[as_what]()
    with pytest.raises(ValueError, match="is no history that can be read"):
        History.load(io.BytesIO(content))
    assert not evil.exists()
    pickle.loads(raw).close()
    assert evil.exists()  # it would have been run
