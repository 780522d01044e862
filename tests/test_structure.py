"""The layout: imports go down in rank only, and importing the package is light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "keras_saliency"
ROW = re.compile(r"\| (\d) \| (`[^|]+`) \|")

# {package: rank}, as CONTRIBUTING.md has it.
RANK_OF = {
    name: int(rank)
    for rank, names in ROW.findall((ROOT / "CONTRIBUTING.md").read_text())
    for name in re.findall(r"`(\w+)`", names)
}


def is_for_types(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(tree):
    """Import statements, those under TYPE_CHECKING aside."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not is_for_types(node):
            yield from imports_of(node)


def packages_imported_by(path):
    for node in imports_of(ast.parse(path.read_text())):
        names = [a.name for a in node.names]
        if isinstance(node, ast.ImportFrom):
            is_top = node.module == "keras_saliency"
            names = [f"keras_saliency.{a}" for a in names] if is_top else [node.module or ""]
        for name in names:
            if name.startswith("keras_saliency."):
                yield name.split(".")[1]


def package_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_go_down_in_rank_only(path):
    package = package_of(path)
    assert package in RANK_OF, f"{package} has no rank: give it one in CONTRIBUTING.md"
    for imported in packages_imported_by(path):
        if imported != package:
            assert RANK_OF[imported] < RANK_OF[package], f"{package} imports {imported}"


def test_there_are_no_other_packages_than_the_table_says():
    found = {package_of(path) for path in PACKAGE.rglob("*.py")}
    assert found == set(RANK_OF)


def modules_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.parametrize("heavy", ["tensorflow", "keras", "cv2", "tensorboard"])
def test_importing_the_package_loads_nothing_heavy(heavy):
    assert heavy not in modules_after("import keras_saliency; dir(keras_saliency)")


@pytest.mark.parametrize("heavy", ["tensorflow", "cv2", "IPython", "matplotlib"])
def test_what_notebooks_show_is_light(heavy):
    assert heavy not in modules_after("import keras_saliency; keras_saliency.Alert")


def test_choosing_probes_loads_no_tensorflow():
    assert "tensorflow" not in modules_after("import keras_saliency.probes")


PUBLIC = """
Alert Battery DeconvNet GradCAM GradCAMPlusPlus GuidedBackprop GuidedGradCAM HiResCAM History
InputXGradient IntegratedGradients LayerCAM ModelGraph Occlusion ProbeSet SaliencyCallback ScoreCAM
SmoothGrad VanillaGradients __version__ confirm explain findings sanity_check
"""


def test_every_public_name_can_be_imported():
    import keras_saliency

    assert sorted(keras_saliency.__all__) == sorted(PUBLIC.split())
    for name in keras_saliency.__all__:
        assert getattr(keras_saliency, name) is not None


def test_functions_are_not_hidden_by_the_modules_that_hold_them():
    """`keras_saliency.explain` must stay the function once its module is imported."""
    modules = ("attribution.explain", "shortcuts.confirm", "attribution.sanity_check")
    modules += ("history.findings",)
    imports = "\n".join(f"import keras_saliency.{module}" for module in modules)
    names = "keras_saliency.explain, keras_saliency.confirm, keras_saliency.sanity_check"
    names += ", keras_saliency.findings"
    code = f"{imports}\nprint(*map(callable, ({names})))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.split() == ["True"] * 4, printed.stderr


def test_unknown_names_are_refused():
    import keras_saliency

    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = keras_saliency.nonsense


# Public signatures, whose arguments users name; {function: in which module}.
MAY_HAVE_MANY_PARAMETERS = {
    "SaliencyCallback.__init__": "training/callback.py",
    "ProbeSet.__init__": "probes/probe_set.py",
}


def functions_of(tree, prefix=""):
    """(name, node) of all functions, those of classes as "Class.function"."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        inner = f"{prefix}{node.name}." if isinstance(node, ast.ClassDef) else prefix
        yield from functions_of(node, inner)


def num_parameters(function):
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named = [a for a in named if a.arg not in ("self", "cls")]
    return len(named) + sum(a is not None for a in (arguments.vararg, arguments.kwarg))


def test_no_function_has_more_than_eight_parameters():
    many = {}
    for path in PACKAGE.rglob("*.py"):
        for name, function in functions_of(ast.parse(path.read_text())):
            if num_parameters(function) > 8:
                many[name] = path.relative_to(PACKAGE).as_posix()
    assert many == MAY_HAVE_MANY_PARAMETERS


def test_one_module_at_most_is_called_base():
    assert len(list(PACKAGE.rglob("base.py"))) <= 1
