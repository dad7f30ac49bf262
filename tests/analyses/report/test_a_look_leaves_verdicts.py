"""Report after looks at a part of a run, by commands."""

import numpy as np
import pandas as pd
import pytest
from builders import begin_run, metrics_of, run_analysis

from analyses.report.command import main
from training.config.arm_config import arm_record
from training.config.recipe_files import read_recipe

STEPS = [0, 2000, 4999]


@pytest.fixture
def runs(tmp_path):
    """Return a folder with He et al.'s network, three seeds whose output phases become twice the input's."""
    recipe, _ = read_recipe("h_standard")
    run = begin_run(tmp_path / "h_standard", recipe)
    p, width = recipe.task.p, recipe.model.shapes(recipe.task.p, recipe.task.p)["W_in"][1]
    k, residues = np.arange(width) % 11 + 1, np.arange(p)
    for seed in recipe.seeds:
        rng = np.random.default_rng(seed)
        start = rng.normal(size=(2, p, width))
        phase = rng.uniform(0, 2 * np.pi, width)
        turns = 2 * np.pi * np.outer(residues, k) / p
        end = np.stack([np.cos(turns + phase), np.cos(turns + 2 * phase)])
        stacked = np.stack([(1 - mix) * start + mix * end for mix in (0, 0.3, 1)]).astype(np.float32)
        files = run.arm("dense", seed)
        files.write_checkpoints(
            np.array(STEPS), {"W_in": stacked[:, 0], "W_out": stacked[:, 1].transpose(0, 2, 1)}
        )
        files.write_metrics(metrics_of(np.array(STEPS), np.ones(3), np.full(3, np.nan)))
        files.finish(arm_record(recipe, "dense", seed) | {"steps": STEPS[-1], "source": None})
    return tmp_path


def verdicts(runs):
    """Return the verdicts of a new report."""
    assert main(["--runs", str(runs)]) == 0
    return pd.read_csv(runs / "REPRODUCTION.csv", keep_default_na=False).set_index("id")["verdict"]


@pytest.mark.parametrize("look", [["--steps", "0", "2000"], ["--seeds", "42"], ["--arms", "dense"]])
def test_a_look_at_a_part_of_the_run_leaves_h2(runs, look):
    assert run_analysis("phases", runs / "h_standard").code == 0
    before = verdicts(runs)
    assert before["H2"] == "reproduced"
    assert run_analysis("phases", runs / "h_standard", *look).code == 0
    assert verdicts(runs).equals(before)
