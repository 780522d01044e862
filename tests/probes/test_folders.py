"""Probes from folders of image files."""

import pathlib
import random
import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency.probes import ProbeSet


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


def test_only_chosen_files_are_decoded(folder):
    chosen = ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    for file in folder.rglob("*.png"):
        if file.relative_to(folder).as_posix() not in chosen.names:
            file.unlink()
    again = ProbeSet.from_directory(folder, image_size=(4, 4), per_class=2)
    assert set(chosen.names) <= set(again.names)


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
        (b"", r'broken.png" is not a readable BMP, GIF, JPEG or PNG image \(0 bytes\)'),
        (b"<html>", 'broken.png" is not a readable BMP, GIF, JPEG or PNG'),
        (b"\xff\xd8\xff\xe0", 'broken.png" is not a readable BMP, GIF, JPEG or PNG'),
        (b"\x89PNG\r\n\x1a\n", 'broken.png" is not a readable BMP, GIF, JPEG or PNG'),
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
