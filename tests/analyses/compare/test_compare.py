"""Comparisons of runs with planted times, and of unlike runs."""

import contextlib
import io
import shutil

import numpy as np
import pytest
from builders import Printed, begin_run, error_line, metrics_of

from analyses.compare.command import main
from analyses.compare.schema import COMPARE, NETWORKS
from analyses.tables.origin import read_origin
from analyses.tables.storage import load_table
from figures.compare import arms_of_runs
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.runs.run_directory import RunDir


def write_run(path, t_gen, **tables):
    """Write a run of one dense arm with planted times of its seeds."""
    content = {"name": path.name, "seeds": list(range(len(t_gen))), "task": {"p": 7}, "model": {"d_mlp": 3}}
    recipe = recipe_from_dict(content | {"arms": {"dense": {}}} | tables)
    run, step = begin_run(path, recipe), np.arange(0, 101, 10)
    for seed, at in enumerate(t_gen):
        files, shapes = run.arm("dense", seed), recipe.setting("dense").shapes()
        files.write_checkpoints(
            np.array([100]), {n: np.zeros((1, *s), np.float32) for n, s in shapes.items()}
        )
        files.write_metrics(metrics_of(step, np.where(step >= 10, 1.0, 0.1), np.where(step >= at, 0.99, 0.2)))
        files.finish(arm_record(recipe, "dense", seed) | {"steps": 100, "source": None})
    return path


def compare(*arguments):
    """Run the command in this process, without drawing."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([*map(str, arguments), "--no-plot"])
    return Printed(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return two runs that differ in the learning rate."""
    folder = tmp_path_factory.mktemp("runs")
    slow = write_run(folder / "slow", [60, 80, 1000], optimizer={"lr": 0.01})
    return slow, write_run(folder / "quick", [20, 30], optimizer={"lr": 0.1})


def loaded(out):
    return {t: load_table(out / "analyses" / f"{t.name}.parquet", t) for t in (COMPARE, NETWORKS)}


def test_arms_of_one_name_are_apart_by_run_with_the_fields_that_differ(runs):
    printed = compare("--runs", *runs)
    assert printed.code == 0, printed.err
    table = loaded(runs[0].parent / "compare")[COMPARE].set_index(["run", "arm"])
    slow, quick = table.loc["slow", "dense"], table.loc["quick", "dense"]
    assert (slow["t_gen_median"], slow["generalised"], slow["n"]) == (80, pytest.approx(2 / 3), 3)
    assert (quick["t_gen_median"], quick["generalised"], quick["arm_role"]) == (20, 1, "dense")
    assert table["optimizer.lr"].to_dict() == {("slow", "dense"): 0.01, ("quick", "dense"): 0.1}
    assert "task.p" not in table and "sparsity" not in table
    text = " ".join(printed.out.split())
    assert "slow: dense (80 steps); quick: dense (20 steps)" in text and "The tasks differ" not in text


def test_the_picture_has_a_point_per_network(runs, tmp_path, house_style):
    assert compare("--runs", *runs, "--out", tmp_path).code == 0
    drawn = arms_of_runs.draw(loaded(tmp_path)).table()
    points = drawn[drawn["panel"] == "t_gen ="].groupby("series")["x"].apply(sorted).to_dict()
    assert points == {"slow dense": [60, 80], "quick dense": [20, 30]}
    bounds = drawn[drawn["panel"] == "t_gen >"]
    assert bounds[["series", "x"]].to_numpy().tolist() == [["slow dense", 100]]
    assert drawn.loc[drawn["panel"] == "median t_gen", "x"].tolist() == [80, 20]


def test_tables_are_stale_once_any_run_changes(runs, tmp_path):
    copies = [shutil.copytree(run, tmp_path / run.name) for run in runs]
    inputs = []
    for _ in range(2):
        assert compare("--runs", *copies).code == 0
        inputs.append(read_origin(tmp_path / "compare" / "analyses" / "compare.parquet").inputs)
        one, other = (RunDir(copies[1]).arm("dense", seed) for seed in (0, 1))
        (one.path / "metrics.parquet").write_bytes((other.path / "metrics.parquet").read_bytes())
        one.finish(one.done())
    assert inputs[0].networks and inputs[0] != inputs[1]


def test_other_tasks_are_allowed_and_said(runs, tmp_path):
    other = write_run(tmp_path / "other", [50], task={"p": 11})
    printed = compare("--runs", runs[0], other, "--out", tmp_path)
    assert printed.code == 0 and "The tasks differ" in printed.out
    assert loaded(tmp_path)[COMPARE]["task.p"].tolist() == [7, 11]


def test_runs_that_do_not_fit_each_other_are_one_line(runs, tmp_path):
    stricter = write_run(tmp_path / "stricter", [50], measure={"threshold": 0.9})
    printed = compare("--runs", runs[0], stricter, "--out", tmp_path)
    assert printed.code == 2
    words = (
        "expected networks that are judged alike, got slow: accuracy from 0.95; stricter: accuracy from 0.9"
    )
    assert words in error_line(printed.err)
    for arguments, message in (
        ([runs[0]], "--runs: expected two different runs or more"),
        ([runs[0], runs[0]], "--runs: expected two different runs or more"),
        ([runs[0], tmp_path / "none"], "does not exist"),
        ([*runs, "--arms", "ticket"], "--arms: expected some of dense, got ticket"),
    ):
        printed = compare("--runs", *arguments)
        assert printed.code == 2 and message in error_line(printed.err)
    with pytest.raises(SystemExit) as stop:
        compare()
    assert stop.value.code == 2
