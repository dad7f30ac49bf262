"""The tutorial, run in a kernel, and more cells after it."""

from pathlib import Path

import nbformat
import pytest
from builders import TASK_MAX
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
MORE = (
    # several workers in a notebook: the kernel's main module is not theirs
    """
overrides = {"task.p": 7, "model.d_emb": 8, "model.d_mlp": 6, "name": "pair", "measure.eval_every": 10}
overrides |= {f"arms.dense.{field}": 20 for field in ("min_steps", "max_steps")}
pair = train(load_recipe("modadd_fast", [0, 1], overrides, arms=["dense"]), jobs=2)
print(len(pair), matplotlib.get_backend() == backend, plt.get_fignums())
""",
    # a task of a cell
    TASK_MAX
    + """overrides |= {"task.name": "max", "name": "mine"}
mine = train(load_recipe("modadd_fast", [0, 1], overrides, arms=["dense"]))
print(mine["dense", 1].setting.task.name, len(measure(mine, "fourier").table) > 0)
""",
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Return the executed code cells."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    notebook.cells.insert(1, new_code_cell("import matplotlib\nbackend = matplotlib.get_backend()"))
    notebook.cells += [new_code_cell(source) for source in MORE]
    folder = {"metadata": {"path": str(tmp_path_factory.mktemp("tutorial"))}}
    NotebookClient(notebook, timeout=120, resources=folder).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def output_of(cells, text):
    (cell,) = (cell for cell in cells if text in cell.source)
    return cell.outputs


def pictures(outputs):
    return [output for output in outputs if "image/png" in output.get("data", {})]


def test_a_drawn_figure_is_shown_exactly_once(cells):
    (shown,) = output_of(cells, 'draw(run, "periodicity")')
    assert shown.output_type == "execute_result" and pictures([shown])


def test_the_ticket_is_shown_with_its_mask_spectrum_and_curves(cells):
    (mask,) = output_of(cells, "ticket.mask")[:1]
    assert "density 0.4" in mask["data"]["text/plain"]
    for text in ('ax.plot("step", "test_acc"', "cycles per 67"):
        (shown,) = pictures(output_of(cells, text))
        assert shown.output_type == "display_data"
    outcomes = output_of(cells, "run.outcomes")[0]["data"]["text/plain"]
    assert "grokked_ticket" in outcomes and "NaN" not in outcomes


def test_two_workers_and_a_cells_own_task_train(cells):
    printed = [
        "".join(output["text"] for output in cell.outputs if output.get("name") == "stdout") for cell in cells
    ]
    assert printed[-2:] == ["2 True []\n", "max True\n"]
