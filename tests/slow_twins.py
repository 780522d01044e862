"""The three methods written again from the papers' formulas: NumPy, float64, plain loops.

The network is conv-relu-pool-conv-relu-pool-dense-relu-dense, the smallest that has
everything the formulas speak of. Slow and obvious on purpose.
"""

import numpy as np


def convolve(x, kernel, bias):
    kh, kw, _, num_out = kernel.shape
    h, w = x.shape[0] - kh + 1, x.shape[1] - kw + 1
    y = np.zeros((h, w, num_out))
    for i in range(h):
        for j in range(w):
            for k in range(num_out):
                y[i, j, k] = np.sum(x[i : i + kh, j : j + kw] * kernel[..., k]) + bias[k]
    return y


def transposed_convolve(signal, kernel, input_shape):
    kh, kw = kernel.shape[:2]
    back = np.zeros(input_shape)
    for i in range(signal.shape[0]):
        for j in range(signal.shape[1]):
            for k in range(signal.shape[2]):
                back[i : i + kh, j : j + kw] += signal[i, j, k] * kernel[..., k]
    return back


def max_pool(x):
    h, w, c = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
    y, switches = np.zeros((h, w, c)), np.zeros((h, w, c, 2), int)
    for i in range(h):
        for j in range(w):
            for k in range(c):
                block = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, k]
                di, dj = np.unravel_index(block.argmax(), (2, 2))
                y[i, j, k], switches[i, j, k] = block[di, dj], (2 * i + di, 2 * j + dj)
    return y, switches


def unpool(signal, switches, input_shape):
    back = np.zeros(input_shape)
    for i in range(signal.shape[0]):
        for j in range(signal.shape[1]):
            for k in range(signal.shape[2]):
                si, sj = switches[i, j, k]
                back[si, sj, k] += signal[i, j, k]
    return back


class Twin:
    """One image's forward pass through the network with these weights, kept for going back."""

    def __init__(self, weights, image):
        weights = [np.asarray(w, np.float64) for w in weights]
        self.k1, b1, self.k2, b2, self.w3, b3, self.w4, b4 = weights
        self.x = np.asarray(image, np.float64)
        self.z1 = convolve(self.x, self.k1, b1)
        self.a1 = np.maximum(self.z1, 0)
        self.p1, self.s1 = max_pool(self.a1)
        self.z2 = convolve(self.p1, self.k2, b2)
        self.a2 = np.maximum(self.z2, 0)
        self.p2, self.s2 = max_pool(self.a2)
        self.z3 = self.p2.reshape(-1) @ self.w3 + b3
        self.a3 = np.maximum(self.z3, 0)
        self.logits = self.a3 @ self.w4 + b4

    def back_to_a2(self, target_class, rectify):
        signal = self.w4[:, target_class]
        signal = rectify(signal, self.z3)
        signal = (self.w3 @ signal).reshape(self.p2.shape)
        return unpool(signal, self.s2, self.a2.shape)

    def back_to_image(self, signal_at_a2, rectify):
        signal = rectify(signal_at_a2, self.z2)
        signal = transposed_convolve(signal, self.k2, self.p1.shape)
        signal = unpool(signal, self.s1, self.a1.shape)
        signal = rectify(signal, self.z1)
        return transposed_convolve(signal, self.k1, self.x.shape)


def derivative(signal, forward):
    return signal * (forward > 0)


def deconvnet_rule(signal, forward):
    return np.maximum(signal, 0)


def grad_cam(twin, target_class):
    gradient = twin.back_to_a2(target_class, derivative)
    alpha = gradient.mean(axis=(0, 1))
    return np.maximum((alpha * twin.a2).sum(axis=2), 0)


def vanilla_gradients(twin, target_class):
    gradient = twin.back_to_image(twin.back_to_a2(target_class, derivative), derivative)
    return np.abs(gradient).max(axis=2)


def deconvnet(twin, target_class):
    signal = twin.back_to_image(twin.back_to_a2(target_class, deconvnet_rule), deconvnet_rule)
    return np.abs(signal).max(axis=2), signal


def deconvnet_of_strongest(twin, channel=None):
    """Projects the strongest activation of the second convolution."""
    if channel is None:
        channel = twin.a2.max(axis=(0, 1)).argmax()
    i, j = np.unravel_index(twin.a2[..., channel].argmax(), twin.a2.shape[:2])
    start = np.zeros(twin.a2.shape)
    start[i, j, channel] = twin.a2[i, j, channel]
    signal = twin.back_to_image(start, deconvnet_rule)
    return np.abs(signal).max(axis=2), signal


def bilinear_resize(image, size):
    """Half-pixel centres, edges clamped: what TensorFlow and OpenCV call bilinear."""
    h, w = image.shape
    out = np.zeros(size)
    for i in range(size[0]):
        for j in range(size[1]):
            y = np.clip((i + 0.5) * h / size[0] - 0.5, 0, h - 1)
            x = np.clip((j + 0.5) * w / size[1] - 0.5, 0, w - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, h - 1), min(x0 + 1, w - 1)
            top = image[y0, x0] * (1 - (x - x0)) + image[y0, x1] * (x - x0)
            low = image[y1, x0] * (1 - (x - x0)) + image[y1, x1] * (x - x0)
            out[i, j] = top * (1 - (y - y0)) + low * (y - y0)
    return out
