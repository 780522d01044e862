"""How sure a share is."""

import math


def wilson_bounds(share: float, count: float, z: float = 1.96) -> tuple[float, float]:
    """Returns the lower and upper 95 % bound of a share that was seen in `count` trials.

    Args:
        share: in [0, 1].
        count: independent trials; of a swap the distinct donors, since pairs with one donor
            are not independent.
        z: standard deviations. Defaults to 1.96.

    Returns:
        (lower, upper), in [0, 1]; (0, 1) for no trial.

    References:
        Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.
    """
    if count <= 0:
        return 0.0, 1.0
    square = z * z
    centre = (share + square / (2 * count)) / (1 + square / count)
    spread = z * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    spread /= 1 + square / count
    return max(0.0, centre - spread), min(1.0, centre + spread)
