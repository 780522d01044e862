"""A part of the benchmark on real data: trainings watched with default settings, no masks.

Of the split "tune". The images ship inside packages of the extras "test" and "examples";
where one is missing, the run fails and names it.
"""

import io
import json
import os
import struct
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks/shortcuts"
sys.path.insert(0, str(FOLDER))
try:
    from real import boards, cutouts, figures, games, renders, sheets, sounds
    from real.cues import KINDS
    from real.data import LOADERS
    from real.report import RIGHT, gaps
    from real.runs import SMALL, list_runs
finally:
    sys.path.remove(str(FOLDER))
CLEAN = ("clean-digits-flatten-5-11", "clean-mnist-flatten-5-5", "clean-textures-flatten-4-35")
CUED = (
    *("noise-digits-resnet-5-80", "brightness-mnist-flatten-5-62"),
    "frame-textures-flatten-4-56",
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    output = folder / "rows.jsonl"
    command = [sys.executable, "-m", "real.benchmark", "--split", "tune", "--data", str(folder)]
    command += ["--output", str(output), "--runs", *CLEAN, *CUED]
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    subprocess.run(command, check=True, timeout=900, cwd=FOLDER, env=environment)
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert not [row for row in found if "error" in row], found
    return {row["name"]: row for row in found}


def findings(row, severity):
    return [f for f in row["no masks"]["findings"] if f["severity"] == severity]


@pytest.mark.slow
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_training_on_real_data_raises_no_alert(rows, name):
    assert rows[name]["biased"][-1] > 0.7
    assert findings(rows[name], "alert") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CUED)
def test_a_cue_in_real_data_is_named(rows, name):
    row = rows[name]
    assert max(gaps(row)) >= 0.1, "the network ignored the cue"
    first = findings(row, "alert")[0]
    assert first["detector"] in RIGHT[row["kind"]]
    low, high = first["loss_interval"]
    assert 0.04 < low <= first["accuracy_loss"] <= high
    assert low <= max(gaps(row)) + 0.05, "more is said to depend on the cue than does"


def test_no_data_set_and_no_seed_is_in_two_splits():
    names = [name for loaders in LOADERS.values() for name in loaders]
    assert len(names) == len(set(names))
    seeds = [run.seed for split in LOADERS for run in list_runs(split)]
    assert len(seeds) == len(set(seeds))


@pytest.mark.parametrize("split", ["first", "second", "third", "fourth", "fifth", "sixth", "score"])
def test_what_is_scored_has_enough_trainings_of_every_kind(split):
    runs = list_runs(split)
    assert sum(not run.is_cued for run in runs) >= 60
    planted = Counter(run.kind for run in runs if run.is_cued)
    assert set(planted) == set(KINDS)
    assert min(planted.values()) >= 6
    assert {run.network for run in runs} == {*SMALL, "mobilenet"}
    assert {run.data for run in runs} == set(LOADERS[split])


def test_every_picture_of_a_sheet_is_cut_out_where_it_is(tmp_path):
    """Six frames in two rows, each of one colour: each is cut out alone."""
    colours = np.arange(1, 7, dtype=np.uint8) * 40
    cells = [np.full((10, 8, 4), colour, np.uint8) for colour in colours]
    sheet = np.vstack([np.hstack(cells[:3]), np.hstack(cells[3:])])
    cv2.imwrite(str(tmp_path / "build_1.png"), sheet)
    cv2.imwrite(str(tmp_path / "idle_2.png"), cells[0])
    described = "idle = { hotspot = { 1, 2 } }, build = { frames = 6, columns = 3, rows = 2 }"
    found = sheets._frames(tmp_path, "build", described)
    assert [np.unique(picture).tolist() for picture in found] == [[c] for c in colours]
    assert [len(sheets._frames(tmp_path, name, described)) for name in ("idle", "working")] == [
        1,
        0,
    ]


def test_the_square_of_a_piece_is_left_out_and_the_piece_is_not():
    piece = np.full((20, 20, 4), (128, 128, 128, 255), np.uint8)
    piece[5:15, 5:15, :3] = 250
    piece[8:12, 8:12, :3] = 128  # a hole in the piece, which the corners don't reach
    alpha = sheets._without_square(piece)[..., 3]
    expected = np.zeros((20, 20), bool)
    expected[5:15, 5:15] = True
    np.testing.assert_array_equal(alpha > 0, expected)


def test_no_part_of_the_sheet_is_seen_through_the_paper():
    """A half transparent red square on blue paper: half of both, and its mask is the square."""
    picture = np.zeros((10, 10, 4), np.uint8)
    picture[2:8, 2:8] = 0, 0, 255, 128  # BGR and alpha
    paper = np.full((20, 20, 3), (0, 0, 255), np.uint8)
    image, mask = cutouts.lay(cutouts.place(picture, 20, 0.6), paper)
    assert mask.sum() == 12 * 12
    np.testing.assert_allclose(image[mask].mean(0), [128, 0, 127], atol=1)
    np.testing.assert_array_equal(image[~mask], paper[~mask])


def test_tiles_are_counted_over_all_sheets(tmp_path, monkeypatch):
    """Two tiles of 4×4 in one sheet, then two of 8×4; the second of each is asked for."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    small = np.repeat([[10, 20]], 4, axis=1).repeat(4, axis=0)
    large = np.repeat([[30], [40]], 8, axis=0).repeat(4, axis=1)
    for name, levels in (("small", small), ("large", large)):
        cv2.imwrite(str(folder / f"{name}.png"), np.repeat(levels[..., None], 4, -1))
    tiles = [{"id": "t_one", "fg": 1}], [{"id": ["mon_two", "mon_three"], "fg": [{"sprite": 3}]}]
    sheets = [{"file": "small.png", "tiles": tiles[0]}]
    sheets += [{"file": "large.png", "sprite_height": 8, "sprite_width": 4, "tiles": tiles[1]}]
    config = {"tile_info": [{"width": 4, "height": 4}], "tiles-new": sheets}
    (folder / "tile_config.json").write_text(json.dumps(config))
    monkeypatch.setattr(boards, "debian", lambda path: tmp_path / path.rsplit("/", 1)[-1])
    found = {name: (picture.shape, int(picture.mean())) for name, picture in boards._tiles("tiny")}
    assert found == {"t_one": ((4, 4, 4), 20), "mon_two": ((8, 4, 4), 40)}


def test_what_is_drawn_on_a_board_is_its_mask():
    picture = np.full((30, 20, 4), (0, 0, 255, 255), np.uint8)  # BGR and alpha
    board = np.full((90, 90, 3), (0, 0, 255), np.uint8)
    images, labels, masks, kept = boards.draw([(picture, 2, True)] * 5, 40, [board])
    assert labels.tolist() == [2] * 5
    assert kept.all()
    changed = np.abs(images - board[0, 0].astype(int)).max(-1)
    np.testing.assert_array_equal(changed > 0.03 * 255, masks)
    assert (changed[masks] > 200).mean() > 0.8


def test_a_picture_of_a_wad_file_is_read_post_by_post():
    """Two columns of three pixels: one with a gap in the middle, one that is empty."""
    palette = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)  # RGB
    palette[:, 2] = 255 - palette[:, 2]
    posts = bytes((0, 1, 0, 10, 0, 2, 1, 0, 20, 0, 255)), bytes((255,))
    lump = struct.pack("<hhhhii", 2, 3, 0, 0, 16, 16 + len(posts[0])) + b"".join(posts)
    expected = np.zeros((3, 2, 4), np.uint8)
    expected[0, 0] = 245, 10, 10, 255  # BGR and alpha
    expected[2, 0] = 235, 20, 20, 255
    np.testing.assert_array_equal(boards._patch(lump, palette), expected)


def test_the_nearer_triangle_hides_the_farther_one(tmp_path):
    materials = "".join(
        f"Shape {{ appearance Appearance {{material DEF {name} Material {{\n"
        f" ambientIntensity 0.2\n diffuseColor {colour}\n }} }} }}\n"
        for name, colour in (("RED", "1.0 0.0 0.0"), ("BLUE", "0.0 0.0 1.0"))
    )
    shapes = "".join(
        f"Shape {{ geometry IndexedFaceSet {{ coordIndex [0,1,2,-1]\n"
        f"coord Coordinate {{ point [0 0 {z},4 0 {z},0 4 {z}] }} }}\n"
        f"appearance Appearance{{material USE {name} }} }}\n"
        for name, z in (("BLUE", 1), ("RED", 0))
    )
    file = tmp_path / "part.wrl"
    file.write_text(materials + shapes)
    triangles, colours = renders.read_model(file)
    assert triangles.shape == (2, 3, 3)
    np.testing.assert_array_equal(colours, [[0, 0, 1], [1, 0, 0]])
    for upside_down, channel in ((1, 0), (-1, 2)):  # BGR
        rotation = np.diag([1.0, upside_down, upside_down])
        picture = renders.render(triangles, colours, rotation, 40)
        seen = picture[picture[..., 3] > 0]
        assert 0.4 < len(seen) / (0.94 * 40) ** 2 < 0.6
        assert (seen[:, channel] > 0).all()
        assert not np.delete(seen[:, :3], channel, axis=1).any()


def test_recordings_are_read_one_after_the_other(tmp_path):
    waves = np.array([0, 100, -100, 0], "<i2"), np.array([1, -1, 1, -1], "i1")
    stored = bytearray(129 + 63 + 47)
    stored[129 + 63 + 6] = 2
    for series, rate, mode in zip(waves, (44100, 8000), (1, 0), strict=True):
        header = bytearray(96)
        struct.pack_into("<I8xH", header, 8, series.nbytes, rate)
        header[55] = mode
        stored += header + series.tobytes()
    (tmp_path / "two.pat").write_bytes(stored)
    found = list(sounds._recordings(tmp_path / "two.pat"))
    assert [rate for _, rate in found] == [44100, 8000]
    for (series, _), expected in zip(found, waves, strict=True):
        np.testing.assert_array_equal(series, expected)


def test_both_channels_of_a_recording_are_added(tmp_path):
    """Two channels of 24 bits, as WAV and as AIFF: the upper 16 bits count."""
    values = np.array([[1, 2], [-3, 5], [700, -1000]], np.int32)
    wide = (256 * values).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
    with wave.open(str(tmp_path / "one.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(44100)
        file.writeframes(wide.tobytes())
    common = struct.pack(">4sIhIhHQ", b"COMM", 18, 2, 3, 24, 16383 + 15, 44100 << 48)
    sound = struct.pack(">4sI8x", b"SSND", 8 + wide.size) + wide[:, ::-1].tobytes()
    (tmp_path / "one.aiff").write_bytes(b"FORM\0\0\0\0AIFF" + common + sound)
    for read, name in ((sounds._read_wav, "one.wav"), (sounds._read_aiff, "one.aiff")):
        samples, rate = read(tmp_path / name)
        assert rate == 44100
        np.testing.assert_array_equal(samples, values.sum(1))


def test_the_nearer_atom_hides_the_farther_one(tmp_path):
    """A bond seen from its ends: oxygen, red, hides the hydrogen, or is hidden by it."""
    atoms = '<atom id="a1" elementType="O" x3="0" y3="0" z3="1"/>'
    atoms += '<atom id="a2" elementType="H" x3="0" y3="0" z3="0"/>'
    text = f'<molecule xmlns="http://www.xml-cml.org/schema"><atomArray>{atoms}</atomArray>'
    text += '<bondArray><bond atomRefs2="a1 a2" order="1"/></bondArray></molecule>'
    (tmp_path / "one.cml").write_text(text)
    elements, places, bonds = renders.read_molecule(tmp_path / "one.cml")
    assert elements == ["O", "H"]
    assert bonds == [(0, 1)]
    for turned, is_red in ((1, True), (-1, False)):
        picture = renders.balls(elements, turned * places, bonds, 60)
        blue, _, red, alpha = picture[30, 30].astype(int)
        assert alpha == 255
        assert (red > 2 * blue) == is_red


def test_tiles_of_the_ground_leave_no_hole():
    """Diamonds of 64×32 with a front edge below, as the game has them."""
    rows, columns = np.mgrid[:39, :64]
    is_seen = np.abs(columns - 31.5) / 32 + np.abs(np.minimum(rows, 15) - 15) / 16 <= 1.05
    is_seen &= (rows <= 22) | (np.abs(columns - 31.5) / 32 + (rows - 22) / 16 <= 1.05)
    tile = np.dstack([np.full((39, 64, 3), 90), 255 * is_seen]).astype(np.uint8)
    ground = figures._ground([tile], np.random.default_rng(0))
    assert ground.shape == (160, 160, 3)
    assert np.unique(ground).tolist() == [90]


def test_every_picture_inside_of_a_file_of_resources_is_read():
    """Two WebP pictures of one colour each, with other bytes around, and a sound between."""
    from PIL import Image

    stored, colours = b"qres" + bytes(20), ((200, 30, 10), (10, 60, 220))
    for colour in colours:
        encoded = io.BytesIO()
        Image.new("RGB", (12, 8), colour).save(encoded, "WEBP", lossless=True)
        stored += bytes(3) + encoded.getvalue() + b"RIFF" + struct.pack("<I", 4) + b"WAVE"
    found = games.read_webp(stored)
    assert [picture.shape for picture in found] == [(8, 12, 3)] * 2
    assert [picture[0, 0].tolist() for picture in found] == [[*colour] for colour in colours]


def test_the_paper_around_a_drawing_is_left_out_and_white_inside_is_not():
    picture = np.full((20, 20, 4), 255, np.uint8)
    picture[5:15, 5:15, :3] = 40
    picture[8:12, 8:12, :3] = 250  # white that the paper does not reach
    alpha = games._without_paper(picture)[..., 3]
    expected = np.zeros((20, 20), bool)
    expected[5:15, 5:15] = True
    np.testing.assert_array_equal(alpha > 0, expected)


def test_a_row_of_a_sheet_is_cut_into_squares():
    row = np.repeat(np.arange(3, dtype=np.uint8), 4)[None, :, None].repeat(4, 0)
    assert [np.unique(cell).tolist() for cell in games._cells(row)] == [[0], [1], [2]]
