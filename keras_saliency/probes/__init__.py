"""The watched images: `ProbeSet`, and how probes are read and chosen.

Importing it loads no TensorFlow; what reads files loads it when called.
"""

from keras_saliency.probes.image_files import load_image
from keras_saliency.probes.probe_set import ProbeSet

__all__ = ["ProbeSet", "load_image"]
