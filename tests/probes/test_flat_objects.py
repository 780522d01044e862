"""A shape of one colour on a varied background is the object; skies and skins are not."""

import numpy as np
import pytest

from keras_saliency.probes.flat_objects import find_flat_object, find_flat_objects
from keras_saliency.probes.found_objects import find_objects

SIZE = 40
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]


def photograph(seed=0):
    """Noise that is smooth over a few pixels, uint8 (H, W, 3), darker than the shapes."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 80, (SIZE // 4, SIZE // 4, 3))
    return (
        coarse.repeat(4, axis=0).repeat(4, axis=1) + rng.integers(0, 9, (SIZE, SIZE, 3))
    ).astype(np.uint8)


def disc(radius=8, centre=(20, 20)):
    return (ROWS - centre[0]) ** 2 + (COLUMNS - centre[1]) ** 2 < radius**2


def painted(shape, colour=(240, 200, 90), on=None):
    image = photograph() if on is None else on.copy()
    image[shape] = colour
    return image


@pytest.mark.parametrize("radius", [6, 8, 13])
def test_a_shape_of_one_colour_is_found_pixel_by_pixel(radius):
    mask, share, *_ = find_flat_object(painted(disc(radius)))
    np.testing.assert_array_equal(mask, disc(radius))
    assert share == 1


def test_its_holes_are_part_of_it():
    ring = disc(12) & ~disc(6)
    np.testing.assert_array_equal(find_flat_object(painted(ring))[0], disc(12))


def test_so_are_the_pixels_in_which_its_edge_is_blended():
    soft, image = disc(9) & ~disc(8), painted(disc(8)).astype(float)
    image[soft] = 0.3 * image[soft] + 0.7 * np.array((240, 200, 90))
    mask, *_ = find_flat_object(image.astype(np.uint8))
    assert (mask & ~disc(9)).sum() == 0 and (mask & soft).sum() > 0.9 * soft.sum()


@pytest.mark.parametrize(
    "shape",
    {
        "too small": disc(3),
        "a sky": ROWS < 16,
        "a wall": COLUMNS > 20,
        "too large": disc(19),
        "none": disc(0),
    }.values(),
    ids=lambda shape: f"{shape.mean():.2f} of the image",
)
def test_what_is_small_or_reaches_the_edges_is_no_object(shape):
    assert find_flat_object(painted(shape)) is None


def test_of_two_shapes_of_like_size_none_is_the_object():
    one, other = disc(6, (12, 12)), disc(6, (28, 28))
    image = painted(one)
    assert find_flat_object(image) is not None
    assert find_flat_object(painted(other, (60, 220, 200), on=image)) is None
    small = disc(3, (30, 30))
    mask, *_ = find_flat_object(painted(small, (60, 220, 200), on=image))
    np.testing.assert_array_equal(mask, one)


def test_what_varies_as_skin_does_is_no_flat_object(rng):
    image = painted(disc(10)).astype(int)
    image[disc(10)] += rng.normal(0, 4, (disc(10).sum(), 3)).astype(int)
    assert find_flat_object(image.clip(0, 255).astype(np.uint8)) is None


def test_what_hardly_differs_from_its_surroundings_is_no_object():
    faint = np.full((SIZE, SIZE, 3), 100, np.uint8)
    faint[::2] += 14
    assert find_flat_object(painted(disc(8), (107, 107, 107), on=faint)) is None


def test_grey_images_have_flat_objects_too():
    mask, *_ = find_flat_object(painted(disc(8))[..., :1])
    np.testing.assert_array_equal(mask, disc(8))


def penguin(seed=0):
    """A bright belly in a body of many colours that the photograph has not."""
    image = photograph(seed)
    image[disc(12), 2] += 160
    return painted(disc(8), on=image)


def test_a_shape_with_other_colours_around_it_is_a_part_of_the_object():
    assert find_flat_object(penguin()).is_part
    touching = painted(disc(8), on=painted(disc(2, (20, 30)), (150, 160, 255)))
    assert not find_flat_object(touching).is_part, "a small thing beside it"
    small = np.zeros((12, 12, 3), np.uint8)
    small[3:9, 3:9] = 200
    assert not find_flat_object(small).is_part, "no background to compare it with"


@pytest.mark.parametrize("num_parts, is_any", [(3, True), (4, False)])
def test_where_many_shapes_are_parts_none_is_an_object(num_parts, is_any):
    images = np.stack(
        [penguin(i) if i < num_parts else painted(disc(8), on=photograph(i)) for i in range(17)]
    )
    found = find_flat_objects(images)
    assert [shape is not None for shape in found] == [i >= num_parts and is_any for i in range(17)]


@pytest.mark.parametrize("num_with, is_any", [(9, True), (2, False)])
def test_where_few_of_a_sample_have_one_none_has(num_with, is_any):
    images = np.stack([painted(disc(8 * (i < num_with)), on=photograph(i)) for i in range(20)])
    found = find_flat_objects(images)
    assert [shape is not None for shape in found] == [i < num_with * is_any for i in range(20)]
    assert find_flat_objects(images[:0]) == []


def test_objects_are_found_on_flat_and_on_varied_grounds():
    flat = np.full((SIZE, SIZE, 3), 30, np.uint8)
    images = np.stack([painted(disc(8)), painted(disc(8), on=flat), photograph()])
    found = find_objects(images, [0, 0, 0])
    assert found.is_sure.tolist() == [True, True, False]
    assert found.masks[:2, disc(8)].all() and not found.masks[2].any()
    assert not found.masks[:2, ~disc(11)].any()
    assert found.confidence[0] == 1


def test_where_most_grounds_are_flat_no_flat_shapes_are_looked_for():
    """They would be of the class that has no flat grounds, and parts of its objects."""
    flat = np.full((SIZE, SIZE, 3), 30, np.uint8)
    images = np.stack([painted(disc(8), on=flat if i % 3 else photograph(i)) for i in range(12)])
    assert find_objects(images, [0] * 12).is_sure.tolist() == [i % 3 > 0 for i in range(12)]
    assert find_objects(images[[0, 1, 3, 4]], [0] * 4).is_sure.all()  # of fewer, they are
