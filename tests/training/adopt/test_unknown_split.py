"""Adopted masks, training pairs and curves: told or found, never invented."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from builders import begin_run, drawn, error_line, run_analysis, train_every_arm
from safetensors.torch import save_file

from training.adopt import adopt_weights
from training.config.build_recipe import recipe_from_dict
from training.execution.experiment import Experiment
from training.inspection import open_run
from training.schema.validation import ConfigError, to_dict
from training.tasks.modular import ModularTask

P = 7
EMBED = {"W_E": (P, 4), "W_in": (4, 3), "W_out": (3, 4), "W_U": (4, P)}


def states_of(files):
    """Return the state dict of every checkpoint, by step."""
    weights, steps = files.checkpoints(), files.steps().tolist()
    return {
        step: {name: torch.from_numpy(w[i]) for name, w in weights.items()} for i, step in enumerate(steps)
    }


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """Return a run that stands for other code's: its split has a seed that nobody tells."""
    task = {"name": "add", "p": P, "pairs": "ordered", "frac_train": 0.7, "split_seed": 5}
    content = {"name": "foreign", "seeds": [0], "task": task, "arms": {"dense": {"max_steps": 400}}}
    content |= {"model": {"d_emb": 24, "d_mlp": 16}, "measure": {"checkpoints": [{"every": 50}]}}
    recipe = recipe_from_dict(content | {"measure": {"checkpoints": [{"every": 50}]}})
    run = begin_run(tmp_path_factory.mktemp("theirs") / "foreign", recipe)
    assert train_every_arm(recipe, run) == []
    return run


@pytest.fixture(scope="module")
def pairs(foreign):
    """Return the training pairs of the foreign run, (n, 2)."""
    data = open_run(foreign).recipe.task.build()
    return data.inputs[: data.n_train]


# --- training pairs ----------------------------------------------------------------------------------


def write_text(path, pairs):
    path.write_text("a b\n" + "\n".join(f"{a} {b}" for a, b in pairs))


def write_flat_text(path, pairs):
    path.write_text("# flat\n" + ", ".join(str(P * a + b) for a, b in pairs))


FORMATS = {
    "pairs.txt": write_text,
    "flat.csv": write_flat_text,
    "pairs.json": lambda path, pairs: path.write_text(json.dumps(pairs.tolist())),
    "flat.npy": lambda path, pairs: np.save(path, pairs @ [P, 1]),
    "run.pt": lambda path, pairs: torch.save({"train_indices": torch.tensor(pairs @ [P, 1])}, path),
}


@pytest.mark.parametrize(("name", "write"), FORMATS.items(), ids=FORMATS)
def test_curves_of_given_pairs_are_those_of_training(name, write, foreign, pairs, adopt, adopted, tmp_path):
    write(tmp_path / name, pairs)
    states = states_of(foreign.arm("dense", 0))
    assert adopt({"w.pt": states}, "--train-indices", tmp_path / name) == 0
    trained = foreign.arm("dense", 0).metrics()
    expected = trained[trained["step"].isin(states)].reset_index(drop=True)
    pd.testing.assert_frame_equal(adopted.metrics(), expected, rtol=1e-5, atol=1e-6)
    task = open_run(tmp_path / "run").recipe.task
    assert task.pairs == "ordered" and task.train_indices == tuple((pairs @ [P, 1]).tolist())
    recorded = json.loads((tmp_path / "run" / "config.json").read_text())["task"]
    assert recorded.keys() == {"name", "p", "pairs", "train_indices"}


WRONG = {
    "outside": ([[0, 1], [3, P]], "residues from 0 to 6, got 7"),
    "negative": ([0, -1], "flat indices a·p + b from 0 to 48, got -1"),
    "flat outside": ([0, P * P], "flat indices a·p + b from 0 to 48, got 49"),
    "twice": ([[0, 1], [2, 3], [0, 1]], "every training pair once, got '(0, 1) twice'"),
    "three columns": ([[0, 1, 2]], "whole numbers: a flat index"),
    "fractions": ([0.5], "whole numbers: a flat index"),
    "none": ([], "whole numbers: a flat index"),
    "unequal rows": ([[0, 1], [2]], "whole numbers: a flat index"),
}


@pytest.mark.parametrize(("indices", "message"), WRONG.values(), ids=WRONG)
def test_indices_outside_the_pairs_or_twice_are_one_line(indices, message, adopt, tmp_path, capsys):
    (tmp_path / "i.json").write_text(json.dumps(indices))
    assert adopt({"w.pt": drawn(EMBED)}, "--train-indices", tmp_path / "i.json") == 2
    assert f"i.json: expected {message}" in error_line(capsys.readouterr().err)
    assert not (tmp_path / "run").exists()


def test_other_wrong_files_of_indices_are_one_line(adopt, tmp_path, capsys):
    for name, text in {"i.txt": "0 1\nx y z 3\n", "i.json": "{}", "i.npy": "no", "none.txt": None}.items():
        if text is not None:
            (tmp_path / name).write_text(text)
        assert adopt({"w.pt": drawn(EMBED)}, "--train-indices", tmp_path / name) == 1
        assert name in error_line(capsys.readouterr().err)
    (tmp_path / "both.json").write_text("[[0, 1], [1, 0]]")
    unordered = ("--set", "task.pairs=unordered", "--train-indices", tmp_path / "both.json")
    assert adopt({"w.pt": drawn(EMBED)}, *unordered) == 2
    assert "pairs with a ≤ b, got 7" in error_line(capsys.readouterr().err)
    assert adopt({"w.pt": drawn(EMBED)}, "--frac-train", 0.5, "--train-indices", tmp_path / "both.json") == 2
    assert "--frac-train: expected none together" in error_line(capsys.readouterr().err)
    assert not (tmp_path / "run").exists()


def test_a_task_of_given_pairs_trains_on_these():
    task = ModularTask(p=5, pairs="ordered", train_indices=(7, 3, 20))
    data = task.build()
    assert data.inputs[: data.n_train].tolist() == [[1, 2], [0, 3], [4, 0]] and len(data.inputs) == 25
    assert len({tuple(pair) for pair in data.inputs.tolist()}) == 25
    assert (data.labels == data.inputs.sum(axis=1) % 5).all()
    for p, pairs, indices in ((5, "unordered", (5,)), (5, "ordered", (25,)), (5, "ordered", (-1,))):
        with pytest.raises(ConfigError, match=r"^train_indices: "):
            ModularTask(p=p, pairs=pairs, train_indices=indices)
    with pytest.raises(ConfigError, match=r"^train_indices: expected every pair once"):
        ModularTask(p=5, train_indices=(1, 2, 1))
    with pytest.raises(ConfigError, match=r"^train_indices: "):
        ModularTask(name="div", p=5, pairs="ordered", train_indices=(5,))


def test_fields_of_other_splits_are_left_out_of_a_config():
    assert to_dict(ModularTask()).keys() == {
        *("name", "p", "pairs", "pair_split", "frac_train", "split", "split_seed")
    }


def test_nothing_is_trained_on_an_unknown_split(tmp_path):
    task = {"name": "add", "p": P, "split_known": False}
    recipe = recipe_from_dict({"name": "x", "task": task, "model": {}, "arms": {"dense": {}}})
    assert "training pairs unknown" in recipe.task.describe()
    with pytest.raises(ConfigError, match=r"^task\.split_known: expected true"):
        Experiment(recipe, "", str(tmp_path))


# --- curves ------------------------------------------------------------------------------------------


def test_times_of_an_unknown_split_come_from_recorded_curves_alone(foreign, adopt, tmp_path, capsys):
    """A split drawn anew gave t_mem at another checkpoint, and a test loss of mostly training pairs."""
    states = states_of(foreign.arm("dense", 0))
    assert adopt({"w.pt": states}, "--set", "task.pairs=ordered") == 0
    assert "test_acc" not in capsys.readouterr().out
    run = tmp_path / "run"
    assert open_run(run)["dense", 0].t_mem is None
    done = run_analysis("grokking", run)
    assert done.code == 1 and "--metrics-file" in error_line(done.err)
    curves = foreign.arm("dense", 0).metrics()
    theirs = curves.rename(columns={"step": "epoch", "train_acc": "acc", "test_acc": "val_acc"})
    theirs.drop(columns=["l1", "l2"]).assign(lr=0.1).to_csv(tmp_path / "log.csv", index=False)
    renames = [w for name in ("epoch=step", "acc=train_acc", "val_acc=test_acc") for w in ("--rename", name)]
    more = ("--metrics-file", tmp_path / "log.csv", "--set", "task.pairs=ordered")
    assert adopt({"w.pt": states}, *more, "--force") == 1
    assert "got none for step, train_acc, test_acc; --rename OLD=NEW" in error_line(capsys.readouterr().err)
    assert adopt({"w.pt": states}, *more, *renames, "--force") == 0
    saved = open_run(run)["dense", 0].metrics
    assert list(saved) == list(curves) and saved[["l1", "l2"]].isna().all().all()
    pd.testing.assert_frame_equal(saved.drop(columns=["l1", "l2"]), curves.drop(columns=["l1", "l2"]))
    ours, trained = open_run(run)["dense", 0], open_run(foreign)["dense", 0]
    assert (ours.t_mem, ours.t_gen) == (trained.t_mem, trained.t_gen) and ours.t_mem is not None
    assert run_analysis("grokking", run).code == 0


def test_wrong_curves_and_options_are_one_line(foreign, adopt, tmp_path, capsys):
    curves = foreign.arm("dense", 0).metrics()
    curves.assign(train_acc=2.0).to_parquet(tmp_path / "a.parquet")
    curves.to_csv(tmp_path / "b.csv", index=False)
    (tmp_path / "c.csv").write_bytes(b"\xff\xfe")
    wrong = {
        ("--metrics-file", tmp_path / "a.parquet"): "train_acc: row 1: expected a share from 0 to 1",
        ("--metrics-file", tmp_path / "c.csv"): "c.csv: damaged",
        ("--metrics-file", tmp_path / "w.pt"): "expected a file of curves",
        ("--metrics-file", tmp_path / "none.csv"): "expected a file of curves",
        ("--metrics-file", tmp_path / "b.csv", "--metrics"): "--metrics: expected none together",
        ("--rename", "W_E"): "--rename: expected OLD=NEW",
        ("--rename", "W_X=W_E"): "--rename: expected a name of a weight",
        ("--rename", "W_in=W_E"): "--rename: expected new names that no other weight has",
        ("--metrics-file", tmp_path / "b.csv", "--rename", "l1=l2"): "columns of different names",
    }
    for more, message in wrong.items():
        assert adopt({"w.pt": drawn(EMBED)}, *more) in (1, 2)
        assert message in error_line(capsys.readouterr().err)
        assert not (tmp_path / "run").exists()


def test_weights_are_renamed(adopt, adopted):
    state = drawn(EMBED)
    theirs = {"emb": state["W_E"], "head": state["W_U"], **{name: state[name] for name in ("W_in", "W_out")}}
    assert adopt({"w.pt": theirs}, "--rename", "emb=W_E", "--rename", "head=W_U") == 0
    np.testing.assert_array_equal(adopted.checkpoints("W_E")["W_E"][0], state["W_E"])


# --- masks -------------------------------------------------------------------------------------------


def random_mask(shapes, share, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(shape, generator=generator) < share for name, shape in shapes.items()}


SIZES = {"W_E": (67, 100), "W_in": (100, 48), "W_out": (48, 100), "W_U": (100, 67)}


def test_zeros_are_the_mask_and_its_graph_is_a_random_one(adopt, adopted, tmp_path, capsys):
    """A mask by magnitude at sparsity .6 had W_E density 1 of this network, and |z| of 88 and more."""
    state, mask = drawn(SIZES), random_mask(SIZES, 0.1)
    # the embedding is the largest matrix by values: a global threshold keeps all of it
    state = {name: 10 * w if name == "W_E" else w for name, w in state.items()}
    pruned = {name: w * mask[name] for name, w in state.items()}
    assert adopt({"w.pt": pruned}, p=67) == 0
    assert "are kept, the others are exactly 0 at every step" in capsys.readouterr().err
    for name, is_kept in adopted.mask().items():
        np.testing.assert_array_equal(is_kept, mask[name].numpy())
    network = open_run(tmp_path / "run")["dense", 0]
    assert network.mask.density == pytest.approx(0.1, abs=0.005) and network.role == "variant"
    done = run_analysis("graph_props", tmp_path / "run", "--nulls", "20")
    assert done.code == 0, done.err
    table = pd.read_parquet(tmp_path / "run" / "analyses" / "graph_props.parquet")
    z = table.loc[table["where"].isin(["layered", "folded"]), ["density_z"]].stack()
    assert len(z) > 5 and z.abs().max() < 4, z


def test_a_dense_network_stays_dense_and_none_says_so(adopt, adopted, capsys):
    state = drawn(EMBED)
    assert adopt({"w.pt": state}) == 0
    assert adopted.mask() is None
    state["W_E"][0, 0] = 0
    assert adopt({"w.pt": state}, "--mask", "none", "--force") == 0
    assert adopted.mask() is None and "mask adopted" not in capsys.readouterr().err
    assert adopt({"w.pt": state}, "--mask", "zeros", "--force") == 0
    assert sum((~m).sum() for m in adopted.mask().values()) == 1


def test_zeros_of_some_checkpoints_are_no_mask(adopt, adopted, capsys):
    states = {step: drawn(EMBED, seed) for seed, step in enumerate((0, 10))}
    states[10]["W_in"][0, 1:] = 0
    for state in states.values():
        state["W_in"][0, 0] = 0
    assert adopt({"w.pt": states}) == 0
    assert "zeros: 2 weights are 0 at step 10 and not at every step" in capsys.readouterr().err
    assert np.argwhere(~adopted.mask()["W_in"]).tolist() == [[0, 0]]


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_a_mask_comes_from_a_file(suffix, adopt, adopted, tmp_path):
    state, mask = drawn(EMBED), random_mask({"W_E": (P, 4), "W_in": (4, 3)}, 0.5)
    content = {name: is_kept.to(torch.uint8) for name, is_kept in mask.items()}
    path = tmp_path / f"mask.{suffix}"
    if suffix == "pt":
        torch.save(content, path)
    else:
        save_file(content, path)
    assert adopt({"w.pt": state}, "--mask", path) == 0
    saved = adopted.mask()
    for name, w in adopted.checkpoints().items():
        expected = mask[name].numpy() if name in mask else np.ones(EMBED[name], bool)
        np.testing.assert_array_equal(saved[name], expected)
        np.testing.assert_array_equal(w[0], np.where(expected, state[name], 0))


def test_a_mask_of_other_names_or_shapes_is_one_line(adopt, tmp_path, capsys):
    for content in ({"W_X": torch.ones(2)}, {"W_E": torch.ones(2)}, {"W_E": torch.full((P, 4), 0.5)}):
        torch.save(content, tmp_path / "m.pt")
        assert adopt({"w.pt": drawn(EMBED)}, "--mask", tmp_path / "m.pt") == 1
        error_line(capsys.readouterr().err)
        assert not (tmp_path / "run").exists()
    assert adopt({"w.pt": drawn(EMBED)}, "--mask", tmp_path / "none.pt") == 1


def test_python_takes_arrays(tmp_path):
    state, mask = drawn(EMBED), random_mask(EMBED, 0.5)
    options = {"model": "embed_mlp", "p": P, "rename": {"emb": "W_E"}}
    theirs = {"emb" if name == "W_E" else name: w for name, w in state.items()}
    run = adopt_weights(
        theirs,
        tmp_path / "run",
        mask={name: m.numpy() for name, m in mask.items()},
        train_indices=np.array([[0, 1], [2, 1]]),
        **options,
    )
    assert run.recipe.task.train_indices == (1, 15) and run.recipe.task.pairs == "ordered"
    assert run["dense", 0].mask.density < 1 and run["dense", 0].metrics is not None
