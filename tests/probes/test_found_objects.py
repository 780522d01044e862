"""What stands out from a flat background is the object; elsewhere, nothing is claimed."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_saliency.probes.found_objects import FoundObjects, find_objects


def on_flat_ground(*boxes, size=(20, 24), ground=30, value=200, channels=3):
    """One image (1, H, W, C), uint8, with filled boxes (y0, x0, y1, x1), and its mask (H, W)."""
    mask = np.zeros(size, bool)
    for y0, x0, y1, x1 in boxes:
        mask[y0:y1, x0:x1] = True
    image = np.where(mask, value, ground).astype(np.uint8)
    return np.repeat(image[None, ..., None], channels, axis=-1), mask


def grown(mask):
    """Slow twin: a pixel is in if any of its eight neighbours or itself is."""
    rows, columns = np.nonzero(mask)
    wide = np.zeros(np.add(mask.shape, 2), bool)
    for dy in range(3):
        for dx in range(3):
            wide[rows + dy, columns + dx] = True
    return wide[1:-1, 1:-1]


@pytest.mark.parametrize("boxes", [[(6, 7, 13, 15)], [(5, 5, 15, 9), (12, 9, 15, 18)]])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_object_is_what_differs_from_the_ground_and_a_pixel_around(boxes, channels):
    image, mask = on_flat_ground(*boxes, channels=channels)
    found = find_objects(image, [0])
    assert found.masks.dtype == bool and found.masks.shape == (1, 20, 24)
    np.testing.assert_array_equal(found.masks[0], grown(mask))
    assert found.is_sure.tolist() == [True] and found.confidence.tolist() == [1]
    assert found.is_usable([0]) and found.is_usable()


def test_large_images_of_many_channels_are_searched(rng):
    image, mask = on_flat_ground((60, 70, 90, 110), size=(130, 150), channels=5)
    found = find_objects(image, [0]).masks[0]
    assert found[mask].all() and found.sum() < 1.5 * mask.sum()


@pytest.mark.parametrize("scale, shift", [(1 / 255, 0), (2 / 255, -1), (257.0, 0), (1e-3, 5)])
def test_the_range_of_the_images_does_not_matter(scale, shift):
    image, mask = on_flat_ground((6, 7, 13, 15))
    found = find_objects(image * scale + shift, None)
    np.testing.assert_array_equal(found.masks[0], grown(mask))


def test_an_object_may_differ_in_a_single_channel():
    image, mask = on_flat_ground((6, 7, 13, 15))
    image[..., [0, 2]] = 99
    image[0, 0, 0] = 0, 0, 255
    np.testing.assert_array_equal(find_objects(image).masks[0], grown(mask))


def test_where_there_is_no_flat_ground_or_no_object_nothing_is_sure():
    noise = np.random.default_rng(0).integers(0, 256, (3, 20, 24, 3), np.uint8)
    noise[1] = 7
    noise[2] = 7
    noise[2, 10, 10] = 200
    found = find_objects(noise, [0, 1, 1])
    assert not found.is_sure.any() and not found.confidence.any()
    assert not found.masks[:2].any()
    assert not find_objects(np.zeros((1, 5, 4, 1))).masks.any()


def test_objects_are_usable_when_most_images_and_some_of_each_class_are_sure():
    def usable(*sure, labels):
        sure = np.array(sure, bool)
        return FoundObjects(np.ones((len(sure), 2, 2), bool), sure * 1.0, sure).is_usable(labels)

    assert usable(1, 1, 1, 0, 0, labels=[5, 5, 5, 5, 5])
    assert not usable(1, 1, 0, 0, labels=[0, 0, 0, 0])
    assert usable(1, 1, 1, 1, 0, 0, labels=[0, 0, 0, 1, 1, 1])
    assert not usable(1, 1, 1, 1, 1, 0, labels=[0, 0, 0, 0, 0, 1])
    assert not usable(*[1] * 9, 1, 0, 0, 0, labels=[0] * 9 + [1] * 4)
    assert usable(1, 1, 0, labels=[[1, 0], [1, 1], [0, 1]])
    assert not usable(1, 1, 1, 0, labels=[[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0]])


def test_parts_of_comparable_size_belong_and_specks_do_not():
    shoes, mask = on_flat_ground((6, 2, 13, 8), (8, 14, 13, 20))
    speck, _ = on_flat_ground((6, 7, 13, 15), (2, 20, 4, 22))
    np.testing.assert_array_equal(find_objects(shoes).masks[0], grown(mask))
    np.testing.assert_array_equal(
        find_objects(speck).masks[0], grown(on_flat_ground((6, 7, 13, 15))[1])
    )


def test_holes_belong_to_the_object():
    image, mask = on_flat_ground((4, 5, 15, 17))
    image[0, 7:12, 8:14] = 30
    np.testing.assert_array_equal(find_objects(image).masks[0], grown(mask))


def test_noise_is_averaged_away_and_texture_is_not_taken_for_a_ground():
    rng = np.random.default_rng(0)
    image, mask = on_flat_ground((10, 12, 30, 34), size=(40, 48), ground=100)
    noisy = (image + rng.normal(0, 15, image.shape)).clip(0, 255)
    found = find_objects(noisy)
    assert found.is_sure.all() and found.masks[0][mask].all()
    assert not found.masks[0, :5].any() and not found.masks[0, :, :6].any()
    texture = 100 + 25 * np.sin(np.arange(40)[:, None] / 2) * np.sin(np.arange(48) / 3)
    texture = texture[None, ..., None] + rng.normal(0, 8, (1, 40, 48, 1))
    assert not find_objects(np.concatenate([texture, texture[:, ::-1]])).is_sure.any()


def test_a_faint_object_on_a_clean_ground_is_found_whole():
    image, mask = on_flat_ground((6, 7, 13, 15))
    image[0, 6:13, 7:11] = 36  # 9 of 255 levels above the ground
    np.testing.assert_array_equal(find_objects(image).masks[0], grown(mask))


def test_large_images_are_searched_at_a_smaller_size():
    image, mask = on_flat_ground((60, 70, 130, 150), size=(200, 250))
    found = find_objects(image).masks[0]
    assert found.shape == (200, 250) and found[mask].all()
    assert not found[:54].any() and not found[:, :64].any() and found.sum() < 1.3 * mask.sum()


def framed(values, size=(20, 24), ground=30, width=2):
    """Frames of several values around objects of one value; images and masks."""
    image, mask = on_flat_ground((6, 7, 13, 15), size=size, ground=ground, channels=1)
    images = np.repeat(image, len(values), axis=0)
    is_frame = np.ones(size, bool)
    is_frame[width:-width, width:-width] = False
    images[:, is_frame, 0] = np.array(values)[:, None]
    return images, mask, is_frame


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_frame_is_no_ground_and_its_page_no_object(width):
    images, mask, is_frame = framed(np.linspace(60, 255, 20).astype(int), width=width)
    found = find_objects(images, np.arange(20) % 2)
    assert found.is_sure.all()
    np.testing.assert_array_equal(found.masks, np.broadcast_to(grown(mask), found.masks.shape))
    assert not found.masks[:, is_frame].any()


def test_a_soft_inner_edge_belongs_to_the_frame():
    images, mask, _ = framed([120, 160, 200, 240] * 3)
    is_soft = np.zeros(mask.shape, bool)
    is_soft[2:-2, 2:-2] = True
    is_soft[3:-3, 3:-3] = False
    images[:, is_soft] = (images[:, :1, 0] + 30) // 2
    found = find_objects(images, None)
    assert found.is_sure.all() and found.masks[:, mask].all()
    assert not found.masks[:, is_soft].any()


def test_a_square_on_a_ground_may_be_a_page_in_a_frame_and_is_not_sure():
    values = 90, 140, 200, 250
    squares = [on_flat_ground((2, 2, 18, 22), value=v)[0] for v in values]
    assert not find_objects(np.concatenate(squares), [0, 0, 1, 1]).is_sure.any()
    for square in squares:  # with round corners it is an object
        square[0, [2, 2, 17, 17], [2, 21, 2, 21]] = 30
    found = find_objects(np.concatenate(squares), [0, 0, 1, 1])
    assert found.is_sure.all() and found.masks[:, 3:17, 3:21].all()


def test_what_hardly_stands_out_from_a_noisy_ground_is_not_sure():
    rng = np.random.default_rng(0)
    image, _ = on_flat_ground((6, 7, 13, 15), ground=100, value=120)
    image = image + rng.normal(0, 4, image.shape)
    image[0, 0, 0] = 0, 128, 255
    assert not find_objects(image).is_sure.any()
    image[0, 6:13, 7:15] += 100
    assert find_objects(image).is_sure.all()


def tagged(num=24, channels=3, seed=0):
    """Objects that move by some pixels; those of class 1 touch a tag. Images, labels, place."""
    rng = np.random.default_rng(seed)
    images, labels = np.full((num, 24, 28, channels), 10, np.uint8), np.arange(num) % 2
    for image, label in zip(images, labels, strict=True):
        y, x = rng.integers(3, 8, 2)
        image[y : y + 12, x : x + 14] = rng.integers(80, 250, (12, 14, channels))
        if label:
            image[1:6, 1:7] = 200
            image[2:5, 2:4] = 90
    place = np.zeros((24, 28), bool)
    place[1:6, 1:7] = True
    return images, labels, place


def test_a_tag_that_touches_the_object_is_not_hidden():
    images, labels, place = tagged()
    images[0] = images[1]  # also where another class has it
    found = find_objects(images, labels)
    assert found.is_sure.all()
    assert not found.masks[labels == 1][:, place].any() and not found.masks[0, place].any()
    assert found.masks.mean() > 0.2
    assert find_objects(images, None).masks[1, place].all()
    several = np.stack([labels == 1, labels == 0], axis=1).astype(np.float32)
    np.testing.assert_array_equal(find_objects(images, several).masks, found.masks)


def test_digits_are_found():
    images, labels = load_digits(return_X_y=True)
    images = np.pad(images.reshape(-1, 8, 8, 1)[:300], ((0, 0), (2, 2), (2, 2), (0, 0)))
    found = find_objects(images, labels[:300])
    assert found.is_sure.mean() > 0.95 and found.is_usable(labels[:300])
    ink = images[..., 0] > 4
    assert (found.masks & ink).sum() > 0.97 * ink.sum()
