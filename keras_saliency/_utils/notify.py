"""Notices to the user, which never end a training."""

import logging
import warnings

_LOGGER = logging.getLogger("keras_saliency")


def notify(message: str) -> None:
    """Warns the user; logs instead where warnings are errors, since no notice may end a fit."""
    try:
        warnings.warn(message, stacklevel=3)
    except Warning:
        _LOGGER.warning(message)
