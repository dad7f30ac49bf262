"""The tutorial notebook and README's ten lines, run as printed."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
CODE = re.compile(r"^```python\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def executed(cells, folder, timeout):
    """Return the outputs of every code cell, run from top to bottom in a folder."""
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return {cell.source: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def pictures(outputs):
    """Return how many pictures a cell shows."""
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture(autouse=True)
def from_this_checkout(monkeypatch):
    """Let the kernel import what is tested."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_the_tutorial_and_the_ten_lines_of_the_readme_run(tmp_path, monkeypatch):
    cells = nbformat.read(ROOT / "docs" / "tutorial.ipynb", as_version=4).cells
    shown = executed(cells, tmp_path, timeout=120)
    drawing = {source: pictures(outputs) for source, outputs in shown.items() if pictures(outputs)}
    assert [source.splitlines()[0] for source in drawing] == [
        'draw(run, "periodicity")',
        "import matplotlib.pyplot as plt",
    ]
    assert set(drawing.values()) == {1}
    assert "table: " in str(shown['fourier = measure(run, "fourier")\nfourier'])

    monkeypatch.chdir(tmp_path)
    (lines,) = (block for block in CODE.findall((ROOT / "README.md").read_text()) if "quick=True" in block)
    assert len(lines.splitlines()) <= 11
    names: dict[str, object] = {}
    exec(lines, names)  # goes on in the tutorial's run
    run, ticket = names["run"], names["ticket"]
    assert 0 < ticket.t_gen < run["dense", 0].t_gen
    assert ticket.mask.density == pytest.approx(0.4, abs=1e-3)
    assert (tmp_path / "runs/modadd_fast/analyses/fourier_neurons.parquet").exists()
    assert len(names["fourier"].neurons) and plt.get_fignums()
    plt.close("all")


def test_a_figure_is_shown_once_wherever_it_stands(tiny_copy, tmp_path):
    begin = f"from figures import draw\nrun = {str(tiny_copy)!r}\n"
    cells = [f'{begin}draw(run, "norms")', 'figure = draw(run, "norms")', "figure", "display(figure)"]
    shown = executed([nbformat.v4.new_code_cell(cell) for cell in cells], tmp_path, timeout=60)
    assert [pictures(shown[cell]) for cell in cells] == [1, 0, 1, 1]
