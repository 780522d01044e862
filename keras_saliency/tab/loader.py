"""The module that TensorBoard imports at its start, for every log directory of the user.

An error in it would stop TensorBoard. So it imports nothing of keras_saliency at first, catches
everything, and leaves the tab out where it cannot be loaded.
"""

import logging
from typing import Any

from tensorboard.plugins import base_plugin

_log = logging.getLogger("tensorboard.saliency")
_NAME, _MOST_STEPS = "saliency", 2001  # as in schema.py, which is not imported here


class SaliencyLoader(base_plugin.TBLoader):
    """Makes the Saliency tab."""

    def fix_flags(self, flags: Any) -> None:
        """Makes TensorBoard keep all epochs, unless the user passes a number."""
        try:
            samples = dict(flags.samples_per_plugin or {})
            samples.setdefault(_NAME, _MOST_STEPS)
            flags.samples_per_plugin = samples
        except Exception:
            _log.warning("The Saliency tab may miss epochs: flags cannot be read", exc_info=True)

    def load(self, context: base_plugin.TBContext) -> base_plugin.TBPlugin | None:
        """Returns the plugin, or None where it cannot be made."""
        try:
            from keras_saliency.tab.plugin import SaliencyPlugin

            return SaliencyPlugin(context)
        except Exception:
            _log.warning("There is no Saliency tab: it cannot be loaded", exc_info=True)
            return None
