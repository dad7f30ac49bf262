"""Frozen weights of planted runs, with and without a changed bit."""

import numpy as np
import pandas as pd
import pytest

from analyses.masks.command import main
from training.config.arm_config import arm_record

FROM = {"source": "dense", "from_step": 100}
ARMS = {
    "dense": {},
    "edge_popup": FROM | {"form": "edge_popup"},
    "trained_too": FROM | {"form": "edge_popup", "train_weights": True},
    "signs": FROM | {"form": "biprop"},
    "from_the_start": {"form": "edge_popup"},
}
STEPS = np.array([0, 100, 200])


@pytest.fixture
def run(new_run):
    """Return a run whose arms keep random halves of the dense weights.

    The weights are those of step 100.
    """
    content = {
        "name": "frozen",
        "seeds": [0],
        "task": {"p": 3},
        "model": {"d_emb": 4, "d_mlp": 2},
        "arms": ARMS,
    }
    run, recipe = new_run(content)
    rng = np.random.default_rng(0)
    shapes = recipe.setting("dense").shapes()
    dense = {name: rng.normal(size=(3, *shape)).astype(np.float32) for name, shape in shapes.items()}
    for arm in ARMS:
        files, weights = run.arm(arm, 0), dense
        if arm != "dense":
            masks = {
                name: rng.permuted(np.resize([True, False], (3, *shape))) for name, shape in shapes.items()
            }
            weights = {name: np.where(masks[name], w[1], 0) for name, w in dense.items()}
            files.write_mask({name: mask[-1] for name, mask in masks.items()})
        files.write_checkpoints(STEPS, weights)
        curve = np.array([0.0, 0.5, 1.0])
        files.write_metrics({"step": STEPS, "train_acc": curve, "test_acc": curve})
        source = {"arm": "dense"} if recipe.arms[arm].source else None
        files.finish(arm_record(recipe, arm, 0) | {"steps": 200, "source": source})
    return run


def frozen(run):
    assert main(["--run", str(run.path), "--no-plot"]) == 0
    return pd.read_parquet(run.path / "analyses" / "masks_frozen.parquet")


def test_only_weights_that_should_be_frozen_are_compared(run, capsys):
    (row,) = frozen(run).to_dict("records")
    n_kept = sum(int((w != 0).sum()) for w in run.arm("edge_popup", 0).checkpoints().values())
    assert row == {
        "arm": "edge_popup",
        "arm_role": "variant",
        "seed": 0,
        "source": "dense",
        "source_role": "dense",
        "from_step": 100,
        "n_checkpoints": 3,
        "n_kept": n_kept,
        "n_changed": 0,
        "form": "edge_popup",
        "sparsity": 0.6,
        "train_weights": False,
    }
    assert f"0 of {n_kept} kept weights changed: they stayed frozen" in capsys.readouterr().out


def test_one_changed_bit_is_counted(run, capsys):
    files = run.arm("edge_popup", 0)
    weights = files.checkpoints()
    place = tuple(np.argwhere(weights["W_U"] != 0)[-1])
    weights["W_U"][place] = np.nextafter(weights["W_U"][place], np.float32(9))
    files.write_checkpoints(STEPS, weights)
    files.finish(files.done())
    assert frozen(run)["n_changed"].tolist() == [1]
    assert "training did not freeze them" in capsys.readouterr().out


def test_a_source_without_the_starting_checkpoint_is_refused(run, capsys):
    files = run.arm("dense", 0)
    files.write_checkpoints(STEPS[::2], {name: w[::2] for name, w in files.checkpoints().items()})
    files.finish(files.done())
    assert main(["--run", str(run.path), "--no-plot"]) == 1
    assert "checkpoints: expected one at step 100, got none" in capsys.readouterr().err
