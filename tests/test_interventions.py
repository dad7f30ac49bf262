"""The notebook on interventions, run in a kernel."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "docs" / "interventions.ipynb"


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Return the executed code cells."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    folder = {"metadata": {"path": str(tmp_path_factory.mktemp("interventions"))}}
    NotebookClient(notebook, timeout=240, resources=folder).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def output_of(cells, text):
    """Return what the cell with this text has shown."""
    (cell,) = (cell for cell in cells if text in cell.source)
    (shown,) = [out for out in cell.outputs if out.output_type == "execute_result"]
    return shown["data"]


def value_of(cells, text):
    return ast.literal_eval(output_of(cells, text)["text/plain"])


def test_the_cache_has_every_hook_point_and_the_ticket_generalises(cells):
    shapes = value_of(cells, "run_with_cache")
    assert shapes["blocks.0.mlp.hook_post"] == (2278, 48) and shapes["hook_logits"] == (2278, 67)
    train, test, loss = value_of(cells, 'accuracy(logits, "train")')
    assert train == 1 and test > 0.95 and loss < 0.5


def test_single_frequencies_matter_and_a_circuit_is_small(cells):
    without = value_of(cells, "def without(k)")
    assert min(without.values()) < 0.9 and len(without) > 2
    assert "smallest_greedy" in output_of(cells, "ablation.networks")["text/plain"]


def test_patched_shares_sum_to_one_and_steered_frequencies_move_the_answer(cells):
    shares = value_of(cells, "def patched(k)")
    assert sum(shares.values()) == pytest.approx(1, abs=0.01) and max(shares.values()) > 0.1
    moved = value_of(cells, "def steered(")
    assert moved["its frequencies"][0] > 0.9 and moved["all others"][1] > 0.9
    for name in ("patching", "steering"):
        assert "image/png" in output_of(cells, f'draw(run, "{name}")')


def test_the_arm_with_an_event_never_generalises(cells):
    outcomes = output_of(cells, "set_optimizer")["text/plain"].splitlines()
    (row,) = [line.split() for line in outcomes if "no_decay" in line]
    assert row[3] == "NaN" and float(row[4]) < 0.5


def test_the_tickets_neurons_are_read_by_the_dense_networks_weights(cells):
    own, by_dense = zip(*value_of(cells, "def stitched(step)").values(), strict=True)
    assert by_dense[0] < 0.3 and by_dense[1] > max(0.7, own[1]) and by_dense[2] > 0.9
    assert "image/png" in output_of(cells, 'draw(run, "stitching")')
