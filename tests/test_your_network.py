"""The notebook that measures a network of plain PyTorch, run in a kernel."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "docs" / "your-network.ipynb"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return all printed text, and the number of pictures."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    folder = {"metadata": {"path": str(tmp_path_factory.mktemp("network"))}}
    NotebookClient(notebook, timeout=120, resources=folder).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    text = "".join(output["text"] for output in outputs if output.get("name") == "stdout")
    return text, sum("image/png" in output.get("data", {}) for output in outputs)


def number(printed, pattern):
    (found,) = re.findall(pattern, printed[0])
    return float(found)


def test_it_trains_a_network_that_generalises_and_draws(printed):
    assert number(printed, r"accuracy: train ([\d.]+)") == 1
    assert number(printed, r", test ([\d.]+)\n") > 0.95
    assert printed[1] == 2


def test_two_maps_show_what_one_map_hides(printed):
    assert number(printed, r"mean cos D: ([-\d.]+) with two maps") > 0.95
    assert abs(number(printed, r", ([-\d.]+) with the first alone")) < 0.3
    assert number(printed, r"in the two maps: ([\d.]+)") > 0.99999


def test_all_neurons_together_are_right_and_one_is_not(printed):
    first, *_, last = re.findall(r"(\d+) neurons: ([\d.]+)\n", printed[0])
    assert float(first[1]) < 0.2 and float(last[1]) > 0.9


def test_the_refused_function_is_told_in_a_line(printed):
    assert (
        "network: expected a function that returns shape (3481, columns), a row per pair, got" in printed[0]
    )
