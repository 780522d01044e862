"""Tries every model out and writes the tables of what works: docs/models.md.

    python tests/end_to_end/zoo/table.py [--only tasks]

`tests/end_to_end/test_zoo.py` checks the rows of all tasks, and of one model of each family.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import re
import warnings

from end_to_end.zoo.entry import METHODS, try_out

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "docs" / "models.md"
_TITLES = ("Grad-CAM", "vanilla gradients", "DeconvNet")


def row(entry, results) -> str:
    """One row: the model, and what became of each method."""
    return f"| {entry.name} | {' | '.join(str(results[m]) for m in METHODS)} |"


def row_with_layer(entry, results) -> str:
    """The same with the images' size, Grad-CAM's layer and the size of its map."""
    found = results["grad_cam"]
    size = "×".join(map(str, found.size))
    where = f"`{found.layer}`, {size}" if found.size else str(found)
    image = "×".join(map(str, entry.shape[:-1]))
    others = " | ".join(str(results[m]) for m in METHODS[1:])
    return f"| {entry.name} | {image} | {where} | {others} |"


def head(*titles) -> list[str]:
    return [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]


def write_block(path, name, lines):
    """Replaces what stands below `<!-- zoo:name -->`, up to the next empty line."""
    text = path.read_text()
    block = re.compile(rf"(<!-- zoo:{name} -->\n)(\|.*\n)*")
    assert block.search(text), f"{path.name} has no <!-- zoo:{name} -->"
    path.write_text(block.sub(lambda found: found[1] + "\n".join(lines) + "\n", text))


def main():
    from end_to_end.zoo.applications import APPLICATIONS
    from end_to_end.zoo.hub import HUB
    from end_to_end.zoo.tasks import TASKS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("tasks", "applications", "hub"))
    only = parser.parse_args().only
    warnings.simplefilter("ignore")
    models = head("model", "image", "Grad-CAM: layer, its map", *_TITLES[1:])
    for name, entries, top, line in (
        ("tasks", TASKS, head("model or task", *_TITLES), row),
        ("applications", APPLICATIONS, models, row_with_layer),
        ("hub", HUB, models, row_with_layer),
    ):
        if only in (None, name):
            lines = list(top)
            for entry in entries:
                lines.append(line(entry, try_out(entry)))
                print(lines[-1], flush=True)
            write_block(MODELS, name, lines)


if __name__ == "__main__":
    main()
