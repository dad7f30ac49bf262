"""Runs of tasks that are not about residues: what reads them, and what says that it cannot."""

import pytest

from analyses.flow import command as flow
from analyses.fourier import command as fourier
from analyses.graph_props import command as graph_props
from analyses.grokking import command as grokking
from analyses.leakage import command as leakage
from analyses.logits import command as logits
from analyses.lottery import command as lottery
from analyses.masks import command as masks
from analyses.norms import command as norms
from analyses.phases import command as phases
from analyses.progress import command as progress

TASKS = {
    "polynomial": {"name": "polynomial", "d": 6, "n_train": 20, "n_test": 20},
    "parity": {"name": "parity", "n_bits": 6, "k": 2, "n_train": 30, "n_test": 20},
}


@pytest.fixture(scope="module", params=TASKS)
def run(request, trained_run):
    content = {"name": "other", "seeds": [0], "task": TASKS[request.param]}
    content |= {"model": {"name": "mlp", "widths": [8, 7]}, "measure": {"early_checkpoint_every": 50}}
    content |= {"pruning": {"require_generalised": False}}
    content["arms"] = {
        "dense": {"max_steps": 100},
        "grokked_ticket": {"method": "magnitude", "source": "dense", "max_steps": 100},
    }
    return trained_run(content)


@pytest.mark.parametrize("analysis", [grokking, norms, masks, graph_props], ids=lambda a: a.__name__)
def test_what_needs_no_residues_reads_any_task(analysis, run, tmp_path, capfd):
    arguments = ["--nulls", "2", "--jobs", "1"] if analysis is graph_props else []
    code = analysis.main(["--run", str(run.path), "--out", str(tmp_path), *arguments])
    out, err = capfd.readouterr()
    assert (code, err.count("error")) == (0, 0) and out, err


@pytest.mark.parametrize(
    "analysis", [flow, fourier, leakage, phases, logits, lottery, progress], ids=lambda a: a.__name__
)
def test_what_needs_residues_says_so_in_one_line(analysis, run, tmp_path, capfd):
    assert analysis.main(["--run", str(run.path), "--out", str(tmp_path)]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "expected a task over residues mod p, and this one is" in line
