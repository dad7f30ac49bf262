"""Analyses of a run that trains on all pairs."""

import json

import pandas as pd
import pytest
from builders import run_analysis, table_files

from figures.catalogue.registry import FIGURES
from figures.drawing.render import draw_picture
from training.config.build_recipe import recipe_from_dict
from training.inspection.outcomes import outcomes

CONTENT = {
    "name": "all_pairs",
    "seeds": [0],
    "task": {"p": 7, "pairs": "ordered", "frac_train": 1.0},
    "model": {"name": "one_hot_mlp", "d_mlp": 12, "activation": "square"},
    "optimizer": {"name": "sgd", "lr": 0.5, "weight_decay": 0.0, "warmup_steps": 10},
    "measure": {"checkpoints": [{"every": 50}]},
    "pruning": {"require_generalised": False},
    "arms": {
        "dense": {"max_steps": 100},
        "grokked_ticket": {"method": "magnitude", "source": "dense", "max_steps": 100},
    },
}


@pytest.fixture(scope="module")
def run(trained_run):
    return trained_run(CONTENT)


DRAWN = {
    "fourier": ["fourier"],
    "graph_props": [],
    "grokking": ["grokking", "outcomes"],
    "logits": [],
    "masks": ["masks"],
    "norms": ["norms"],
    "phases": [],
    "progress": ["progress"],
    "snapshots": ["film", "maps", "matrices", "neurons", "weight_stages"],
}
"""Figures of each analysis that look different here than elsewhere: without values that need a test set, or
with a panel per weight, as a one-hot network has other weights.
"""


def lacks_values(path):
    """Return True if a table has no rows, or a column without any value."""
    frame = pd.read_parquet(path)
    return frame.empty or frame.isna().all().any()


@pytest.mark.parametrize("name", DRAWN)
def test_analyses_and_the_figures_that_show_a_test_set_work(name, run, tmp_path):
    done = run_analysis(name, run.path, "--out", str(tmp_path))
    assert (done.code, done.err.count("error"), done.err.count("Warning")) == (0, 0, 0), done.err
    drawn = []
    for figure in FIGURES.values():
        if figure.after_analysis and figure.analyses == (name,):
            tables = table_files(tmp_path, figure.tables)
            if figure.name in ("fourier", "matrices") or any(map(lacks_values, tables.values())):
                assert draw_picture(figure, tables, tmp_path / figure.name, preview=True)
                drawn.append(figure.name)
    assert sorted(drawn) == DRAWN[name]


def test_speed_refuses_a_run_without_a_test_set(run, tmp_path):
    done = run_analysis("speed", run.path, "--out", str(tmp_path))
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert "expected a trained network with a test set, got none" in line


def test_times_of_generalization_are_censored_at_0(run):
    rows = outcomes(run, recipe_from_dict(CONTENT))
    assert {row["t_gen_interval"] for row in rows} == {"> 0"}
    assert {(row["t_gen"], row["tau"], row["test_loss"], row["test_acc"]) for row in rows} == {(None,) * 4}
    assert all(row["train_loss"] > 0 for row in rows)
    json.dumps(rows, allow_nan=False)
    source = run.arm("grokked_ticket", 0).done()["source"]
    assert source == {"arm": "dense", "seed": 0, "step": 100, "generalised": False, "test_acc": None}
