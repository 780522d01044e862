"""Probes from folders of image files."""

import pathlib
import random
import struct
import warnings
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet, folder_swaps, image_files, swap_images


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels)
    if path.suffix.lower() in (".jpg", ".jpeg"):
        content = tf.io.encode_jpeg(pixels).numpy()
    elif path.suffix.lower() == ".bmp":
        content = bmp(pixels)
    else:
        content = tf.io.encode_png(pixels).numpy()
    path.write_bytes(content)


def bmp(pixels):
    height, width, _ = pixels.shape
    rows = [row[:, ::-1].tobytes() + bytes(-3 * width % 4) for row in pixels[::-1]]
    data = b"".join(rows)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(data), 1, 1, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + info + data


GIF = bytes.fromhex(  # one red pixel
    "47494638396101000100800000ff0000ffffff2c00000000010001000002024401003b"
)


@pytest.fixture
def folder(tmp_path):
    """Two classes of images in several formats and sizes, and what must be passed over."""
    rng = np.random.default_rng(0)
    path = tmp_path / "images"
    for class_name in ("b", "A", "c10", "c9"):
        for i in range(4):
            size = rng.integers(8, 20, 2)
            write(path / class_name / f"{i}.png", rng.integers(0, 256, (*size, 3), np.uint8))
    gray = rng.integers(0, 256, (9, 11, 1), np.uint8)
    write(path / "A" / "gray.PNG", gray)
    write(path / "A" / "deep.png", gray.astype(np.uint16) * 257)
    write(path / "A" / "alpha.png", rng.integers(0, 256, (9, 11, 4), np.uint8))
    write(path / "A" / "photo.jpeg", rng.integers(0, 256, (33, 17, 3), np.uint8))
    write(path / "A" / "sub" / "0.bmp", rng.integers(0, 256, (9, 6, 3), np.uint8))
    (path / "b" / "red.gif").write_bytes(GIF)
    (path / "empty").mkdir()
    (path / "b" / "notes.txt").write_text("no image")
    (path / "b" / "._0.png").write_bytes(b"macOS")
    (path / ".hidden").mkdir()
    (path / "loose.txt").write_text("no class")
    return path


def test_from_directory_reads_what_keras_reads(folder):
    probes = ProbeSet.from_directory(folder, image_size=(10, 12))
    hidden = folder / "b" / "._0.png"
    hidden.unlink()  # Keras fails on it
    dataset = keras.utils.image_dataset_from_directory(
        folder, image_size=(10, 12), shuffle=False, batch_size=None, verbose=False
    )
    assert probes.class_names == tuple(dataset.class_names) == ("A", "b", "c10", "c9", "empty")
    names = [str(pathlib.Path(p).relative_to(folder).as_posix()) for p in dataset.file_paths]
    assert sorted(probes.names) == sorted(names)
    assert probes.images.dtype == np.float32 and probes.image_shape == (10, 12, 3)
    for name, (image, label) in zip(names, dataset, strict=True):
        index = probes.names.index(name)
        np.testing.assert_allclose(probes.images[index], image, atol=1e-3, err_msg=name)
        assert probes.labels[index] == int(label)
    assert probes.labels.tolist() == sorted(probes.labels.tolist())
    assert np.array_equal(probes.images[probes.names.index("b/red.gif")][4, 4], [255, 0, 0])


@pytest.mark.parametrize(("color_mode", "num_channels"), [("grayscale", 1), ("rgba", 4)])
def test_color_mode_is_that_of_keras(tmp_path, color_mode, num_channels):
    rng = np.random.default_rng(0)
    for name, channels in (("gray", 1), ("color", 3), ("alpha", 4)):
        for kind in "ab":
            pixels = rng.integers(0, 256, (9, 7, channels), np.uint8)
            write(tmp_path / kind / f"{name}.png", pixels)
    arguments = {"image_size": (6, 5), "color_mode": color_mode}
    reading = keras.utils.image_dataset_from_directory(
        tmp_path, shuffle=False, verbose=False, batch_size=1, **arguments
    )
    theirs = {
        pathlib.Path(path).relative_to(tmp_path).as_posix(): image.numpy()[0]
        for path, (image, _) in zip(reading.file_paths, reading, strict=True)
    }
    probes = ProbeSet.from_directory(tmp_path, per_class=2, **arguments)
    assert probes.image_shape == (6, 5, num_channels)
    assert len(probes.for_swaps) == 6
    for name, image in zip(probes.for_swaps.names, probes.for_swaps.images, strict=True):
        np.testing.assert_array_equal(image, theirs[name])


@pytest.mark.parametrize("color_mode", ["RGB", "bgr", 3, None, ["rgb"]])
def test_a_color_mode_that_keras_does_not_know_is_refused(folder, color_mode):
    with pytest.raises(ValueError, match='color_mode must be one of "grayscale", "rgb", "rgba".'):
        ProbeSet.from_directory(folder, image_size=(8, 8), color_mode=color_mode)


def test_from_directory_chooses_by_content_and_seed(folder):
    few = ProbeSet.from_directory(str(folder), image_size=(4, 4), per_class=2)
    assert np.bincount(few.labels).tolist() == [2, 2, 2, 2]
    others = {
        ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2, seed=s).names
        for s in range(1, 4)
    }
    assert others != {few.names}
    for file in sorted((folder / "A").glob("*.*")):
        file.rename(file.with_name("x" + file.name))
    renamed = ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    assert renamed.names != few.names and renamed.fingerprint == few.fingerprint


def test_only_files_that_are_kept_are_decoded(folder, monkeypatch):
    monkeypatch.setattr(swap_images, "MAX_IMAGES", 12)  # three of each class
    chosen = ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    kept = chosen.for_swaps.names
    others = [f for f in folder.rglob("*.*") if f.relative_to(folder).as_posix() not in kept]
    assert len(others) > 5
    decoded = []

    def load(path, *size_and_channels):
        decoded.append(str(pathlib.Path(path).relative_to(folder).as_posix()))
        return image_files.load_image(path, *size_and_channels)

    monkeypatch.setattr(folder_swaps, "load_image", load)
    ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    assert tuple(decoded) == kept


def test_from_directory_leaves_random_states_alone(folder):
    keras.utils.set_random_seed(0)
    expected = random.random(), np.random.random(), float(tf.random.uniform(()))
    keras.utils.set_random_seed(0)
    ProbeSet.from_directory(folder, image_size=(4, 4))
    assert (random.random(), np.random.random(), float(tf.random.uniform(()))) == expected


@pytest.fixture
def masked(tmp_path):
    for class_name in ("a", "b"):
        for i in range(2):
            write(
                tmp_path / "images" / class_name / f"{i}.jpg", np.full((8, 8, 3), 40 * i, np.uint8)
            )
    masks = tmp_path / "masks"
    half = np.zeros((8, 8, 1), np.uint8)
    half[:4] = 255
    write(masks / "a" / "0.png", half)
    write(masks / "a" / "1.PNG", (half > 0).astype(np.uint16))
    write(masks / "b" / "0.bmp", np.repeat(half, 3, axis=-1) // 255 * np.uint8([0, 0, 1]))
    write(masks / "b" / "1.png", np.repeat(half, 4, axis=-1) // 255)
    return tmp_path


def test_nonzero_mask_pixels_are_the_object_at_any_bit_depth(masked):
    probes = ProbeSet.from_directory(
        masked / "images", image_size=(4, 6), mask_dir=masked / "masks"
    )
    assert len(probes) == 4
    for mask in probes.object_masks:
        np.testing.assert_array_equal(mask, np.arange(4)[:, None] < np.full(6, 2))


def png_header(width, height):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r'broken.png" is not a readable BMP, GIF, JPEG, PNG or WebP image \(0 bytes\)'),
        (b"<html>", 'broken.png" is not a readable BMP, GIF, JPEG, PNG or WebP'),
        (b"\xff\xd8\xff\xe0", 'broken.png" is not a readable BMP, GIF, JPEG, PNG or WebP'),
        (b"\x89PNG\r\n\x1a\n", 'broken.png" is not a readable BMP, GIF, JPEG, PNG or WebP'),
        (png_header(9, 9), 'broken.png" cannot be decoded as an image'),
        (png_header(10_001, 10_000), 'broken.png" announces 10001 x 10000 pixels, more than 100'),
        (b"BM" + bytes(16) + struct.pack("<ii", 20_000, -20_000), "announces 20000 x 20000"),
        (b"GIF89a\xff\xff\xff\xff", "announces 65535 x 65535 pixels"),
    ],
)
def test_a_broken_image_is_an_error_that_names_it(tmp_path, content, match):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.png").write_bytes(content)
    with pytest.raises(ValueError, match=match):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))


def test_a_huge_jpeg_is_refused_by_its_header(tmp_path):
    write(tmp_path / "a" / "0.jpg", np.zeros((8, 8, 3), np.uint8))
    content = (tmp_path / "a" / "0.jpg").read_bytes()
    assert content.count(b"\x00\x08\x00\x08") == 1
    content = content.replace(b"\x00\x08\x00\x08", struct.pack(">HH", 60_000, 50_000))
    (tmp_path / "a" / "0.jpg").write_bytes(content)
    with pytest.raises(ValueError, match="announces 50000 x 60000 pixels"):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))


def test_folders_without_classes_or_images_are_refused(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(ValueError, match=f'path must be a folder. Received: "{path}"'):
            ProbeSet.from_directory(path, image_size=(4, 4))
    with pytest.raises(TypeError, match="path must be a path. Received: 3"):
        ProbeSet.from_directory(3, image_size=(4, 4))
    with pytest.raises(ValueError, match="path must hold one folder for each class"):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=r"path must hold images \(.bmp, .*class folders \['a'\]"):
        ProbeSet.from_directory(tmp_path, image_size=(4, 4))


@pytest.mark.parametrize("image_size", [4, (4,), (4, 0), (4, 4, 3), ("4", 4), None, (4.0, 4.0)])
def test_image_size_must_be_two_ints(tmp_path, image_size):
    with pytest.raises(ValueError, match=r"image_size must be \(H, W\), two ints"):
        ProbeSet.from_directory(tmp_path, image_size=image_size)


def test_masks_that_are_missing_doubled_or_empty_are_errors_that_name_them(masked):
    def read():
        ProbeSet.from_directory(masked / "images", image_size=(4, 4), mask_dir=masked / "masks")

    write(masked / "masks" / "a" / "0.bmp", np.ones((8, 8, 3), np.uint8))
    with pytest.raises(
        ValueError, match=r'one mask for "a/0.jpg". Received: \[\'0.bmp\', \'0.png\'\]'
    ):
        read()
    (masked / "masks" / "a" / "0.bmp").unlink()
    write(masked / "masks" / "b" / "1.png", np.zeros((8, 8, 1), np.uint8))
    with pytest.raises(
        ValueError, match=r'1.png" is a mask without an object at image_size=\(4, 4'
    ):
        read()
    (masked / "masks" / "b" / "1.png").unlink()
    with pytest.raises(ValueError, match='one mask for "b/1.jpg". Received: none'):
        read()
    with pytest.raises(ValueError, match='mask_dir must be a folder. Received: ".*nowhere"'):
        ProbeSet.from_directory(masked / "images", image_size=(4, 4), mask_dir=masked / "nowhere")


def test_images_for_swaps_are_those_that_more_per_class_would_watch(folder):
    few = ProbeSet.from_directory(folder, image_size=(10, 12), per_class=2)
    swaps = few.for_swaps
    assert len(few) == 8 and swaps.names[:8] == few.names
    np.testing.assert_array_equal(swaps.images[:8], few.images)
    assert swaps.class_names == few.class_names and swaps.images.dtype == np.float32
    all_ = ProbeSet.from_directory(folder, image_size=(10, 12), per_class=99)
    assert all_.for_swaps is all_
    assert swaps.names[8:] == tuple(name for name in all_.names if name not in few.names)
    for name, image, label in zip(swaps.names, swaps.images, swaps.labels, strict=True):
        index = all_.names.index(name)
        np.testing.assert_array_equal(image, all_.images[index])
        assert label == all_.labels[index]


@pytest.fixture
def whole(tmp_path):
    """Two classes of six images, which are loaded at their own size, and their masks."""
    rng = np.random.default_rng(0)
    for class_name in ("a", "b"):
        for i in range(6):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
            write(tmp_path / "images" / class_name / f"{i}.png", pixels)
            mask = np.zeros((8, 8, 1), np.uint8)
            mask[: i + 1] = pixels[0, 0, 0] // 2 + 1
            write(tmp_path / "masks" / class_name / f"{i}.png", mask)
    return tmp_path


def read_whole(whole, per_class=2, **keywords):
    return ProbeSet.from_directory(
        whole / "images", image_size=(8, 8), per_class=per_class, **keywords
    )


def test_images_for_swaps_have_the_masks_of_their_files(whole):
    swaps = read_whole(whole, mask_dir=whole / "masks").for_swaps
    assert len(swaps) == 12 and not swaps.finds_objects
    for name, mask in zip(swaps.names, swaps.object_masks, strict=True):
        assert mask.sum() == 8 * (int(pathlib.Path(name).stem) + 1)
    assert swaps.images.dtype == np.uint8 and swaps.pixel_dtype == np.float32
    full = read_whole(whole, per_class=6)
    for name, image in zip(swaps.names, swaps.images, strict=True):
        np.testing.assert_array_equal(image, full.images[full.names.index(name)])


def test_one_box_for_all_images_of_a_folder(whole):
    probes = read_whole(whole, object_masks=(0, 2, 5, 8))
    assert probes.object_masks.shape == (4, 8, 8)
    masks = probes.for_swaps.object_masks
    assert masks.shape == (12, 8, 8) and masks[:, :5, 2:].all() and masks.sum() == 12 * 30
    assert not read_whole(whole, object_masks=None).finds_objects
    assert read_whole(whole).for_swaps.finds_objects
    with pytest.raises(ValueError, match="mask_dir and object_masks cannot be given together"):
        read_whole(whole, mask_dir=whole / "masks", object_masks=(0, 2, 5, 8))
    with pytest.raises(ValueError, match="one box for all images"):
        read_whole(whole, object_masks=[(0, 2, 5, 8)] * 4)


def test_what_cannot_be_used_for_swaps_is_left_out(whole):
    few = read_whole(whole)
    others = [name for name in read_whole(whole).for_swaps.names if name not in few.names]
    (whole / "masks" / others[0]).unlink()
    write(whole / "masks" / others[1], np.zeros((8, 8, 1), np.uint8))
    swaps = read_whole(whole, mask_dir=whole / "masks").for_swaps
    assert swaps.names == (*few.names, *others[2:])
    assert len(swaps.object_masks) == len(swaps.images) == len(swaps.labels) == 10
    # The files' own hashes decide, so a broken one is exchanged for one that is no probe.
    broken = next(c for c in (bytes([i]) * 9 for i in range(99)) if is_unwatched(whole, c))
    (whole / "images" / "b" / "9.png").write_bytes(broken)
    with pytest.warns(UserWarning, match='1 image files cannot be decoded.*"b/9.png"'):
        assert read_whole(whole).for_swaps.names == (*few.names, *others)


def is_unwatched(whole, content):
    path = whole / "images" / "b" / "9.png"
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_whole(whole)
    except ValueError:
        return False
    return True


def test_large_images_of_a_folder_are_fewer(whole, monkeypatch):
    size = 8 * 8 * 3
    monkeypatch.setattr(swap_images, "MAX_BYTES", 8 * size)
    assert np.bincount(read_whole(whole, per_class=1).for_swaps.labels).tolist() == [4, 4]
    masked = read_whole(whole, per_class=1, mask_dir=whole / "masks").for_swaps
    assert np.bincount(masked.labels).tolist() == [3, 3]


def test_an_image_that_bytes_cannot_hold_leaves_room_for_fewer(whole, monkeypatch):
    monkeypatch.setattr(swap_images, "MAX_BYTES", 16 * 8 * 8 * 3)  # 4 as float32
    rng = np.random.default_rng(0)
    while True:  # until it is no probe
        pixels = rng.integers(0, 256, (5, 6, 3), np.uint8)
        write(whole / "images" / "b" / "6.png", pixels)
        probes = read_whole(whole, per_class=1)
        if "b/6.png" not in probes.names:
            break
    two = read_whole(whole, per_class=2)
    swaps = probes.for_swaps
    assert swaps.images.dtype == np.float32 and set(swaps.names) == set(two.names)
    for name, image in zip(swaps.names, swaps.images, strict=True):
        np.testing.assert_array_equal(image, two.images[two.names.index(name)])
