"""Shapes in masks: connected parts, holes, rims."""

import numpy as np

from keras_saliency._utils.opencv import cv2

PART_SHARE = 0.2  # of the largest part, from which on another part belongs to the object


def large_parts(mask: np.ndarray) -> np.ndarray:
    """Returns the largest connected part of a mask (H, W), and others of comparable size.

    Corners connect. The mask must not be empty.
    """
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0  # of what lies outside
    return (areas >= PART_SHARE * areas.max())[parts]


def parts_touching(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the connected parts of a mask (H, W) that another mask touches; corners connect."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return np.isin(parts, np.unique(parts[other & mask])) & mask


def without_holes(mask: np.ndarray) -> np.ndarray:
    """Returns a mask (H, W) with all filled that it encloses."""
    outside = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, parts = cv2.connectedComponents(outside, connectivity=4)
    return (parts != parts[0, 0])[1:-1, 1:-1]


def dilated(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Returns a mask (H, W) dilated by so many pixels, corners included."""
    square = np.ones((2 * pixels + 1,) * 2, np.uint8)
    return cv2.dilate(mask.astype(np.uint8), square).astype(bool)
