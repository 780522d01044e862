"""Where the time of a check goes, as a Markdown table.

    python tests/benchmarks/check_parts.py

Processor time of all threads, by a profile of checks in which nothing is found, the first one left
out. The profiler makes Python slower, so shares are what counts. "If passes took a fiftieth" is the
time of a check whose forward passes take no more than that.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import cProfile
import itertools
import pstats
import time

from checks import OWN_MODELS, Checked, make_model

NUM_CHECKS = 3
PARTS = {  # what is counted with its callees: (end of the file's name, function)
    "forward passes": ("checks.py", "predict"),
    "compiled edits": ("bank.py", "__call__"),
    "sums over windows": ("boxes.py", "hottest_boxes"),
    "pairs": ("pairs.py", "draw"),
    "intervals": ("loss.py", "estimate_loss"),
}


def profiled(checked):
    """Returns seconds of a check by part, in the mean, and in all."""
    checked.check(0)
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for epoch in range(1, NUM_CHECKS + 1):
        checked.check(epoch)
    profile.disable()
    stats = pstats.Stats(profile)
    seconds = {
        part: sum(
            values[3]  # cumulative
            for (file, _, name), values in stats.stats.items()
            if file.endswith(end) and name == function
        )
        for part, (end, function) in PARTS.items()
    }
    return {part: value / NUM_CHECKS for part, value in seconds.items()}, (
        stats.total_tt / NUM_CHECKS
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", default=OWN_MODELS)
    parser.add_argument("--sizes", nargs="*", type=int, default=[28, 96, 224])
    parser.add_argument("--probes", type=int, default=60)
    options = parser.parse_args()
    parts = " | ".join(PARTS)
    print(f"| model | images | a check, s | {parts} | rest | if passes took a fiftieth, s |")
    print("|" + "---|" * (len(PARTS) + 5))
    for name, size in itertools.product(options.models, options.sizes):
        parts, whole = profiled(Checked(make_model(name, size), size, options.probes, True))
        shares = [seconds / whole for seconds in (*parts.values(), whole - sum(parts.values()))]
        fast = whole - 0.98 * parts["forward passes"]
        cells = name, f"{size}×{size}", f"{whole:.2f}", *(f"{share:.0%}" for share in shares)
        print(f"| {' | '.join(cells)} | {fast:.2f} |", flush=True)


if __name__ == "__main__":
    main()
