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


def guided_rule(signal, forward):
    return np.maximum(signal, 0) * (forward > 0)


def guided_backprop(twin, target_class):
    return twin.back_to_image(twin.back_to_a2(target_class, guided_rule), guided_rule)


def guided_grad_cam(twin, target_class):
    cam = bilinear_resize(grad_cam(twin, target_class), twin.x.shape[:2])
    return guided_backprop(twin, target_class) * cam[..., None]


def gradient(twin, target_class):
    return twin.back_to_image(twin.back_to_a2(target_class, derivative), derivative)


def input_x_gradient(twin, target_class):
    return np.abs((twin.x * gradient(twin, target_class)).sum(axis=2))


def hires_cam(twin, target_class):
    slope = twin.back_to_a2(target_class, derivative)
    return np.maximum((slope * twin.a2).sum(axis=2), 0)


def layer_cam(twin, target_class):
    slope = twin.back_to_a2(target_class, derivative)
    return np.maximum((np.maximum(slope, 0) * twin.a2).sum(axis=2), 0)


def grad_cam_plus_plus(twin, target_class):
    """Equations 10 and 19 as they stand, without the exponential of the logit before them."""
    slope = twin.back_to_a2(target_class, derivative)
    total = np.zeros(slope.shape[:2])
    for k in range(slope.shape[2]):
        weight, all_activation = 0.0, twin.a2[..., k].sum()
        for i in range(slope.shape[0]):
            for j in range(slope.shape[1]):
                g = slope[i, j, k]
                if g != 0:
                    alpha = g**2 / (2 * g**2 + all_activation * g**3)
                    weight += alpha * max(g, 0)
        total += weight * twin.a2[..., k]
    return np.maximum(total, 0)


def smooth_grad(weights, image, target_class, noises, share):
    spread = share * (image.max() - image.min())
    slopes = [gradient(Twin(weights, image + spread * n), target_class) for n in noises]
    return np.abs(np.mean(slopes, axis=0)).max(axis=2)


def integrated_gradients(weights, image, target_class, baseline, num_steps):
    """The integral by the midpoint rule; signed, (H, W, C)."""
    gap, total = image - baseline, np.zeros(image.shape)
    for i in range(num_steps):
        point = baseline + (i + 0.5) / num_steps * gap
        total += gradient(Twin(weights, point), target_class) / num_steps
    return gap * total


def score_cam(twin, weights, target_class, channels=None):
    """Algorithm 1, channel by channel."""
    maps, scores = [], []
    for k in range(twin.a2.shape[2]) if channels is None else channels:
        mask = bilinear_resize(twin.a2[..., k], twin.x.shape[:2])
        if mask.max() > mask.min():
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            scores.append(Twin(weights, twin.x * mask[..., None]).logits[target_class])
            maps.append(twin.a2[..., k])
    alpha = np.exp(np.array(scores) - max(scores))
    alpha /= alpha.sum()
    return np.maximum(sum(a * m for a, m in zip(alpha, maps, strict=True)), 0)


def occlusion(twin, weights, target_class, patch, stride, value):
    """The mean loss of the logit over all patches that cover a pixel; signed."""
    height, width, _ = twin.x.shape
    total, number = np.zeros((height, width)), np.zeros((height, width))

    def starts(length):
        return sorted({*range(0, length - patch, stride), length - patch})

    for i in starts(height):
        for j in starts(width):
            covered = twin.x.copy()
            covered[i : i + patch, j : j + patch] = value
            loss = twin.logits[target_class] - Twin(weights, covered).logits[target_class]
            total[i : i + patch, j : j + patch] += loss
            number[i : i + patch, j : j + patch] += 1
    return total / number


def relative_error(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape and np.abs(b).max() > 0
    return np.abs(a - b).max() / np.abs(b).max()


def slow_jpeg_steps(quality):
    """The luminance table at a quality, by libjpeg's integers, from the standard's table at 50."""
    at_50 = """16 11 10 16 24 40 51 61  12 12 14 19 26 58 60 55  14 13 16 24 40 57 69 56
               14 17 22 29 51 87 80 62  18 22 37 56 68 109 103 77  24 35 55 64 81 104 113 92
               49 64 78 87 103 121 120 101  72 92 95 98 112 100 103 99"""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = [min(255, max(1, (int(s) * percent + 50) // 100)) for s in at_50.split()]
    return np.array(steps).reshape(8, 8)


def slow_dct(block):
    """The DCT of one 8×8 block, by its double sum, orthonormal as JPEG has it."""
    out = np.zeros((8, 8))
    for u in range(8):
        for v in range(8):
            for y in range(8):
                for x in range(8):
                    wave = np.cos((2 * y + 1) * u * np.pi / 16) * np.cos(
                        (2 * x + 1) * v * np.pi / 16
                    )
                    out[u, v] += block[y, x] * wave / 4
            out[u, v] /= np.sqrt(2) ** ((u == 0) + (v == 0))
    return out


def slow_noise_deviation(image):
    """Blocks one by one; `image` (H, W, C), at least 8 pixels on each side."""
    import cv2

    height, width, channels = image.shape
    smooth = [
        cv2.GaussianBlur(image[..., c], (0, 0), 1, borderType=cv2.BORDER_REFLECT)
        for c in range(channels)
    ]
    side = min(8, max(2, min(height, width) // 8))
    blocks = []
    for top in range(1, height - 1 - side + 1, side):
        for left in range(1, width - 1 - side + 1, side):
            residual, slope = [], []
            for y in range(top, top + side):
                for x in range(left, left + side):
                    for c in range(channels):
                        a, s = image[y - 1 : y + 2, x - 1 : x + 2, c], smooth[c]
                        mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
                        residual.append(abs((a * mask).sum()) / 6)
                        slope.append((s[y + 1, x] - s[y, x]) ** 2 + (s[y, x + 1] - s[y, x]) ** 2)
            blocks.append((np.mean(slope), np.mean(residual)))
    blocks = sorted(blocks)[: max(1, len(blocks) // 4)]
    return np.median([residual for _, residual in blocks]) * np.sqrt(np.pi / 2)


def slow_sharpness_level(image):
    """Pixel by pixel."""
    import cv2

    grey = image.mean(axis=2)
    coarse = cv2.GaussianBlur(grey, (0, 0), 1, borderType=cv2.BORDER_REFLECT)
    slopes = []
    for y in range(grey.shape[0]):
        for x in range(grey.shape[1]):
            if y == grey.shape[0] - 1 or x == grey.shape[1] - 1:
                slopes.append((0.0, 0.0))
            else:
                slopes.append(
                    tuple(
                        (a[y + 1, x] - a[y, x]) ** 2 + (a[y, x + 1] - a[y, x]) ** 2
                        for a in (coarse, grey)
                    )
                )
    slopes.sort(key=lambda two: two[0])
    noise = np.median([fine for _, fine in slopes[: len(slopes) // 4]])
    steepest = slopes[-max(4, len(slopes) // 20) :]
    fine = max(0, np.mean([fine for _, fine in steepest]) - noise)
    return np.log2((fine + 1) / (np.mean([c for c, _ in steepest]) + 1)) / 2


def slow_share_between(levels, groups):
    """The share of the variance of ranks that lies between groups, tied ranks averaged."""
    ranks = [np.mean([r for r, v in enumerate(sorted(levels)) if v == value]) for value in levels]
    mean = np.mean(ranks)
    between = sum(
        (np.mean([r for r, h in zip(ranks, groups, strict=True) if h == g]) - mean) ** 2
        for g in groups
    )
    return between / sum((r - mean) ** 2 for r in ranks)
