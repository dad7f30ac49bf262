"""Analyses of runs whose tasks have no residues."""

import pytest
from builders import run_analysis

TASKS = {
    "polynomial": {"name": "polynomial", "d": 6, "n_train": 20, "n_test": 20},
    "parity": {"name": "parity", "n_bits": 6, "k": 2, "n_train": 30, "n_test": 20},
}


@pytest.fixture(scope="module", params=TASKS)
def run(request, trained_run):
    content = {"name": request.param, "seeds": [0], "task": TASKS[request.param]}
    content |= {"model": {"name": "mlp", "widths": [8, 7]}, "measure": {"checkpoints": [{"every": 50}]}}
    content |= {"pruning": {"require_generalised": False}}
    content["arms"] = {
        "dense": {"max_steps": 100},
        "grokked_ticket": {"method": "magnitude", "source": "dense", "max_steps": 100},
    }
    return trained_run(content)


@pytest.mark.parametrize("name", ["grokking", "norms", "masks", "graph_props"])
def test_analyses_without_residues_read_any_task(name, run, tmp_path):
    done = run_analysis(name, run.path, "--out", str(tmp_path))
    assert (done.code, done.err.count("error")) == (0, 0) and done.out, done.err


@pytest.mark.parametrize("name", ["flow", "fourier", "leakage", "phases", "logits", "lottery", "progress"])
def test_analyses_over_residues_refuse_other_tasks_in_one_line(name, run, tmp_path):
    done = run_analysis(name, run.path, "--out", str(tmp_path))
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert (
        f"dense seed 0, grokked_ticket seed 0: expected a task over residues mod p, got {run.path.name}"
        in line
    )
