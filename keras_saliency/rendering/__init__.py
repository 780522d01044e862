"""Pictures: overlays, grids and filmstrips as uint8 RGB arrays.

The only package that normalises for display. It knows arrays and no model.
"""

from keras_saliency._utils.pictures import (
    decode_picture,
    encode_jpeg,
    encode_picture,
    encode_png,
)
from keras_saliency.rendering.colormaps import (
    COLORMAPS,
    DEFAULT_COLORMAP,
    colorize,
    colorize_signed,
)
from keras_saliency.rendering.display_range import (
    describe_range,
    displayable,
    displayable_volumes,
    has_bgr_channels,
)
from keras_saliency.rendering.filmstrip import Filmstrip
from keras_saliency.rendering.grid import Caption, draw_grid
from keras_saliency.rendering.layer_features import draw_features
from keras_saliency.rendering.overlays import defect, display_values, outline, overlay
from keras_saliency.rendering.portraits import Portraits
from keras_saliency.rendering.sheet import Heading, fit_tile

__all__ = [
    "COLORMAPS",
    "DEFAULT_COLORMAP",
    "Caption",
    "Filmstrip",
    "Heading",
    "Portraits",
    "colorize",
    "colorize_signed",
    "decode_picture",
    "defect",
    "describe_range",
    "display_values",
    "displayable",
    "displayable_volumes",
    "draw_features",
    "draw_grid",
    "encode_jpeg",
    "encode_picture",
    "encode_png",
    "fit_tile",
    "has_bgr_channels",
    "outline",
    "overlay",
]
