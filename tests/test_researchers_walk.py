"""A researcher's walk: task, method, measure and figure from one file.

The file is CONTRIBUTING.md's examples; every command is a process of its own.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from interp import amplitude_phase
from training.__main__ import main as train
from training.runs.run_directory import RunDir
from training.schema.plugins import load_plugins, loaded_plugins, unload_plugin

ROOT = Path(__file__).parent.parent
RECIPE = """
plugins = ["mine.py"]
seeds = [0, 1]
[task]
p = 7
[model]
d_emb = 8
d_mlp = 6
[measure]
checkpoints = [{every = 10}]
[pruning]
require_generalised = false
[arms.dense]
max_steps = 40
[arms.smallest]
method = "smallest"
source = "dense"
max_steps = 40
[arms.maximum]
task = { name = "max" }
max_steps = 40
[arms.negated]
method = "magnitude"
source = "dense"
start = "negated"
max_steps = 40
[arms.tanh]
model = { name = "tanh_mlp", d_mlp = 6 }
optimizer = { name = "sign", lr = 0.01 }
max_steps = 40
"""
GRID = '[grid]\n"optimizer.lr" = [0.01, 0.001]\n"optimizer.weight_decay" = [0.1, 1.0]\n'


def run_command(folder, *arguments):
    """Return the finished process of `python -m …` in a folder."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def printed(folder, *arguments):
    """Return what a command printed; it has to succeed without a traceback."""
    done = run_command(folder, *arguments)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the researcher's file, her recipes, and a trained run."""
    path = tmp_path_factory.mktemp("researcher")
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.S | re.M)
    (path / "mine.py").write_text("\n\n".join(blocks))
    (path / "my_recipe.toml").write_text(RECIPE)
    arms = RECIPE[: RECIPE.index("[arms.maximum]")]
    (path / "my_sweep.toml").write_text(arms.replace("seeds = [0, 1]", "seeds = [0]") + GRID)
    printed(path, "training", "my_recipe.toml")
    return path


@pytest.fixture
def copy(folder, tmp_path, monkeypatch):
    """Return a copy of the folder, as this process' current folder."""
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    before = set(loaded_plugins())
    yield tmp_path / "copy"
    for reference in set(loaded_plugins()) - before:
        unload_plugin(Path(reference).stem)


def test_workers_train_the_task_and_the_method_of_the_file(folder):
    run = RunDir.open(folder / "runs" / "my_recipe")
    assert run.config()["plugins"] == run.provenance()[0]["plugins"] == [str(folder / "mine.py")]
    final, mask = run.arm("dense", 1).checkpoints(), run.arm("smallest", 1).mask()
    remaining = np.concatenate([np.abs(final[name][-1][mask[name]]) for name in final])
    pruned = np.concatenate([np.abs(final[name][-1][~mask[name]]) for name in final])
    assert remaining.max() <= pruned.min()
    code = {files.arm: files.done()["code"] for files in run.arms()}
    assert len(set(code.values())) == 5


def test_workers_train_the_model_the_optimizer_and_the_start_of_the_file(folder):
    run = RunDir.open(folder / "runs" / "my_recipe")
    dense, negated = run.arm("dense", 0).checkpoints(), run.arm("negated", 0)
    for name, is_kept in negated.mask().items():
        assert (negated.checkpoints()[name][0][is_kept] == -dense[name][0][is_kept]).all()
    tanh = run.arm("tanh", 0)
    assert run.arm("tanh", 0).steps()[:2].tolist() == [0, 10]
    first, second = tanh.checkpoints("W_E")["W_E"][:2]
    steps = np.abs(second - first * (1 - 0.01) ** 10) / 0.01  # ten steps of size lr, in units of lr
    assert (steps < 10.01).all() and steps.max() > 9


def test_the_measure_and_the_figure_of_the_file_are_made(folder):
    text = printed(folder, "analyses", "peaks", "--run", "runs/my_recipe", "--plugin", "./mine.py")
    assert text.startswith("Peak of the neurons' spectra at the end.\narm")
    run = folder / "runs" / "my_recipe"
    table = pd.read_parquet(run / "analyses" / "peaks.parquet")
    assert (
        set(table["arm"]) == {"dense", "smallest", "maximum", "negated", "tanh"}
        and (table["peak"] >= 1).all()
    )
    drawn = pd.read_csv(run / "figures" / "peaks.csv")
    assert drawn["y"].max() == pytest.approx(table["peak"].max()) and (run / "figures" / "peaks.png").exists()
    # A command that is told of no plug-in reads the run all the same: its config names the file.
    assert "smallest" in printed(folder, "analyses.grokking", "--run", "runs/my_recipe", "--no-plot")


def test_everything_of_the_file_is_listed(folder):
    for section, name in (("tasks", "max"), ("optimizers", "sign")):
        lines = printed(folder, "training", "list", section, "--plugin", "./mine.py").splitlines()
        assert any(line.startswith(f"{name} ") for line in lines)
    assert "How far does one frequency stand out?" in printed(folder, "analyses", "--plugin", "./mine.py")


def test_a_sweep_of_the_method_and_a_comparison_are_tables_and_pictures(folder):
    printed(folder, "training", "my_sweep.toml")
    text = printed(folder, "analyses.sweep", "--run", "runs/my_sweep")
    assert "weight decay" in text
    run = folder / "runs" / "my_sweep"
    cells = pd.read_parquet(run / "analyses" / "sweep.parquet")
    assert set(cells["optimizer.lr"]) == {0.01, 0.001} and set(cells["optimizer.weight_decay"]) == {0.1, 1.0}
    assert (run / "figures" / "sweep.png").exists()
    text = printed(
        folder, "analyses.compare", "--runs", "runs/my_recipe", "runs/my_sweep", "--out", "runs/compared"
    )
    assert "my_recipe" in text and "my_sweep" in text
    assert (folder / "runs" / "compared" / "figures" / "compare.png").exists()


def test_without_the_file_arms_that_do_not_need_it_stay_readable(copy, capsys):
    config = json.loads((copy / "runs/my_recipe/config.json").read_text())
    config["plugins"] = [str(copy / "gone" / "mine.py")]
    (copy / "runs/my_recipe/config.json").write_text(json.dumps(config))
    from analyses.grokking.command import main as grokking

    assert grokking(["--run", "runs/my_recipe", "--no-plot"]) == 0
    out, err = capsys.readouterr()
    measured, _, left_out = out.partition("Networks that are left out of these tables.")
    assert "dense" in measured and "maximum" not in measured and "maximum  " in left_out
    assert "2 of 10 networks are in these tables." in left_out
    assert "plug-in mine: expected a Python file (.py)" in err and "Traceback" not in err
    assert "smallest: left out: needs pruning method 'smallest'" in err
    assert "negated: left out: needs start 'negated'" in err
    assert "tanh: left out: needs model 'tanh_mlp'" in err
    assert "maximum: left out: needs task 'max'" in err
    assert grokking(["--run", "runs/my_recipe", "--no-plot", "--arms", "maximum"]) == 2
    assert grokking(["--run", "runs/my_recipe", "--no-plot", "--plugin", "./mine.py"]) == 0
    out, err = capsys.readouterr()
    assert "maximum" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plugin", "no_such_module"], "plug-in no_such_module: no module of this name"),
        (["--plugin", "./broken.py"], "plug-in broken: ZeroDivisionError: division by zero"),
        (["--set", "arms.smallest.method=largest"], "arms.smallest.method: expected none or one of"),
        (["--set", 'plugins=["broken.py"]'], "plug-in broken: ZeroDivisionError"),
    ],
)
def test_a_plugin_that_is_not_there_or_fails_is_one_line(copy, capsys, arguments, message):
    (copy / "broken.py").write_text("1 / 0\n")
    assert train(["my_recipe.toml", "--dry-run", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}") and error.count("\n") == 1


def test_a_second_start_says_which_arms_other_code_has_trained(copy, capsys):
    text = (copy / "mine.py").read_text()
    (copy / "mine.py").write_text(
        text.replace("-abs(w)", "-(w * w)").replace("peak amplitude / mean", "peak")
    )
    assert train(["my_recipe.toml"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "other code" in line]
    run = RunDir.open(copy / "runs" / "my_recipe")
    named = ", ".join(f"smallest seed {s} ({run.arm('smallest', s).done()['code'][:8]})" for s in (0, 1))
    (line,) = lines
    assert line.endswith(
        f"trained by other code than is here, and kept: {named}; --force trains the arms anew"
    )


def test_what_other_code_has_trained_is_not_taken_over(copy, capfd):
    text = (copy / "mine.py").read_text()
    (copy / "mine.py").write_text(text.replace("-abs(w)", "abs(w)"))
    second = ["my_recipe.toml", "--set", "name=second", "--seeds", "0"]
    assert train([*second, "--dry-run", "--json"]) == 0
    todo = {row["arm"]: row["todo"] for row in json.loads(capfd.readouterr().out)}
    assert todo["smallest"] == "replay, then take over" and todo["dense"] == "take over"
    assert train(second) == 0
    taken = {line.split()[0] for line in capfd.readouterr().err.splitlines() if ": taken from" in line}
    assert taken == {"dense", "maximum", "negated", "tanh"}


def test_two_plugins_of_one_name_and_a_name_given_twice_are_one_line(copy, capsys):
    (copy / "other").mkdir()
    shutil.copy("mine.py", "other/mine.py")
    load_plugins(["./mine.py"])
    assert train(["list", "--plugin", "./other/mine.py"]) == 2
    assert "plug-in mine: two of this name" in capsys.readouterr().err
    shutil.copy("mine.py", "yours.py")
    assert train(["list", "--plugin", "./yours.py"]) == 2
    error = capsys.readouterr().err
    assert "task 'max': registered twice, by mine and by yours; choose another name" in error


def test_the_measure_of_the_file_is_exact(copy):
    load_plugins(["./mine.py"])
    peak_to_mean = sys.modules["mine"].peak_to_mean
    pure, _ = amplitude_phase(np.cos(2 * np.pi * np.arange(7) / 7))
    assert peak_to_mean(pure) == pytest.approx(3)
