"""Image files that lie about their size, and folders that are traps."""

import os
import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_saliency import ProbeSet
from keras_saliency.probes import image_files, load_image

GOOD = tf.io.encode_png(np.full((8, 8, 3), 200, np.uint8)).numpy()


def png(width, height, pixels=b""):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def gif(screen, frame, num_frames=1, extension=b""):
    """Frames of any announced size, each with the pixels of one."""
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HH", *screen) + b"\x80\0\0" + bytes(6)
    return head + (extension + image) * num_frames + b";"


def jpeg(width, height):
    small = tf.io.encode_jpeg(np.zeros((8, 8, 3), np.uint8)).numpy()
    assert small.count(b"\0\x08\0\x08") == 1
    return small.replace(b"\0\x08\0\x08", struct.pack(">HH", height, width))


def bmp(width, height):
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 4, 1, 1, 0, 0)
    return b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + info + bytes(4)


def webp_of(kind, body):
    part = kind.encode() + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(part)) + b"WEBP" + part


def webp(width, height):
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return webp_of("VP8X", bytes(4) + sides)


COMMENT = b"\x21\xfe\x04abcd\x02ef\x00"
BOMBS = {
    "png": png(100_000, 100_000),
    "png strip": png(2**31 - 1, 1),
    "jpeg": jpeg(65_000, 65_000),
    "gif screen": gif((65_535, 65_535), (1, 1)),
    "gif frame": gif((1, 1), (65_535, 65_535)),
    "gif frame behind a comment": gif((1, 1), (20_000, 20_000), 1, COMMENT),
    "gif frames": gif((1, 1), (5_000, 5_000), 40),
    "gif later frame": gif((1, 1), (1, 1))[:-1] + gif((1, 1), (30_000, 30_000))[19:],
    "bmp": bmp(100_000, 100_000),
    "bmp upside down": bmp(100_000, -(2**31)),
    "webp canvas": webp(16_384, 16_384),
    "webp lossless": webp_of("VP8L", struct.pack("<BI", 0x2F, 16_383 | 16_383 << 14)),
    "webp lossy": webp_of("VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383)),
}
LIES = {
    "webp": webp(9_000, 9_000),
    "webp without parts": webp_of("EXIF", b""),
    "png without pixels": png(9_000, 9_000),
    "png of no size": png(0, 0),
    "bmp without pixels": bmp(9_000, 9_000),
    "bmp of no size": bmp(0, 0),
    "gif frame": gif((1, 1), (9_000, 9_000)),
    "gif without frames": gif((9_000, 9_000), (1, 1), 0),
    "jpeg of no size": jpeg(0, 9_000),
    "markup": b"<svg onload=alert(1)>",
    "a GIF of endless blocks": gif((1, 1), (1, 1), 0)[:-1] + b"\x21\xfe" + b"\xff" * 3_000_000,
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_by_its_header_and_never_decoded(what, tmp_path, monkeypatch):
    monkeypatch.setattr(tf.io, "decode_image", lambda *_, **__: pytest.fail("was decoded"))
    path = tmp_path / "bomb.png"
    path.write_bytes(BOMBS[what])
    with pytest.raises(ValueError, match=r'bomb.png" announces \d+ x \d+ pixels.* megapixels'):
        load_image(path, (4, 4))


@pytest.mark.parametrize("what", LIES)
def test_a_header_that_lies_is_an_error_in_words(what, tmp_path):
    path = tmp_path / "lie.png"
    path.write_bytes(LIES[what])
    with pytest.raises(ValueError, match='lie.png" (cannot be decoded|is not a readable)'):
        load_image(path, (4, 4))


@pytest.mark.parametrize("content", [GOOD, gif((1, 1), (1, 1), 3, COMMENT), jpeg(8, 8)])
def test_a_file_cut_anywhere_is_an_image_or_an_error_in_words(content, tmp_path):
    path = tmp_path / "cut.png"
    for length in range(0, len(content), 3):
        path.write_bytes(content[:length])
        try:
            assert load_image(path, (4, 4)).shape == (4, 4, 3)
        except ValueError as error:
            assert 'cut.png"' in str(error)
    path.write_bytes(content)
    assert load_image(path, (4, 4)).shape == (4, 4, 3)


def class_folder(tmp_path, name="a"):
    folder = tmp_path / "images" / name
    folder.mkdir(parents=True)
    return folder


def names_below(tmp_path, **options):
    return ProbeSet.from_directory(tmp_path / "images", image_size=(4, 4), **options).names


ODD_NAMES = ["a\nb", "<b>\x01", "\u202egnp", "|`*", "\\..\\", "\x1b[31m", "\u2028", "x" * 250, "%s"]


def test_files_and_classes_may_be_called_anything(tmp_path):
    for name in ODD_NAMES:
        (class_folder(tmp_path, name) / f"{name}.png").write_bytes(GOOD + name.encode())
    assert sorted(names_below(tmp_path)) == sorted(f"{name}/{name}.png" for name in ODD_NAMES)


def test_names_that_are_no_utf_8_are_spelled_out(tmp_path):
    for name in (b"\xff", b"\xfe"):
        try:
            folder = os.path.join(os.fsencode(tmp_path), b"images", name)
            os.makedirs(folder)
        except OSError:
            pytest.skip("this file system takes no such names")
        for path in (folder, folder.replace(b"images", b"masks")):
            os.makedirs(path, exist_ok=True)
            with open(os.path.join(path, b"\xfd.png"), "wb") as file:
                file.write(GOOD)
    probes = ProbeSet.from_directory(
        os.fsencode(tmp_path / "images"), image_size=(4, 4), mask_dir=tmp_path / "masks"
    )
    assert probes.class_names == ("\\xfe", "\\xff")
    assert probes.names == ("\\xfe/\\xfd.png", "\\xff/\\xfd.png")


def test_a_message_about_an_odd_name_stays_in_its_line(tmp_path):
    (class_folder(tmp_path) / "a\n\x1b[31m\u202eb.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="is not a readable") as caught:
        names_below(tmp_path)
    assert str(caught.value).isprintable()


def test_links_in_circles_end(tmp_path):
    folder = class_folder(tmp_path)
    (folder / "a.png").write_bytes(GOOD)
    outside = tmp_path / "outside.png"
    outside.write_bytes(GOOD + b" ")
    (folder / "link.png").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path / "images")
    (folder / "self").symlink_to("self")
    (tmp_path / "images" / "circle").symlink_to("circle")
    (tmp_path / "images" / "everything").symlink_to(tmp_path / "images")
    names = ["a/a.png", "a/link.png", "everything/a/a.png", "everything/a/link.png"]
    assert sorted(names_below(tmp_path)) == names


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_devices_and_dangling_links_are_refused_at_once(tmp_path):
    path = class_folder(tmp_path) / "a.png"
    os.mkfifo(path)
    with pytest.raises(ValueError, match='a.png" must be a regular file. Received: a folder, pipe'):
        names_below(tmp_path)
    for target in ("/dev/zero", "/dev/stdin"):
        path.unlink()
        path.symlink_to(target)
        with pytest.raises(ValueError, match='a.png" (must be a regular file|cannot be read)'):
            names_below(tmp_path)
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(ValueError, match='a.png" cannot be read'):
        names_below(tmp_path)


def test_a_file_that_is_too_long_is_refused_unread(tmp_path):
    path = class_folder(tmp_path) / "a.png"
    path.write_bytes(GOOD)
    try:
        os.truncate(path, 2**40)  # holds no more on the disk
    except OSError:
        pytest.skip("this file system takes no such files")
    with pytest.raises(ValueError, match="at most 1,000,000,000 bytes. Received: 1,099,"):
        names_below(tmp_path)


@pytest.mark.parametrize("path", ["", "\0", "a\0b", "x" * 10_000, "\ud800", "a\nb", b"\xff"])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(ValueError, match="path must be a folder. Received: ") as caught:
        ProbeSet.from_directory(path, image_size=(4, 4))
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()
    with pytest.raises(ValueError):
        image_files.load_image(path, (4, 4))


WEBP = {  # 2 x 3 pixels
    "lossless": "5249464638000000574542505650384c2b0000002f024000002f20102078f5bf6043489090fdff5781"
    "00c1ff982bf31f203639b60a04026488164b22fa1f3900",
    "lossy": "52494646640000005745425056503820580000005002009d012a0300020000c01225a80274ba000f52b3"
    "32b42cce0000fefcd3fff33a08f0d7fe4d27ff7bf5efc1704b7ff5b0223309e77ff6a23fdc65bf573fb9bfff1953"
    "fea88ff7196fd5cfee6fff8ca9ebcf69e7500000",
}


@pytest.mark.parametrize("kind", WEBP)
@pytest.mark.parametrize("name", ["photo.jpg", "drawing.PNG"])
def test_a_webp_under_another_name_is_read_as_keras_reads_it(kind, name, tmp_path):
    (class_folder(tmp_path) / name).write_bytes(bytes.fromhex(WEBP[kind]))
    reading = keras.utils.image_dataset_from_directory(
        tmp_path / "images", image_size=(4, 6), shuffle=False, verbose=False
    )
    try:
        [(theirs, _)] = list(reading)
    except tf.errors.InvalidArgumentError:  # an older TensorFlow
        with pytest.raises(ValueError, match="cannot be decoded as an image .*Unknown image file"):
            ProbeSet.from_directory(tmp_path / "images", image_size=(4, 6))
        return
    ours = ProbeSet.from_directory(tmp_path / "images", image_size=(4, 6)).images
    np.testing.assert_array_equal(ours, theirs.numpy())
    assert len(np.unique(ours[0, :2, :2].reshape(-1, 3), axis=0)) > 1
