"""The house: imports go down in rank only, and importing the package is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "keras_saliency"

# Rooms of one rank do not import each other; a room imports only from lower ranks.
RANKS = [
    {"tab"},
    {"arguments", "distribution", "engines", "guard", "opencv", "other_inputs"}
    | {"schedule", "tf_keras_hooks", "worker"},
    {"records"},
    {"probes", "capture", "library", "storage"},
    {"layouts"},
    {"introspect"},
    {"transformers"},
    {"activations", "model_checks", "relu_rules", "state", "targets"},
    {"methods", "heads", "model_function"},
    {"graph"},
    {"features", "interventions", "statistics"},
    {"detectors", "history", "log_keys"},
    {"rendering"},
    {"album", "exhibit", "health", "sinks"},
    {"confirmation", "watch"},
    {"pipeline"},
    {"run"},
    {"explanation", "callback", "sanity"},
    {"__main__"},
]
RANK_OF = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}


def rooms_imported_by(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "keras_saliency":
                names = [f"keras_saliency.{a.name}" for a in node.names]
        for name in names:
            if name.startswith("keras_saliency."):
                yield name.split(".")[1]


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=str)
def test_imports_go_down_in_rank_only(path):
    room = room_of(path)
    if room == "__init__":
        return
    assert room in RANK_OF, f"{room} has no rank: give it one in this table and in CONTRIBUTING.md"
    for imported in rooms_imported_by(path):
        if imported != room:
            assert RANK_OF[imported] < RANK_OF[room], f"{room} imports {imported}"


def modules_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.parametrize("heavy", ["tensorflow", "keras", "cv2", "tensorboard"])
def test_importing_the_package_loads_nothing_heavy(heavy):
    assert heavy not in modules_after("import keras_saliency; dir(keras_saliency)")


def test_every_public_name_can_be_had():
    import keras_saliency

    for name in keras_saliency.__all__:
        assert getattr(keras_saliency, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = keras_saliency.nonsense
