"""Names in tags, pages and folders; archives and images that are not what they say."""

import glob
import io
import pickle
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from conftest import small_cnn
from test_callback import compiled, events_of, fit
from test_history_file import metadata, npy, with_array
from test_hostile import HOSTILE

from keras_saliency import ProbeSet, SaliencyCallback
from keras_saliency.history import History
from keras_saliency.methods import GradCAM, get_methods
from keras_saliency.records import EpochReport, Predictions
from keras_saliency.sinks import FolderSink, TensorBoardSink

SHAPE = (18, 14, 3)
MEGABYTE = 2**20
TABLE_TAGS = {f"<{tag}>" for tag in ("table", "thead", "tbody", "tr", "th", "td")}


# -- names in tags, pages and folders ----------------------------------------


def files_below(path):
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())


def observe(log_dir, names):
    """Runs a small fit; returns its tags by plugin, its files and its settings page."""
    rng, num = np.random.default_rng(0), len(names)
    images, labels = rng.uniform(size=(32, *SHAPE)).astype(np.float32), np.arange(32) % 4
    probes = ProbeSet(
        images[:num], labels[:num], names=names, class_names=names, groups=names[: num // 2] * 2
    )
    sinks = ["tensorboard", FolderSink(str(log_dir / "pictures"))]
    callback = SaliencyCallback(probes, log_dir, num_drawn=num, sinks=sinks, on_error="raise")
    fit(callback, (images, labels), compiled(small_cnn()), epochs=1)
    assert callback.history.names == names
    events = events_of(glob.escape(str(log_dir / "saliency")))
    page = events["saliency/settings"][0][2].item().decode()
    files = [f for f in files_below(log_dir) if "events.out" not in f]
    return {(tag, entries[0][1]) for tag, entries in events.items()}, files, page


@pytest.mark.parametrize("log_name", ["a\nb <b>|", "\u202e\U0001f469 %s{0}*?[a]", "x" * 250])
def test_hostile_names_change_neither_tags_nor_pages_nor_files(tmp_path, log_name):
    odd = observe(tmp_path / "odd" / log_name, HOSTILE[:16])
    plain = observe(tmp_path / "plain", [f"p{i}" for i in range(16)])
    assert odd[:2] == plain[:2]
    different = [
        p for p in zip(odd[2].split("\n"), plain[2].split("\n"), strict=True) if p[0] != p[1]
    ]
    # The fingerprint is of the groups too, and untested classes are named.
    assert all("fingerprint" in row or "not tested" in row for row, _ in different)
    assert [p.name for p in (tmp_path / "odd").iterdir()] == [log_name]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["odd", "plain"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_settings_page_keeps_each_row_in_its_line(tmp_path, text):
    markdown = pytest.importorskip("markdown")  # TensorBoard's own
    sink = TensorBoardSink()
    sink.open(str(tmp_path), {text: {text: text}, "m": {"rule": text}})
    sink.write(EpochReport(0, None, {}, {}))
    sink.close()
    page = events_of(tmp_path)["saliency/settings"][0][2].item().decode()
    assert page.count("\n") == 3 and all(c.isprintable() or c == "\n" for c in page)
    html = markdown.markdown(page, extensions=["markdown.extensions.tables"])
    assert html.count("<tr>") == 3 and html.count("<td>") == 6
    assert set(re.findall(r"<[^>]*>?", html.replace("/", ""))) == TABLE_TAGS


@pytest.mark.parametrize("name", [*HOSTILE, ".", "..", ".hidden", "a b", "ä", "x" * 101, "a/b",
                                  "probes", "a\n", None, 3, b"grad_cam"])  # fmt: skip
def test_a_method_of_a_hostile_name_is_refused(name):
    method = GradCAM()
    method.name = name
    with pytest.raises(ValueError, match="A method's name must be .* Received: ") as caught:
        get_methods(method)
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()
    if isinstance(name, str):
        with pytest.raises(ValueError, match="unknown method .* Pass one of"):
            get_methods(name)


@pytest.mark.parametrize("name", ["grad_cam.2", "My-Method", "x" * 100, "0"])
def test_a_method_of_a_sane_name_is_taken(name):
    method = GradCAM()
    method.name = name
    assert get_methods(method) == [method]


def test_a_folder_sink_writes_only_inside_its_folder(tmp_path):
    sink, picture = FolderSink(), np.zeros((2, 2, 3), np.uint8)
    sink.open(str(tmp_path / "a" / "b"), {})
    for method in ("..", "../../x", "/etc", "..\\x", "m"):
        for kind in ("overlays", "filmstrip", "..", "."):
            tag = f"saliency/{method}/{kind}"
            predictions = Predictions(np.zeros((1, 2)), np.zeros((1, 2)))
            sink.write(EpochReport(0, predictions, {}, {}, pictures={tag: picture}))
    written = files_below(tmp_path)
    assert written and all(name.startswith("a/b/pictures/") for name in written)


# -- histories ---------------------------------------------------------------


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
