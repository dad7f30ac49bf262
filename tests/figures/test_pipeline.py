"""The command that trains, measures and draws: on a tiny catalogue of tiny recipes, through real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import figures.catalogue
import training.recipe_files
from figures.__main__ import main
from figures.catalogue.entry import Entry
from figures.pipeline import costs, plan
from figures.pipeline.standing import Folder

ROOT = Path(__file__).parent.parent.parent

ENTRIES = (("accuracy", "grokking", "tiny", "grokking"), ("norm", "norms", "tiny", "norms"))
TINY = """
seeds = [0, 1]
[task]
p = 7
[model]
d_emb = 8
d_mlp = 6
[pruning]
require_generalised = false
[arms.dense]
min_steps = 0
max_steps = {steps}
[arms.random]
method = "random"
max_steps = 60
[quick]
max_steps = 20
"""
SHIM = """
import runpy, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import training.recipe_files
training.recipe_files.RECIPES = Path({recipes!r})
import figures.catalogue
from figures.catalogue.entry import Entry
figures.catalogue.ENTRIES.clear()
for name, script, *need in {entries!r}:
    entry = Entry(name=name, shows="", paper="a paper", script=script, needs=(tuple(need),))
    figures.catalogue.ENTRIES[name] = entry
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """Write recipes and a catalogue that this process and those that it starts take for the real ones."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()

    def write(entries=ENTRIES, **texts):
        for name, text in (texts or {"tiny": TINY.format(steps=60)}).items():
            (recipes / f"{name}.toml").write_text(text)
        shim = tmp_path / "shim.py"
        shim.write_text(SHIM.format(root=str(ROOT), recipes=str(recipes), entries=entries))
        built = {
            name: Entry(name=name, shows="", paper="a paper", script=script, needs=(tuple(need),))
            for name, script, *need in entries
        }
        monkeypatch.setattr(training.recipe_files, "RECIPES", recipes)
        monkeypatch.setattr(figures.pipeline.command, "ENTRIES", built)
        monkeypatch.setattr(plan, "PYTHON", (sys.executable, str(shim)))
        monkeypatch.chdir(tmp_path)
        return (sys.executable, str(shim), "figures")

    return write


def drawn(path):
    return sorted(file.name for file in Path(path).glob("figures/*.*") if file.suffix != ".json")


def done_tasks(capsys):
    """Names of the tasks that standard error tells the end of."""
    lines = capsys.readouterr().err.splitlines()
    return {line.partition(":")[0] for line in lines if line.endswith(")") and " of " in line}


ALL = {"training tiny", "grokking tiny", "norms tiny", "drawing accuracy", "drawing norm"}


def test_trains_measures_draws_and_then_has_nothing_to_do(catalogue, capsys):
    catalogue()
    assert main(["make"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == ["runs/figures/accuracy.png", "runs/figures/norm.png"]
    assert err.startswith("5 tasks on ")
    assert {line.partition(":")[0] for line in err.splitlines()[1:]} == ALL
    ends = (".csv", ".pdf", ".png", ".txt")
    assert drawn("runs") == [name + end for name in ("accuracy", "norm") for end in ends]
    assert json.loads(Path("runs/figures/costs.json").read_text()).keys() == ALL
    begun = time.monotonic()
    assert main(["make"]) == 0
    assert time.monotonic() - begun < 2
    assert capsys.readouterr().out == "nothing to do: 2 figures are in runs/figures\n"

    Path("runs/tiny/analyses/norms.parquet").unlink()
    assert main(["make"]) == 0
    assert done_tasks(capsys) == {"norms tiny", "drawing norm"}
    Path("runs/figures/norm.pdf").unlink()
    assert main(["make", "accuracy"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert main(["make", "norm"]) == 0
    assert done_tasks(capsys) == {"drawing norm"}
    Path("runs/tiny/arms/dense/seed_0/DONE").touch()
    assert main(["make", "accuracy"]) == 0
    assert done_tasks(capsys) == {"grokking tiny", "drawing accuracy"}
    Path("runs/tiny/arms/dense/seed_1/DONE").unlink()
    assert main(["make"]) == 0
    assert done_tasks(capsys) == ALL


def test_a_quick_version_has_a_folder_of_its_own_and_says_so(catalogue, capsys):
    catalogue()
    assert main(["make", "--quick", "accuracy"]) == 0
    assert capsys.readouterr().out == "runs/quick/figures/accuracy.png\n"
    assert [path.name for path in Path("runs").iterdir()] == ["quick"]
    note = "quick: seed 0, at most 20 steps"
    assert json.loads(Path("runs/quick/tiny/config.json").read_text())["note"] == note
    assert note in Path("runs/quick/figures/accuracy.txt").read_text()
    assert pd.read_parquet("runs/quick/tiny/analyses/grokking_curves.parquet")["step"].max() == 20
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["recipes"] == "tiny missing"


def test_another_note_is_drawn_and_changes_nothing_else(catalogue, capsys):
    run = catalogue()[:2]
    assert main(["make", "accuracy"]) == 0
    assert done_tasks(capsys) == ALL - {"norms tiny", "drawing norm"}
    assert "note" not in Path("runs/figures/accuracy.txt").read_text()
    before = Path("runs/tiny/arms/dense/seed_0/DONE").stat().st_mtime_ns
    subprocess.run([*run, "training", "tiny", "--set", "note=by me"], check=True, stdout=subprocess.DEVNULL)
    assert Path("runs/tiny/arms/dense/seed_0/DONE").stat().st_mtime_ns == before
    assert main(["make", "accuracy"]) == 0
    assert done_tasks(capsys) == {"drawing accuracy"}
    assert "note is: by me." in Path("runs/figures/accuracy.txt").read_text()


def test_what_fails_is_one_line_and_the_rest_goes_on(catalogue, capsys):
    entries = (("no_residues", "fourier", "bits", "fourier"), *ENTRIES)
    bits = '[task]\nname = "parity"\nn_bits = 6\nn_train = 20\n[model]\nname = "mlp"\n[arms.dense]\nmax_steps = 5\n'
    catalogue(entries, tiny=TINY.format(steps=60), bits=bits)
    Path("runs/bits/arms").mkdir(parents=True)
    (Path("runs/bits") / "notes.txt").write_text("not a run")
    assert main(["make"]) == 1
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert line.startswith("failed: training bits: runs/bits: holds files but no config.json")
    assert line.endswith("(log: runs/figures/logs/training_bits.log)")
    assert err.splitlines()[-1] == "left out: no_residues"
    assert out.split() == ["runs/figures/accuracy.png", "runs/figures/norm.png"]

    (Path("runs/bits") / "notes.txt").unlink()
    (Path("runs/bits") / "arms").rmdir()
    assert main(["make"]) == 1
    err = capsys.readouterr().err
    assert "failed: fourier bits: " in err and "expected a task over residues" in err
    assert "Traceback" not in err


def test_interrupted_and_killed_it_goes_on(catalogue, capsys):
    command = [*catalogue(tiny=TINY.format(steps=20_000)), "make", "accuracy"]
    state = Path("runs/tiny/arms/dense/seed_0")

    def begin():
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 60
        while not state.exists() and time.monotonic() < until and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)
        return process

    process = begin()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out == ""
    assert err.splitlines()[-1] == "error: interrupted: all is saved, the same command goes on"
    assert "Traceback" not in err + Path("runs/figures/logs/training_tiny.log").read_text()
    process = begin()
    process.kill()
    process.communicate()
    for name in ("tiny",):  # shorten what is left
        recipe = Path(f"recipes/{name}.toml")
        recipe.write_text(recipe.read_text())
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out == "runs/figures/accuracy.png\n"
    assert not list(Path("runs").rglob("state.pt"))


def test_the_list_tells_what_stands(catalogue, capsys):
    catalogue()

    def told():
        assert main(["list", "--json"]) == 0
        return [(row["recipes"], row["state"]) for row in json.loads(capsys.readouterr().out)]

    assert told() == [("tiny missing", "to train")] * 2
    assert main(["make", "accuracy"]) == 0
    capsys.readouterr()
    assert told() == [("tiny trained", "drawn"), ("tiny trained", "to measure")]
    Path("runs/figures/accuracy.txt").unlink()
    assert told()[0] == ("tiny trained", "to draw")
    Path("runs/tiny/arms/random/seed_1/DONE").unlink()
    assert told() == [("tiny part", "to train")] * 2
    recipe = Path("recipes/tiny.toml")
    recipe.write_text(recipe.read_text().replace("p = 7", "p = 11"))
    assert told() == [("tiny refused", "to train")] * 2
    assert main(["list"]) == 0
    out, err = capsys.readouterr()
    assert out.split()[:4] == ["figure", "paper", "recipes", "state"] and "minutes left in all" in err


def test_the_list_is_quick_and_light(tmp_path):
    code = f"""
import sys
from figures.__main__ import main
assert main(["list", "--runs", {str(tmp_path)!r}]) == 0
assert not {{"torch", "matplotlib", "pandas", "pyarrow", "interp.fourier"}} & set(sys.modules)
"""
    began = os.times()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)
    assert os.times().children_user - began.children_user < 1


def test_draw_draws_what_has_tables_and_names_what_has_none(catalogue, capsys):
    catalogue()
    assert main(["draw"]) == 0 and capsys.readouterr().out == ""
    assert main(["make", "accuracy"]) == 0
    before = Path("runs/figures/accuracy.png").read_bytes()
    Path("runs/figures/accuracy.png").unlink()
    capsys.readouterr()
    assert main(["draw"]) == 0
    assert capsys.readouterr().out.split()[0] == "runs/figures/accuracy.png"
    assert Path("runs/figures/accuracy.png").read_bytes() == before
    assert main(["draw", "norm"]) == 2
    assert "'python -m figures make norm --runs runs' makes it" in capsys.readouterr().err


def test_wrong_usage_is_one_line_and_2(catalogue, capsys):
    catalogue()
    Path("file").touch()
    for arguments, message in (
        (["make", "spectra"], "NAME: expected some of accuracy, norm, got spectra"),
        (["draw", "spectra"], "NAME: expected some of accuracy, norm, got spectra"),
        (["list", "--runs", "file"], "--runs: expected a folder, and file is a file"),
    ):
        assert main(arguments) == 2
        assert capsys.readouterr().err == f"error: {message}\n"


def test_costs_are_kept_and_expected(catalogue, tmp_path, monkeypatch, capsys):
    catalogue()
    monkeypatch.setattr(costs, "MEASURED", tmp_path / "costs.json")
    assert main(["make", "accuracy"]) == 0
    capsys.readouterr()
    assert main(["costs"]) == 0
    kept = json.loads(Path(capsys.readouterr().out.strip()).read_text())
    assert kept["quick"] == {} and kept["full"].keys() == ALL - {"norms tiny", "drawing norm"}
    start = json.loads(Path("runs/tiny/provenance.json").read_text())[0]
    assert kept["full"]["training tiny"] == pytest.approx(start["seconds"] * start["workers"], abs=0.1)
    full, quick = Folder(Path("runs"), quick=False), Folder(Path("runs"), quick=True)
    known = costs.expected(full)
    assert costs.cost(known, full, "drawing accuracy") == kept["full"]["drawing accuracy"]
    assert costs.cost(known, full, "training other") == costs.UNMEASURED["full"]["training"]
    assert costs.cost(costs.expected(quick), quick, "norms tiny") == costs.UNMEASURED["quick"][""]


def test_analyses_that_share_their_work_out_are_those_that_take_jobs():
    names = {name for name in plan.SHARED_OUT}
    files = (ROOT / "analyses").glob("*.py")
    assert names == {file.stem for file in files if '"--jobs"' in file.read_text()}
