"""A run that trains on all pairs: every analysis reads it, and nothing in it generalises."""

import json

import pytest

from analyses.fourier import command as fourier
from analyses.graph_props import command as graph_props
from analyses.grokking import command as grokking
from analyses.logits import command as logits
from analyses.masks import command as masks
from analyses.norms import command as norms
from analyses.phases import command as phases
from analyses.progress import command as progress
from analyses.snapshots import command as snapshots
from analyses.speed import command as speed
from training.config.build_recipe import recipe_from_dict
from training.execution.outcomes import outcomes

CONTENT = {
    "name": "all_pairs",
    "seeds": [0, 1],
    "task": {"p": 7, "pairs": "ordered", "frac_train": 1.0},
    "model": {"name": "one_hot_mlp", "d_mlp": 24, "activation": "square"},
    "optimizer": {"name": "sgd", "lr": 0.5, "weight_decay": 0.0, "warmup_steps": 10},
    "measure": {"early_checkpoint_every": 50},
    "pruning": {"require_generalised": False},
    "arms": {
        "dense": {"max_steps": 100},
        "grokked_ticket": {"method": "magnitude", "source": "dense", "max_steps": 100},
    },
}


@pytest.fixture(scope="module")
def run(trained_run):
    return trained_run(CONTENT)


@pytest.mark.parametrize(
    "analysis",
    [fourier, graph_props, grokking, logits, masks, norms, phases, progress, snapshots],
    ids=lambda a: a.__name__,
)
def test_every_analysis_and_its_figures_work(analysis, run, tmp_path, capfd):
    arguments = {graph_props: ["--nulls", "2", "--jobs", "1"], progress: ["--jobs", "1"]}.get(analysis, [])
    code = analysis.main(["--run", str(run.path), "--out", str(tmp_path), *arguments])
    out, err = capfd.readouterr()
    assert (code, err.count("error"), err.count("Warning")) == (0, 0, 0) and out, err


def test_there_is_no_speed_to_compare(run, tmp_path, capfd):
    assert speed.main(["--run", str(run.path), "--out", str(tmp_path)]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "expected a trained network with a test set, got none" in line


def test_nothing_is_known_of_when_it_generalises(run):
    rows = outcomes(run, recipe_from_dict(CONTENT))
    assert {row["t_gen_interval"] for row in rows} == {"> 0"}
    assert {(row["t_gen"], row["tau"], row["test_loss"], row["test_acc"]) for row in rows} == {(None,) * 4}
    assert all(row["train_loss"] > 0 for row in rows)
    json.dumps(rows, allow_nan=False)
    source = run.arm("grokked_ticket", 0).done()["source"]
    assert source == {"arm": "dense", "seed": 0, "step": 100, "generalised": False, "test_acc": None}
