"""What TensorBoard imports at its start, for every log directory of the user.

What fails here would stop TensorBoard. So it imports nothing of ours at first, catches everything,
and leaves the tab out where it cannot be had.
"""

import logging

from tensorboard.plugins import base_plugin

_log = logging.getLogger("tensorboard.saliency")
_NAME, _MOST_STEPS = "saliency", 2001  # as in schema.py, which is not imported here


class SaliencyLoader(base_plugin.TBLoader):
    """Makes the Saliency tab."""

    def fix_flags(self, flags):
        """Has TensorBoard keep all epochs; a number that the user gives stands."""
        try:
            samples = dict(flags.samples_per_plugin or {})
            samples.setdefault(_NAME, _MOST_STEPS)
            flags.samples_per_plugin = samples
        except Exception:
            _log.warning("The Saliency tab may miss epochs: flags cannot be read", exc_info=True)

    def load(self, context):
        """Returns the plugin, or None where it cannot be made."""
        try:
            from keras_saliency.tab.plugin import SaliencyPlugin

            return SaliencyPlugin(context)
        except Exception:
            _log.warning("There is no Saliency tab: it cannot be loaded", exc_info=True)
            return None
