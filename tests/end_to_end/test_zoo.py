"""Every model and task that a user brings works, or is refused for the reason that is told.

The tables of docs/models.md are written by `python tests/end_to_end/zoo/table.py`.
"""

import pytest
from end_to_end.zoo.applications import APPLICATIONS
from end_to_end.zoo.entry import try_out
from end_to_end.zoo.hub import HUB
from end_to_end.zoo.table import MODELS, row, row_with_layer
from end_to_end.zoo.tasks import TASKS


def name_of(entry):
    return entry.name


def assert_as_expected(entry, results):
    assert results["grad_cam"].layer == entry.layer or not entry.layer
    assert results["deconvnet"].refused == entry.deconvnet


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", TASKS, ids=name_of)
def test_every_task_does_as_the_table_says(entry):
    results = try_out(entry)
    assert_as_expected(entry, results)
    assert row(entry, results) in MODELS.read_text().splitlines()


@pytest.mark.slow
@pytest.mark.versions
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", [e for e in APPLICATIONS if not e.is_slow], ids=name_of)
def test_one_application_of_each_family_takes_the_layer_that_an_expert_would(entry):
    results = try_out(entry)
    assert_as_expected(entry, results)
    assert row_with_layer(entry, results) in MODELS.read_text().splitlines()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", HUB, ids=name_of)
def test_classifiers_of_keras_hub(entry):
    pytest.importorskip("keras_hub")
    assert_as_expected(entry, try_out(entry))


def test_all_applications_that_keras_has_are_in_the_table():
    import keras

    known = {entry.name for entry in APPLICATIONS}
    assert known >= {name for name in dir(keras.applications) if name[0].isupper()}
    rows = MODELS.read_text()
    assert all(f"| {name} |" in rows for name in known)
