"""The order of runs: by folder, and numbers as numbers."""

import re


def natural(name: str) -> list[list[tuple[str, int]]]:
    """Returns a key that sorts names as people do: fold_2 before fold_10, a folder's together.

    Args:
        name: a run's name, such as "fold_3/saliency".
    """
    return [
        [(text, int(number or -1)) for text, number in re.findall(r"(\D*)(\d{0,18})", part)]
        for part in name.replace("\\", "/").split("/")
    ]
