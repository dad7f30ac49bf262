import json
import shutil

import numpy as np
import pytest
from builders import changed_recipe, run_analysis, train_every_arm

from analyses.running.registry import ANALYSES
from analyses.tables.storage import load_summary, load_table
from training import adopt_weights, merge_runs
from training.__main__ import main
from training.config.build_recipe import recipe_from_dict
from training.execution.run_config import write_run_config
from training.inspection.run import open_run
from training.runs.run_directory import RunDir


def part_of(run, path, arms=("dense", "grokked_ticket", "random"), seeds=(0, 1), *, start):
    """Return a copy of a run with some of its networks."""
    copy = RunDir(shutil.copytree(run, path))
    recipe = open_run(copy).recipe
    for files in copy.arms():
        if files.arm not in arms or files.seed not in seeds:
            shutil.rmtree(files.path)
    content = json.loads((copy.path / "config.json").read_text())
    content["seeds"] = list(seeds)
    content["arms"] = {name: arm for name, arm in content["arms"].items() if name in arms}
    assert set(content["arms"]) <= set(recipe.arms)
    write_run_config(copy, recipe_from_dict(content))
    (copy.path / "provenance.json").unlink()
    copy.add_provenance({"id": start, "seconds": 3.0, "arms": [str(files) for files in copy.arms()]})
    return copy


def error_of(capsys, *arguments):
    """Return exit code and only error line of a command."""
    code = main([str(argument) for argument in arguments])
    (line,) = capsys.readouterr().err.splitlines()
    return code, line.removeprefix("error: ")


@pytest.fixture(scope="module")
def merged(tiny_run, tmp_path_factory):
    """Return the union of a run's two seeds, as two machines have trained them."""
    folder = tmp_path_factory.mktemp("merged")
    mine = part_of(tiny_run, folder / "mine", seeds=[0], start="a1")
    theirs = part_of(tiny_run, folder / "theirs", seeds=[1], start="b2")
    return merge_runs(mine, theirs, folder / "both")


@pytest.mark.parametrize("name", ["grokking", "speed", "phases", "masks", "norms"])
def test_after_a_merge_every_table_counts_the_same_networks(merged, name):
    assert run_analysis(name, merged.path).code == 0
    summary = load_summary(merged.path / "analyses" / f"{name}.json", ANALYSES[name])
    assert summary["n_networks"] == 6
    for table in ANALYSES[name]:
        rows = load_table(merged.path / "analyses" / f"{table.name}.parquet", table)
        if {"arm", "seed"} <= set(rows) and "dense" in set(rows["arm"]):
            assert set(rows.loc[rows["arm"] == "dense", "seed"]) == {0, 1}


def test_arms_seeds_and_provenance_of_both_are_kept(tiny_run, tmp_path, capsys):
    mine = part_of(tiny_run, tmp_path / "mine", ["dense", "grokked_ticket"], start="a1")
    theirs = part_of(tiny_run, tmp_path / "theirs", ["dense", "random"], [1], start="b2")
    before = {
        path: path.read_bytes() for run in (mine, theirs) for path in run.path.rglob("*") if path.is_file()
    }
    assert main(["merge", str(mine.path), str(theirs.path), "--to", str(tmp_path / "both")]) == 0
    assert "random: seeds 1" in capsys.readouterr().out
    merged = open_run(tmp_path / "both")
    assert [str(network.files) for network in merged] == [
        *("dense seed 0", "dense seed 1", "grokked_ticket seed 0", "grokked_ticket seed 1", "random seed 1"),
    ]
    assert merged.recipe.seeds == (0, 1) and merged.recipe.name == "both"
    starts = merged.files.provenance()
    assert [start["id"] for start in starts[:2]] == ["a1", "b2"] and merged.files.seconds() == 6
    assert starts[2]["merged"] == [
        {"run": "mine", "networks": [str(files) for files in mine.arms()]},
        {"run": "theirs", "networks": ["random seed 1"]},
    ]
    for network in merged:
        source = theirs if network.arm == "random" else mine
        for file in network.files.path.iterdir():
            if file.name != ".lock":
                assert file.samefile(source.arm(network.arm, network.seed).path / file.name)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert main(["verify", str(merged.path)]) == 0
    assert not (merged.path / "analyses").exists() and len(list(tmp_path.iterdir())) == 3


def test_a_network_of_both_with_other_bytes_is_refused_by_name(tiny_run, tmp_path, capsys):
    mine = part_of(tiny_run, tmp_path / "mine", start="a1")
    theirs = part_of(tiny_run, tmp_path / "theirs", start="b2")
    files = theirs.arm("random", 1)
    metrics = {name: values.to_numpy(copy=True) for name, values in files.metrics().items()}
    metrics["test_loss"][3] /= 2
    files.write_metrics(metrics)
    files.finish(files.done())
    code, line = error_of(capsys, "merge", mine.path, theirs.path, "--to", tmp_path / "both")
    network = "arms/random/seed_1"
    assert code == 1 and line.startswith(
        f"{mine.path / network} and {theirs.path / network}: expected equal bytes"
    )
    assert "metrics.parquet differ" in line and not (tmp_path / "both").exists()


def test_runs_of_unlike_recipes_are_refused_and_the_field_is_named(
    tiny_run, planted_recipe, tmp_path, capsys
):
    mine = part_of(tiny_run, tmp_path / "mine", start="a1")
    theirs = part_of(tiny_run, tmp_path / "theirs", ["dense"], start="b2")
    content = json.loads((theirs.path / "config.json").read_text())
    recipe = changed_recipe(content, "optimizer.lr=0.02")
    write_run_config(theirs, recipe)
    for files in theirs.arms():
        from training.config.arm_config import arm_record

        files.finish(files.done() | arm_record(recipe, files.arm, files.seed))
    code, line = error_of(capsys, "merge", mine.path, theirs.path, "--to", tmp_path / "both")
    assert code == 1 and "expected runs of like recipes, got arms.dense.optimizer.lr: 0.001 → 0.02" in line
    assert not (tmp_path / "both").exists()


def test_the_more_complete_of_two_equal_networks_is_taken(tiny_run, tmp_path):
    from training import export_run, import_run

    mine = part_of(tiny_run, tmp_path / "mine", start="a1")
    export_run(mine, tmp_path / "last.tar", "last")
    reduced = import_run(tmp_path / "last.tar", tmp_path / "runs")
    merged = merge_runs(reduced, mine, tmp_path / "both")
    assert all(len(network.steps) > 1 for network in merged)
    record = mine.arm("random", 0).done()
    (mine.path / "arms" / "random" / "seed_0" / "DONE").unlink()
    mine.arm("random", 0).write_state({"step": 100, "hash": record["hash"]})
    merged = merge_runs(mine, reduced, tmp_path / "finished")  # a finished one before a half-trained one
    assert merged["random", 0].steps.tolist() == [2000]


def test_what_cannot_be_merged_is_one_line(tiny_run, tmp_path, capsys):
    mine = part_of(tiny_run, tmp_path / "mine", start="a1")
    theirs = part_of(tiny_run, tmp_path / "theirs", seeds=[1], start="b2")
    merge = ["merge", mine.path, theirs.path, "--to"]
    assert error_of(capsys, *merge, mine.path)[0] == 2
    assert error_of(capsys, "merge", mine.path, tmp_path / "no", "--to", tmp_path / "x")[0] == 2
    path = theirs.path / "arms" / "random" / "seed_1" / "mask.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x02")
    code, line = error_of(capsys, *merge, tmp_path / "both")
    assert code == 1 and line.startswith(f"{path}: damaged")
    (theirs.path / "provenance.json").unlink()
    path.unlink()
    for files in theirs.arms():
        (files.path / "DONE").unlink()
    code, line = error_of(capsys, *merge, tmp_path / "both")
    assert code == 1 and not (tmp_path / "both").exists()


def test_adopted_weights_are_joined(tmp_path, capsys):
    rng = np.random.default_rng(0)
    shapes = {"W_E": (7, 5), "W_in": (5, 4), "W_out": (4, 5), "W_U": (5, 7)}
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    sizes = {"model": "embed_mlp", "p": 7, "steps": [100], "frac_train": 0.5}
    one = adopt_weights(weights, out=tmp_path / "one", seed=0, **sizes)
    other = adopt_weights(weights, out=tmp_path / "other", seed=1, **sizes)
    merged = merge_runs(one, other, tmp_path / "both")
    assert [str(network.files) for network in merged] == ["dense seed 0", "dense seed 1"]
    assert not merged.trained_here
    third = adopt_weights(weights, out=tmp_path / "third", seed=2, **(sizes | {"frac_train": 0.4}))
    capsys.readouterr()
    code, line = error_of(capsys, "merge", one.path, third.path, "--to", tmp_path / "x")
    assert code == 1 and "expected weights of one config, got task.frac_train: 0.5 → 0.4" in line


def test_a_merged_run_goes_on(tmp_path, trained_run):
    content = {
        "name": "small",
        "seeds": [0],
        "task": {"name": "add", "p": 7},
        "model": {"d_emb": 4, "d_mlp": 3},
        "arms": {"dense": {"max_steps": 20}},
    }
    one, other = trained_run(content), trained_run(content | {"seeds": [1]})
    merged = merge_runs(one, other, tmp_path / "both")
    assert [network.seed for network in merged] == [0, 1]
    assert train_every_arm(merged.recipe, merged.files) == []
