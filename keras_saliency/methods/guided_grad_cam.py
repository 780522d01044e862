"""Guided Grad-CAM."""

import tensorflow as tf

from keras_saliency.methods.base import Attribution
from keras_saliency.methods.grad_cam import GradCAM
from keras_saliency.methods.guided_backprop import guided_signal
from keras_saliency.methods.resizing import resize_maps
from keras_saliency.methods.trace import Trace


class GuidedGradCAM(GradCAM):
    """Guided backpropagation where Grad-CAM lights up: fine structure in the regions of the class.

    The guided signal times the Grad-CAM map, resized linearly to the image. It inherits what
    guided backpropagation is blind to.

    Args:
        layer: of the Grad-CAM, as of `GradCAM`.

    References:
        Selvaraju et al., Grad-CAM, 2017, https://arxiv.org/abs/1610.02391, section 3.2.
    """

    name = "guided_grad_cam"
    is_grainy = True
    shows_weights = False
    suspects_first = 0

    def attribute(self, trace: Trace) -> Attribution:
        cam = super().attribute(trace)
        signal, description = guided_signal(trace, self)
        size = trace.images.shape[1:-1]
        signal = signal * resize_maps(cam.heatmaps, size)[..., None]
        description |= {k: t for k, t in cam.description.items() if k in ("layer", "advice")}
        description["reduction"] = "maximum over channels of the absolute product"
        return Attribution(tf.reduce_max(tf.abs(signal), axis=-1), description, signal)
