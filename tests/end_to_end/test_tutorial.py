"""The tutorial runs from top to bottom, and shows what its text says."""

import re
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).resolve().parents[2] / "examples" / "tutorial.ipynb"
nbformat = pytest.importorskip("nbformat")


def test_it_is_kept_without_outputs():
    """They would be megabytes, old at the next change, and are made by running it."""
    book = nbformat.read(TUTORIAL, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None


@pytest.mark.slow
def test_it_runs_and_shows_the_alert_and_the_way_out(tmp_path):
    nbclient = pytest.importorskip("nbclient")
    for needed in ("ipykernel", "matplotlib", "sklearn"):
        pytest.importorskip(needed)
    book = nbformat.read(TUTORIAL, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=600, kernel_name="python3", resources=resources).execute()
    shown = {cell.source: cell.outputs for cell in book.cells if cell.cell_type == "code"}

    def html(ending):
        [outputs] = [found for source, found in shown.items() if source.endswith(ending)]
        [page] = [o.data["text/html"] for o in outputs if "text/html" in o.get("data", {})]
        return page

    first, second = html('"logs/scanned")'), html('"logs/blanked")')
    assert "Attention, epoch 4" in first and "1 alert" in first
    assert "Attention, epoch 4" in second and "alert" not in re.sub("<[^>]*>", "", second)
    alerts = html("\nsaliency.alerts".strip())
    assert "to recognise &quot;8&quot;" in alerts and "rows 28–31, columns 0–3" in alerts
    assert "data:image/jpeg" in alerts
    assert "None." in html("second.alerts") and "Silence does not exclude" in html("second.alerts")
    streams = [o for found in shown.values() for o in found if o.get("name") == "stdout"]
    printed = "".join(stream.text for stream in streams)
    percent = [int(n) for n in re.findall(r"(\d+)%$", printed, re.MULTILINE)]
    good, fooled, _, again, unfooled = percent
    assert good >= 90 > fooled + 10 and again >= 90 and unfooled >= 90
    assert (tmp_path / "logs" / "report.html").stat().st_size > 100_000
    assert "<iframe" in html('("logs/report.html")')
