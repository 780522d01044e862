"""The detectors that a swap decides: what each suspects, and the bounds it is held to."""

from keras_saliency.shortcuts.detector import Bounds, SwapDetector
from keras_saliency.shortcuts.suspicion import propose_fixed_patch, propose_moving_patch
from keras_saliency.shortcuts.swaps import (
    AmplitudeSwap,
    BackgroundSwap,
    PatternSwap,
    RingSwap,
    StatisticsSwap,
    SurroundingsSwap,
)

NEVER = 2.0  # no class by itself: clean networks adopt amplitudes and centred objects


# The most specific first: where several are proven, that one is reported.
SWAP_DETECTORS = {
    detector.name: detector
    for detector in (
        SwapDetector(
            "stationary",
            propose_fixed_patch,
            seen="a patch at one place",
            done="Putting that patch of a probe of {donor_class} on another probe",
            blind_to="cues that move, and places that were not suspected",
            many=Bounds(0.4, 0.84),
            two=Bounds(0.65, 0.94),
            legitimate=frozenset({"stationary"}),
            is_local=True,
        ),
        SwapDetector(
            "border",
            RingSwap,
            seen="the outer ring of the image",
            done="Putting the ring of a probe of {donor_class} around another probe",
            blind_to="cues inside of the ring",
            many=Bounds(0.18, 0.5, of_pool=0.1, of_lost=0.15),
            two=Bounds(0.27, 0.54, of_pool=0.21),
            legitimate=frozenset({"border"}),
            is_local=True,
        ),
        SwapDetector(
            "moving",
            propose_moving_patch,
            seen="the small patch of each image that it looks at most",
            done="Putting the most looked-at patch of a probe of {donor_class} on another probe",
            blind_to="cues that the maps do not show",
            many=Bounds(0.16, 0.5, of_pool=0.09),
            two=Bounds(0.22, 0.47, of_pool=0.18),
            spares_object=True,
            legitimate=frozenset({"moving"}),
            is_local=True,  # where the patches of all donors have a place in common
        ),
        SwapDetector(
            "background",
            BackgroundSwap,
            seen="the background",
            done="Putting the background of a probe of {donor_class} behind the object of another",
            blind_to="cues on the object",
            many=Bounds(0.17, 0.44, of_pool=0.115, of_lost=0.16),
            two=Bounds(0.27, 0.54, of_pool=0.2),
            spares_object=True,
            legitimate=frozenset({"background"}),
            needs="object_masks",
            is_local=True,
        ),
        SwapDetector(
            "colour",
            StatisticsSwap,
            seen="global colour, brightness or contrast",
            done="Giving another probe the channel means and deviations of one of {donor_class}",
            blind_to="cues at one place",
            many=Bounds(0.7, 0.98),
            two=Bounds(0.8, 0.98),
            legitimate=frozenset({"colour"}),
        ),
        SwapDetector(
            "texture",
            AmplitudeSwap,
            seen="texture or sharpness all over the image",
            done="Giving another probe the amplitude spectrum of one of {donor_class}",
            blind_to="cues at one place",
            many=Bounds(0.8, NEVER),
            two=None,  # clean networks on plain backgrounds adopt all: the amplitudes hold outlines
            legitimate=frozenset({"texture"}),
        ),
        SwapDetector(
            "pattern",
            PatternSwap,
            seen="something that all its images have at the same place",
            done="Adding the mean of {donor_class}, less that of its own, to another probe",
            blind_to="cues that move",
            many=Bounds(0.72, NEVER),
            two=Bounds(0.8, NEVER),
            with_masks=(Bounds(0.14, 0.38, of_pool=0.105), Bounds(0.36, 0.7)),
            legitimate=frozenset({"pattern"}),
            is_local=True,
        ),
        SwapDetector(
            "surroundings",
            SurroundingsSwap,
            seen="what surrounds the middle of the image",
            done="Putting all but the middle quarter of a probe of {donor_class} around another's",
            blind_to="cues in the middle",
            many=Bounds(0.45, NEVER, of_pool=0.375),
            two=Bounds(0.55, NEVER, of_pool=0.5),
            legitimate=frozenset({"surroundings", "background", "colour", "texture"}),
            is_local=True,
            stands_in_for="background",
        ),
    )
}
