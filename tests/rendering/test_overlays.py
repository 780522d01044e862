import builtins
import sys
import warnings

import cv2
import numpy as np
import pytest

from keras_saliency.rendering import (
    COLORMAPS,
    Caption,
    Filmstrip,
    Heading,
    colorize,
    colorize_signed,
    defect,
    describe_range,
    display_values,
    displayable,
    draw_grid,
    encode_jpeg,
    encode_png,
    has_bgr_channels,
    overlay,
)
from keras_saliency.rendering.lettering import draw_line, line_height, plain, shorten, text_width
from keras_saliency.rendering.sheet import MARGIN, TEXT, TITLE, fit_tile

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([103.939, 116.779, 123.68])
HOSTILE_NAMES = [
    "",
    " ",
    "\n\r\t\0\x1b[31m",
    "猫の写真.png",
    "\ud800 lone surrogate",
    "\u202egnp.exe\u202c",
    "👩‍🚀" * 50,
    "%s %d {x} \\n <script>",
    "x" * 10_000,
    "ﷺ" * 10_000,
    "W" * 300,
]


def photos(rng, n=3, height=24, width=20, channels=3):
    """Pictures that reach both ends of the range, as photos do."""
    pictures = rng.integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    pictures[0, 0, 0], pictures[-1, -1, -1] = 0, 255
    return pictures


# --- colour maps ---


def test_viridis_ends_in_yellow_and_starts_in_dark_violet_so_channels_are_rgb():
    low, high = colorize(np.array([[0.0, 1.0]]))[0].astype(int)
    assert high[0] > 220 and high[1] > 220 and high[2] < 80  # yellow
    assert low[2] > low[0] > low[1] and low.max() < 100  # violet


def test_jet_ends_in_red():
    low, high = colorize(np.array([[0.0, 1.0]]), "jet")[0].astype(int)
    assert high[0] > 100 and high[1] == high[2] == 0
    assert low[2] > 100 and low[0] == low[1] == 0


@pytest.mark.parametrize("name", COLORMAPS)
def test_every_colormap_gives_rgb_of_the_same_size(name):
    picture = colorize(np.linspace(0, 1, 15, dtype=np.float32).reshape(3, 5), name)
    assert picture.shape == (3, 5, 3) and picture.dtype == np.uint8


def test_gray_is_the_value_itself():
    np.testing.assert_array_equal(
        colorize(np.array([[0, 0.2, 1, 7, np.nan]]), "gray")[0, :, 1], [0, 51, 255, 255, 0]
    )


def test_an_unknown_colormap_is_an_error_that_lists_the_names():
    with pytest.raises(ValueError, match=r"'viridis', 'jet'.*Received: 'rainbow'"):
        colorize(np.zeros((2, 2)), "rainbow")
    with pytest.raises(ValueError, match="Received: 'rainbow'"):
        overlay(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), colormap="rainbow")


def test_zero_of_a_signed_signal_is_middle_grey_and_the_extremes_are_symmetric():
    picture = colorize_signed(np.array([[[0.0], [2.0], [-2.0], [1.0]]]))
    np.testing.assert_array_equal(picture[0, :, 0], [128, 255, 1, 192])
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])


def test_a_signed_signal_of_three_channels_keeps_their_order():
    np.testing.assert_array_equal(
        colorize_signed(np.array([[[1.0, 0.0, -1.0]]])), [[[255, 128, 1]]]
    )


def test_a_signed_signal_of_other_channels_is_their_mean():
    np.testing.assert_array_equal(
        colorize_signed(np.array([[[3.0, 1.0], [-1.0, 0.0]]]))[0, :, 0], [255, 96]
    )


def test_a_signed_signal_does_not_change_with_its_scale(rng):
    signal = rng.normal(size=(5, 4, 3))
    np.testing.assert_array_equal(colorize_signed(signal), colorize_signed(signal * 1e-30))


def test_an_all_zero_signal_is_grey_and_a_non_finite_one_black():
    assert (colorize_signed(np.zeros((3, 2, 3))) == 128).all()
    assert (colorize_signed(np.full((3, 2, 1), np.nan)) == 0).all()


# --- pixel ranges ---

PREPROCESSINGS = {
    "0…255": lambda x: x,
    "0…1": lambda x: x / 255,
    "−0.5…0.5": lambda x: x / 255 - 0.5,
    "−1…1": lambda x: x / 127.5 - 1,
    "ImageNet mean and deviation": lambda x: (x / 255 - MEAN) / DEVIATION,
    "Caffe BGR minus ImageNet mean": lambda x: x[..., ::-1] - CAFFE_MEAN,
}


@pytest.mark.parametrize("name", PREPROCESSINGS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_known_preprocessing_is_undone_to_the_pixel(rng, name, dtype):
    pictures = photos(rng)
    images = PREPROCESSINGS[name](pictures.astype(np.float64)).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = displayable(images)
    assert describe_range(images) == name
    assert np.abs(drawn.astype(int) - pictures).max() <= 1
    assert drawn.dtype == np.uint8


def test_only_caffe_images_have_bgr_channels(rng):
    pictures = photos(rng).astype(np.float32)
    for name, preprocess in PREPROCESSINGS.items():
        assert has_bgr_channels(preprocess(pictures)) == name.startswith("Caffe")


def test_the_preprocessings_of_keras_are_known(rng):
    from keras.applications import imagenet_utils

    pictures = photos(rng)
    for mode in ("caffe", "tf", "torch"):
        images = imagenet_utils.preprocess_input(pictures.astype(np.float32), mode=mode)
        assert np.abs(displayable(images).astype(int) - pictures).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.float16])
def test_whole_pixels_are_drawn_as_they_are_in_any_dtype(rng, dtype):
    pictures = photos(rng)
    np.testing.assert_array_equal(displayable(pictures.astype(dtype)), pictures)


def test_dark_bytes_stay_dark_and_binary_bytes_become_black_and_white():
    dark = np.full((1, 2, 2, 3), 30, np.uint8)
    assert (displayable(dark) == 30).all()
    binary = np.array([0, 1, 1, 0], np.uint8).reshape(1, 2, 2, 1)
    assert set(displayable(binary).ravel()) == {0, 255}


def test_the_range_is_judged_over_the_whole_set():
    images = np.zeros((2, 2, 2, 1), np.float32)
    images[1] = 200
    assert (displayable(images)[0] == 0).all() and (displayable(images)[1] == 200).all()


def test_medical_images_are_stretched_with_one_notice():
    images = np.array([0, 1365, 2730, 4095], np.uint16).reshape(2, 2, 1, 1)
    with pytest.warns(UserWarning, match="stretched from 0…4095.*display_images") as notices:
        drawn = displayable(images)
    assert len(notices) == 1
    np.testing.assert_array_equal(drawn[..., 1].ravel(), [0, 85, 170, 255])
    assert describe_range(images) == "stretched from 0…4095"


@pytest.mark.parametrize(
    "low, high", [(-1000, 3000), (-4, 5), (0, 16), (-3e38, 3e38), (-1.7e308, 1.7e308), (7, 7.5)]
)
def test_any_finite_range_is_stretched_to_black_and_white(low, high):
    images = np.array([low, high], np.float64).reshape(2, 1, 1, 1)
    with pytest.warns(UserWarning, match="stretched"):
        np.testing.assert_array_equal(displayable(images)[:, 0, 0, 0], [0, 255])


@pytest.mark.parametrize("value, grey", [(0.0, 0), (1.0, 255), (7.0, 128), (-2000.0, 128)])
@pytest.mark.filterwarnings("ignore:The pixel range")
def test_a_constant_set_can_be_drawn(value, grey):
    assert (displayable(np.full((2, 3, 4, 1), value)) == grey).all()


@pytest.mark.filterwarnings("ignore:The pixel range")
def test_channels_are_drawn_by_their_number(rng):
    images = photos(rng, channels=5)
    one, two, five = (displayable(images[..., :c]) for c in (1, 2, 5))
    np.testing.assert_array_equal(one, np.repeat(images[..., :1], 3, axis=3))
    np.testing.assert_array_equal(two, one)
    np.testing.assert_array_equal(five, images[..., :3])


def test_display_images_are_drawn_instead_and_may_have_another_size(rng):
    pictures = photos(rng, n=2, height=40, width=30)
    np.testing.assert_array_equal(displayable(np.zeros((2, 8, 8, 3)), pictures), pictures)
    with pytest.raises(ValueError, match="display_images has 2 entries but images has 3"):
        displayable(np.zeros((3, 8, 8, 3)), pictures)


@pytest.mark.parametrize(
    "images, said",
    [
        (np.full((1, 2, 2, 3), np.nan), "NaN or infinity"),
        (np.full((1, 2, 2, 3), np.inf), "NaN or infinity"),
        (np.zeros((2, 2, 3)), r"\(n, H, W, C\)"),
        (np.zeros((0, 2, 2, 3)), r"\(n, H, W, C\)"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(images, said):
    with pytest.raises(ValueError, match=said):
        displayable(images)


def test_drawing_does_not_change_the_images(rng):
    images = rng.normal(size=(2, 5, 5, 3)).astype(np.float32)
    before = images.copy()
    with pytest.warns(UserWarning):
        displayable(images * 5000)
    displayable(images.clip(-1, 1))
    np.testing.assert_array_equal(images, before)


# --- overlays ---


def test_uniform_attention_is_an_eighth_at_any_magnitude():
    for magnitude in (1e-30, 1, 1e30):
        np.testing.assert_allclose(display_values(np.full((3, 4), magnitude)), 1 / 8)


def test_display_values_by_hand():
    heatmap = np.array([[0, 1], [2, 5]], np.float32)  # its mean is 2
    np.testing.assert_allclose(display_values(heatmap), [[0, 1 / 16], [1 / 8, 2.5 / 8]])
    np.testing.assert_allclose(display_values(heatmap, "map"), [[0, 0.2], [0.4, 1]])
    peak = np.zeros((10, 10))
    peak[3, 3] = 1  # 100 times its mean
    assert display_values(peak)[3, 3] == 1 and display_values(peak).sum() == 1


@pytest.mark.parametrize("scale", ["mean", "map"])
def test_an_all_zero_map_has_zero_values_and_a_non_finite_one_none(scale):
    assert not display_values(np.zeros((2, 3)), scale).any()
    assert display_values(np.array([[1, np.inf]]), scale) is None
    assert display_values(np.array([[1, np.nan]]), scale) is None


def test_an_unknown_scale_is_an_error():
    with pytest.raises(ValueError, match="'mean', 'map'. Received: 'log'"):
        display_values(np.ones((2, 2)), "log")


def test_opacity_zero_returns_the_image(rng):
    image = photos(rng)[0]
    np.testing.assert_array_equal(overlay(image, rng.random((7, 7)), opacity=0), image)


def test_opacity_one_shows_the_colours_alone_where_attention_is_high():
    heatmap = np.zeros((10, 10))
    heatmap[:, 0] = 1  # ten times its mean
    picture = overlay(np.full((10, 10, 3), 77, np.uint8), heatmap, opacity=1)
    np.testing.assert_array_equal(picture[:, 0], colorize(np.ones((10, 1)))[:, 0])


def test_without_attention_the_probe_is_seen_dimmed_and_grey_only():
    heatmap = np.zeros((10, 10))
    heatmap[0, 0] = 1
    picture = overlay(np.full((10, 10, 3), 100, np.uint8), heatmap, opacity=0.5)
    assert (picture[5:, 5:] == 80).all()  # 100 x (1 - 0.4 x 0.5)


@pytest.mark.parametrize("opacity", [-0.1, 1.1, np.nan])
def test_an_opacity_outside_its_range_is_an_error(opacity):
    with pytest.raises(ValueError, match=r"opacity must lie in \[0, 1\]"):
        overlay(np.zeros((2, 2, 3), np.uint8), np.ones((2, 2)), opacity=opacity)


def test_the_overlay_does_not_change_with_the_magnitude_of_the_map(rng):
    image, heatmap = photos(rng)[0], rng.random((5, 6)).astype(np.float32)
    for factor in (1e-35, 1e35):
        np.testing.assert_allclose(
            overlay(image, heatmap * np.float32(factor)).astype(int),
            overlay(image, heatmap).astype(int),
            atol=1,
        )


def test_a_half_precision_map_can_be_drawn(rng):
    image, heatmap = photos(rng)[0], rng.random((5, 6)).astype(np.float16)
    np.testing.assert_array_equal(
        overlay(image, heatmap), overlay(image, heatmap.astype(np.float64))
    )


def test_the_overlay_is_bright_where_the_map_is_high():
    heatmap = np.zeros((4, 8))
    heatmap[0, 7] = 1
    picture = overlay(np.zeros((40, 80, 3), np.uint8), heatmap).astype(int)
    assert picture[:10, 70:].mean() > 50 and picture[20:, :40].max() == 0


BAD_MAPS = {
    "all-zero map": np.zeros((7, 7), np.float32),
    "not finite": np.array([[0, np.nan], [1, 2]], np.float32),
}


@pytest.mark.parametrize("reason", BAD_MAPS)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (28, 28), (60, 100), (224, 224), (3, 5000)])
def test_a_map_that_is_none_is_stamped_and_never_drawn(reason, size):
    image = np.full((*size, 3), 100, np.uint8)
    picture = overlay(image, BAD_MAPS[reason])
    assert picture.shape == image.shape and picture.dtype == np.uint8
    assert defect(BAD_MAPS[reason]) == reason
    # Dimmed grey, and the ink and the paper of the stamp: no colour of a colour map.
    red, green, blue = picture.reshape(-1, 3).astype(int).T
    warm_or_grey = (red >= green - 1) & ((green >= blue - 1) | (red < 40))
    assert warm_or_grey.all()
    assert (picture.max(axis=2) >= 200).any()  # something is stamped


def test_the_stamps_of_both_reasons_differ_where_words_fit():
    image = np.full((224, 224, 3), 100, np.uint8)
    first, second = (overlay(image, heatmap) for heatmap in BAD_MAPS.values())
    assert (first != second).any()


def test_rounding_dust_is_not_drawn_when_the_caller_says_that_it_is_empty(rng):
    image, dust = photos(rng)[0], rng.random((7, 7)) * 1e-20
    np.testing.assert_array_equal(
        overlay(image, dust, empty=True), overlay(image, np.zeros((7, 7)))
    )
    assert defect(dust) == "" and defect(dust, empty=True) == "all-zero map"


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (60, 100), (40, 5000)])
@pytest.mark.parametrize("native", [(1, 1), (7, 5), (70, 50)])
def test_overlays_have_the_size_of_the_image(size, native):
    picture = overlay(np.zeros((*size, 3), np.uint8), np.ones(native))
    assert picture.shape == (*size, 3)
    # Uniform attention is the same everywhere, but for rounding.
    assert np.ptp(picture.reshape(-1, 3).astype(int), axis=0).max() <= 1


# --- lettering ---


@pytest.mark.parametrize(
    "text, drawn",
    [
        ("Ångström café", "Angstrom cafe"),
        ("Straße Ærø", "Strasse AEro"),
        ("猫 cat", "? cat"),
        ("a\0\x1bb\n\tc", "ab c"),
        ("÷ × − …", "/ x - ..."),
        ("", ""),
        (17, "17"),
    ],
)
def test_texts_become_what_the_fonts_can_draw(text, drawn):
    assert plain(text) == drawn


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("width", [1, 30, 160, 500])
def test_no_text_is_wider_than_its_room(name, width):
    assert text_width(shorten(name, width, 0.42), 0.42) <= width
    assert all(" " <= letter <= "~" for letter in shorten(name, width, 0.42))
    strip = draw_line(name, width, 0.42, (255, 255, 255), (0, 0, 0))
    assert strip.shape[1] == width


@pytest.mark.parametrize("size", [0.3, 0.42, 0.48, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("text", ["Wgjpqy|_()[]{}@W", "jj", "fff", "person 93%"])
def test_no_letter_is_cut_at_the_edge_of_its_strip(text, size):
    white, black = (255, 255, 255), (0, 0, 0)
    strip = draw_line(text, text_width(text, size), size, white, black)
    # The same letters, with all the room in the world.
    room = np.zeros((200, 2000, 3), np.uint8)
    stroke = max(1, round(1.5 * size))
    cv2.putText(room, text, (99, 99), cv2.FONT_HERSHEY_SIMPLEX, size, white, stroke, cv2.LINE_AA)
    assert strip.sum() == room.sum() > 0


def test_a_long_text_keeps_both_ends_and_a_short_one_all():
    cut = shorten("directory/with/a/long/name/photo_000123.png", 160, 0.42)
    assert cut.startswith("dir") and "..." in cut and cut.endswith("png")
    assert shorten("photo.png", 160, 0.42) == "photo.png"


# --- grids ---


def captions(n, **words):
    return [Caption(name=f"probe {i}", **words) for i in range(n)]


def test_small_tiles_are_enlarged_by_a_whole_factor_and_large_ones_shrunk(rng):
    small = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    large = fit_tile(small, 160, 320)
    assert large.shape == (160, 120, 3)
    np.testing.assert_array_equal(large[::20, ::20], small)
    np.testing.assert_array_equal(large[19::20, 19::20], small)
    assert fit_tile(np.zeros((28, 28, 3), np.uint8), 160, 320).shape == (168, 168, 3)
    assert fit_tile(np.zeros((224, 200, 3), np.uint8), 160, 320).shape == (224, 200, 3)
    assert fit_tile(np.zeros((1024, 512, 3), np.uint8), 160, 320).shape == (320, 160, 3)
    assert fit_tile(np.zeros((2, 5000, 3), np.uint8), 160, 320).shape == (1, 320, 3)


def places(picture, piece):
    """The (top, left) corners at which a piece occurs in the picture, pixel by pixel."""
    height, width = piece.shape[:2]
    rows, columns = picture.shape[0] - height + 1, picture.shape[1] - width + 1
    starts = (picture[:rows, :columns] == piece[0, 0]).all(axis=2)
    return [
        (int(top), int(left))
        for top, left in np.argwhere(starts)
        if np.array_equal(picture[top : top + height, left : left + width], piece)
    ]


def test_every_tile_and_image_is_in_the_grid_unchanged(rng):
    tiles, images = photos(rng, 5, 170, 200), photos(rng, 5, 170, 200)
    picture = draw_grid(tiles, captions(5), images=images, title="grad_cam")
    for piece in (*tiles, *images):
        assert len(places(picture, piece)) == 1


def test_the_image_stands_at_the_left_of_its_tile():
    tile, image = np.full((160, 160, 3), 200, np.uint8), np.full((160, 160, 3), 90, np.uint8)
    row = draw_grid([tile], captions(1), images=[image])[100, :, 0]
    assert np.flatnonzero(row == 90).max() < np.flatnonzero(row == 200).min()


def test_a_wrong_prediction_has_another_sign_and_not_only_another_colour():
    tile = np.zeros((160, 160, 3), np.uint8)

    def shape_of(correct):
        caption = Caption("a", "cat", "cat", 0.9, correct)
        grey = draw_grid([tile], [caption], colormap=None).max(axis=2)
        return grey > 90

    assert (shape_of(True) != shape_of(False)).sum() > 10
    assert (shape_of(None) != shape_of(False)).any()


def test_lines_that_no_caption_has_take_no_room():
    tile = np.zeros((160, 160, 3), np.uint8)
    heights = [
        len(draw_grid([tile], [caption]))
        for caption in (Caption("a"), Caption("a", "b"), Caption("a", "b", "c", 0.5, True, "d"))
    ]
    assert heights[1] - heights[0] == (heights[2] - heights[1]) / 2 > 0


@pytest.mark.parametrize("confidence, drawn", [(0.934, "cat 93%"), (None, "cat"), (np.nan, "cat")])
def test_the_prediction_is_drawn_with_its_confidence_where_known(confidence, drawn):
    assert Caption("a", prediction="cat", confidence=confidence).predicted() == drawn


def test_columns_are_as_asked_and_never_more_than_tiles():
    tiles = [np.zeros((160, 160, 3), np.uint8)] * 4
    one = draw_grid(tiles, captions(4), columns=1)
    many = draw_grid(tiles, captions(4), columns=9)
    np.testing.assert_array_equal(many, draw_grid(tiles, captions(4), columns=4))
    assert one.shape[0] > one.shape[1] and many.shape[1] > many.shape[0]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_neither_fail_nor_widen_the_grid(name):
    tile = np.zeros((28, 28, 3), np.uint8)
    usual = draw_grid([tile], [Caption("a", "b", "c", 0.5, True, "d")], title="e")
    hostile = draw_grid([tile], [Caption(name, f"b{name}", name, 0.5, True, f"d{name}")], title="e")
    assert hostile.shape == usual.shape


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (8, 8), (60, 100), (40, 5000)])
def test_grids_of_any_tile_size_are_legible_in_size(size):
    tiles = [np.full((*size, 3), 200, np.uint8)] * 3
    picture = draw_grid(tiles, captions(3), images=tiles)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    assert min(picture.shape[:2]) >= 160 and max(picture.shape[:2]) < 3000
    assert (picture == 200).any()


def test_tiles_of_different_sizes_share_a_grid(rng):
    tiles = [photos(rng, 1, *size)[0] for size in ((28, 28), (60, 100), (500, 300))]
    assert draw_grid(tiles, captions(3)).dtype == np.uint8


def test_the_legend_names_its_scale_and_can_be_left_out():
    tile = [np.zeros((160, 160, 3), np.uint8)]
    mean, own = (draw_grid(tile, captions(1), scale=scale) for scale in ("mean", "map"))
    without = draw_grid(tile, captions(1), colormap=None)
    assert mean.shape == own.shape and (mean != own).any()
    assert len(without) < len(mean)
    assert places(mean, colorize(np.ones((1, 1)))) and not places(
        without, colorize(np.ones((1, 1)))
    )


def test_small_print_follows_the_title():
    tile = [np.zeros((160, 160, 3), np.uint8)]
    alone = draw_grid(tile, captions(1), title="grad_cam")
    both = draw_grid(tile, captions(1), title=Heading("grad_cam", "Left: a probe."))
    np.testing.assert_array_equal(draw_grid(tile, captions(1), title=Heading("grad_cam")), alone)
    num_more = len(both) - len(alone)
    assert num_more == line_height(TEXT)
    shift = MARGIN + line_height(TITLE)
    np.testing.assert_array_equal(both[shift + num_more :], alone[shift:])


def test_grids_that_do_not_fit_together_are_errors():
    tiles = [np.zeros((8, 8, 3), np.uint8)] * 2
    with pytest.raises(ValueError, match="tiles is empty"):
        draw_grid([], [])
    with pytest.raises(ValueError, match="captions has 1 entries but tiles has 2"):
        draw_grid(tiles, captions(1))
    with pytest.raises(ValueError, match="images has 1 entries but tiles has 2"):
        draw_grid(tiles, captions(2), images=tiles[:1])
    with pytest.raises(ValueError, match="columns must be at least 1. Received: 0"):
        draw_grid(tiles, captions(2), columns=0)


# --- filmstrips ---


def strip_of(epochs, **options):
    film = Filmstrip([np.zeros((4, 4, 3), np.uint8)], ["a"], min_tile=4, **options)
    for epoch in epochs:
        film.add("", epoch, [np.full((4, 4, 3), 60 + epoch % 190, np.uint8)])
    return film


def test_up_to_twelve_epochs_are_all_kept():
    assert strip_of(range(-1, 11)).epochs == list(range(-1, 11))


@pytest.mark.parametrize("num_epochs", [13, 30, 100, 500])
@pytest.mark.parametrize("step", [1, 10])
def test_of_more_epochs_the_start_the_last_and_a_thinning_choice_are_kept(num_epochs, step):
    asked = list(range(-1, num_epochs * step, step))
    kept = strip_of(asked).epochs
    assert len(kept) == 12 and kept[0] == asked[0] and kept[-1] == asked[-1]
    assert kept == sorted(set(kept)) and set(kept) <= set(asked)
    # No hole wider than the unavoidable first step, or a fifth of the scale.
    roots = np.sqrt(np.array(kept) + 1)
    assert np.diff(roots).max() <= max(step**0.5 + 1e-9, roots[-1] / 5)
    assert strip_of(asked).epochs == kept


def test_the_filmstrip_stops_growing_when_it_is_full():
    shapes = [strip_of(range(-1, n)).picture().shape for n in (11, 12, 60)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_two_columns_are_start_and_last():
    assert strip_of(range(-1, 40), max_columns=2).epochs == [-1, 39]


def test_columns_stand_in_the_order_of_epochs_behind_the_probe(rng):
    image, *tiles = photos(rng, 4, 120, 120)
    film = Filmstrip([image], ["a"])
    for epoch, tile in enumerate(tiles):
        film.add(f"epoch {epoch + 1}", epoch, [tile])
    picture = film.picture()
    lefts = []
    for piece in (image, *tiles):
        ((_, left),) = places(picture, piece)
        lefts.append(left)
    assert lefts == sorted(set(lefts))


def test_a_column_is_drawn_when_added_and_never_again():
    film, tile = strip_of([-1]), np.full((4, 4, 3), 99, np.uint8)
    film.add("epoch 1", 0, [tile])
    before = film.picture()
    tile[...] = 0
    np.testing.assert_array_equal(film.picture(), before)


def test_a_filmstrip_without_columns_shows_the_probes(rng):
    images = photos(rng, 2, 120, 130)
    picture = Filmstrip(images, ["a", "b"]).picture()
    assert places(picture, images[0]) and places(picture, images[1])


def test_words_and_notes_take_the_same_room_as_none():
    tile = np.zeros((120, 120, 3), np.uint8)
    shapes, pictures = set(), []
    for given in (None, [Caption("a", "b", "c", 0.5, False)], [Caption("a", note="all-zero map")]):
        film = Filmstrip([tile], ["a"])
        film.add("start", -1, [tile], captions=given)
        pictures.append(film.picture())
        shapes.add(pictures[-1].shape)
    assert len(shapes) == 1
    assert (pictures[0] != pictures[1]).any() and (pictures[1] != pictures[2]).any()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (60, 100), (1024, 700), (40, 5000), (5000, 3)])
def test_filmstrips_of_any_size_hold_tiles_of_any_size(size):
    film = Filmstrip([np.full((*size, 3), 200, np.uint8)] * 2, HOSTILE_NAMES[-2:])
    film.add(
        HOSTILE_NAMES[3], 0, [np.full((*size, 3), 90, np.uint8), np.zeros((9, 50, 3), np.uint8)]
    )
    picture = film.picture()
    assert picture.dtype == np.uint8 and max(picture.shape) < 1500
    assert (picture == 200).any() and (picture == 90).any()


def test_filmstrips_that_do_not_fit_together_are_errors():
    tile = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="Received: 1 images, 2 names"):
        Filmstrip([tile], ["a", "b"])
    with pytest.raises(ValueError, match="Received: 0 images"):
        Filmstrip([], [])
    with pytest.raises(ValueError, match="max_columns must be at least 2. Received: 1"):
        Filmstrip([tile], ["a"], max_columns=1)
    film = Filmstrip([tile], ["a"])
    with pytest.raises(ValueError, match="tiles has 2 entries but the filmstrip has 1 rows"):
        film.add("start", -1, [tile, tile])
    with pytest.raises(ValueError, match="captions has 0 entries"):
        film.add("start", -1, [tile], captions=[])
    film.add("epoch 4", 3, [tile])
    with pytest.raises(ValueError, match="epoch must not go back. Received: 2 after 3"):
        film.add("epoch 3", 2, [tile])
    assert film.epochs == [3]


# --- encoding ---


def test_a_png_keeps_every_pixel_in_rgb(rng):
    picture = photos(rng)[0]
    data = encode_png(picture)
    assert data.startswith(b"\x89PNG")
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(back[..., ::-1], picture)


def test_a_jpeg_keeps_red_red():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    back = cv2.imdecode(np.frombuffer(encode_jpeg(red), np.uint8), cv2.IMREAD_COLOR)
    assert back[..., 2].min() > 240 and back[..., 0].max() < 15


def test_a_picture_that_opencv_cannot_encode_is_told_in_words():
    with pytest.raises(RuntimeError, match=r"could not encode a picture of 1x70000 pixels as .jpg"):
        encode_jpeg(np.zeros((1, 70_000, 3), np.uint8))


def test_what_is_no_picture_is_an_error():
    for wrong in (np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="picture must be a uint8 RGB array"):
            encode_png(wrong)
    with pytest.raises(ValueError, match="quality must lie in"):
        encode_jpeg(np.zeros((4, 4, 3), np.uint8), quality=0)


# --- OpenCV that does not load ---


@pytest.mark.parametrize(
    "original, advice",
    [
        ("libGL.so.1: cannot open shared object file", "--no-deps opencv-python-headless"),
        ("No module named 'cv2'", "OpenCV is not installed"),
        ("numpy.core.multiarray failed to import", "opencv-python>=4.10"),
    ],
)
def test_an_opencv_that_does_not_load_says_what_to_install(monkeypatch, original, advice):
    usual_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "cv2":
            raise ImportError(original)
        return usual_import(name, *args, **kwargs)

    for name in [
        name
        for name in sys.modules
        if name.startswith(("keras_saliency.rendering", "keras_saliency._utils.opencv"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError) as caught:
        __import__("keras_saliency.rendering")
    assert original in str(caught.value) and advice in str(caught.value)
