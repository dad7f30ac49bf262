"""The pipeline command on tiny recipes, in real processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from analyses.tables.origin import METADATA_KEY
from figures.__main__ import main
from figures.catalogue.registry import FIGURES
from figures.drawing.figure_spec import FigureSpec
from figures.pipeline import cost_model as costs
from figures.pipeline import plan as planning
from figures.pipeline.freshness import Folder
from training.schema.plugins import load_plugins, unload_plugin

ROOT = Path(__file__).parents[3]

ACCURACY, NORM = ("accuracy", "grokking", "tiny"), ("norm", "norms", "tiny")
"""Name of a figure, name of the catalogue's figure that it copies, recipe."""
ALL = {"training tiny", "grokking tiny", "norms tiny", "drawing accuracy", "drawing norm"}
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
max_steps = 60
[arms.random]
method = "random"
max_steps = 60
[quick]
max_steps = 20
"""
PLUGIN = """
from dataclasses import replace
from pathlib import Path
from figures.catalogue.registry import FIGURES
from training.config.recipe_files import RECIPE_FOLDERS

RECIPE_FOLDERS["tiny"] = Path(__file__).with_name("recipes")
for name, figure, recipe in {figures!r}:
    FIGURES[name] = replace(FIGURES[figure], name=name, recipe=recipe, paper="a paper")
"""


class Workplace:
    """Folder of recipes, and a plug-in with figures of them."""

    def __init__(self, path):
        self.path = path
        self.plugin = str(path / "tiny_figures.py")
        self.names = []
        (path / "recipes").mkdir()
        self.set_figures(ACCURACY, NORM)
        self.write_recipe("tiny", TINY)

    def set_figures(self, *figures):
        """Set the figures of the plug-in."""
        self.close()
        Path(self.plugin).write_text(PLUGIN.format(figures=figures))
        load_plugins([self.plugin])
        self.names = [name for name, _, _ in figures]

    def close(self):
        """Remove the plug-in from this process."""
        unload_plugin("tiny_figures")

    def write_recipe(self, name, text):
        """Write a recipe."""
        (self.path / "recipes" / f"{name}.toml").write_text(text)

    def make(self, *arguments):
        """Make all figures of the plug-in in this process, and return the exit code."""
        return main(["make", *self.names, *arguments])

    def start_making(self, *names):
        """Start a process that makes figures."""
        command = [sys.executable, "-m", "figures", "make", *names, "--plugin", self.plugin]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.path
        )

    def pending(self, name="", quick=False):
        """Return the names of pending tasks."""
        figures = [FIGURES[figure] for figure in self.names if name in figure]
        return set(planning.Plan(figures, Folder(Path("runs"), quick), 2).tasks)

    def listed(self, capsys):
        """Return (recipes, state) of each figure, as `list` prints."""
        assert main(["list", "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        return [(row["recipes"], row["state"]) for row in rows if row["figure"] in self.names]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Return a workplace without runs."""
    monkeypatch.chdir(tmp_path)
    workplace = Workplace(tmp_path)
    yield workplace
    workplace.close()


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Return the runs and the process of the first `make`."""
    workplace = Workplace(tmp_path_factory.mktemp("first"))
    workplace.close()
    process = workplace.start_making("accuracy", "norm")
    out, err = process.communicate()
    return workplace.path / "runs", subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def made(first, workplace):
    """Return a workplace with both figures made."""
    shutil.copytree(first[0], workplace.path / "runs")
    return workplace


def test_make_trains_measures_and_draws(first):
    runs, done = first
    assert done.returncode == 0
    assert done.stdout.split() == ["runs/figures/accuracy.png", "runs/figures/norm.png"]
    total, *lines = done.stderr.splitlines()
    assert total.startswith("5 tasks on ")
    assert {line.partition(":")[0] for line in lines} == ALL
    ends = (".csv", ".pdf", ".png", ".txt")
    files = {name + end for name in ("accuracy", "norm") for end in ends}
    assert {file.name for file in runs.glob("figures/*.*")} - {"costs.json"} == files
    assert json.loads((runs / "figures" / "costs.json").read_text()).keys() == ALL


def test_the_second_time_there_is_nothing_to_do(made, capsys):
    begun = time.process_time()
    assert made.make() == 0
    assert time.process_time() - begun < 1
    assert capsys.readouterr().out == "nothing to do: 2 figures are in runs/figures\n"


def test_missing_files_make_tasks_pending(made, capsys):
    assert made.pending() == set()
    Path("runs/figures/norm.pdf").unlink()
    assert made.pending() == {"drawing norm"} and made.pending("accuracy") == set()
    Path("runs/tiny/analyses/norms.parquet").unlink()
    assert made.pending() == {"norms tiny", "drawing norm"}
    assert made.make() == 0
    assert made.pending() == set()
    Path("runs/tiny/arms/dense/seed_1/DONE").unlink()
    assert made.pending() == ALL and made.pending("norm") == {"training tiny", "norms tiny", "drawing norm"}
    assert made.pending(quick=True) == ALL


def test_times_of_files_do_not_matter(made):
    for file in Path("runs").rglob("*"):
        os.utime(file, (1, 1))
    assert made.pending() == set()
    Path("runs/tiny/arms/dense/seed_0/DONE").touch()
    Path("runs/tiny/analyses/norms.parquet").touch()
    assert made.pending() == set()


def test_changed_weights_make_tables_and_pictures_stale(made):
    from training.runs.run_directory import RunDir

    arm = RunDir("runs/tiny").arm("random", 0)
    steps, weights = arm.steps(), arm.checkpoints()
    weights["W_E"] = weights["W_E"] * 2
    arm.write_checkpoints(steps, weights)
    assert made.pending() == {"norms tiny", "drawing norm"}  # the other reads no checkpoints


def test_after_a_zip_nothing_is_made_again(made):
    shutil.make_archive("packed", "zip", "runs")
    shutil.rmtree("runs")
    shutil.unpack_archive("packed.zip", "runs")
    assert made.pending() == set()
    shutil.copytree("runs", "copy")
    figures = [FIGURES[figure] for figure in made.names]
    assert set(planning.Plan(figures, Folder(Path("copy"), quick=False), 2).tasks) == set()


def test_without_checkpoints_tables_stay_current_and_curves_are_measured(made, capsys):
    for path in Path("runs/tiny/arms/dense").glob("*/checkpoints.safetensors"):
        path.unlink()
    assert made.pending() == set()
    Path("runs/tiny/analyses/grokking.json").unlink()
    assert made.make() == 0 and made.pending() == set()
    Path("runs/tiny/analyses/norms.json").unlink()
    assert made.make() == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("failed: "))
    assert "checkpoints.safetensors: missing; put back the file" in line


def test_a_seed_that_is_copied_into_the_run_makes_tables_stale(made):
    from training.__main__ import main as train

    assert train(["tiny", "--set", "name=more", "--seeds", "2"]) == 0
    for arm in ("dense", "random"):
        shutil.copytree(f"runs/more/arms/{arm}/seed_2", f"runs/tiny/arms/{arm}/seed_2")
    assert made.pending() == ALL - {"training tiny"}


def test_tables_of_other_code_are_stale_and_refused(made, capsys):
    rewrite_origin(Path("runs/tiny/analyses/norms.parquet"), code="0")
    assert made.pending() == {"norms tiny", "drawing norm"}
    assert main(["draw", "norm"]) == 1
    error = capsys.readouterr().err
    assert "norms.parquet: made by other code" in error and error.count("\n") == 1
    assert "'python -m analyses.norms --run runs/tiny' makes it again" in error


def test_tables_of_another_schema_are_stale_and_refused(made, capsys):
    rewrite_origin(Path("runs/tiny/analyses/norms.parquet"), schema="0", version=0)
    assert made.pending() == {"norms tiny", "drawing norm"}
    assert main(["draw", "norm"]) == 1
    assert "expected the schema norms, version 1, got norms, version 0" in capsys.readouterr().err


def test_tables_of_some_arms_leave_the_full_ones(made):
    from analyses.norms.command import main as norms

    assert norms(["--run", "runs/tiny", "--arms", "dense", "--no-plot"]) == 0
    assert made.pending() == set()


def rewrite_origin(path, **changes):
    """Change the recorded origin of a saved table."""
    table = pq.read_table(path)
    metadata = table.schema.metadata
    origin = json.loads(metadata[METADATA_KEY]) | changes
    changed = {**metadata, METADATA_KEY: json.dumps(origin).encode()}
    pq.write_table(table.replace_schema_metadata(changed), path)


def test_a_quick_version_has_a_separate_folder_and_a_note(workplace, capsys):
    assert main(["make", "--quick", "accuracy"]) == 0
    assert capsys.readouterr().out == "runs/quick/figures/accuracy.png\n"
    assert [path.name for path in Path("runs").iterdir()] == ["quick"]
    note = "quick: seed 0, at most 20 steps"
    assert json.loads(Path("runs/quick/tiny/config.json").read_text())["note"] == note
    assert f"whose note is: {note}." in Path("runs/quick/figures/accuracy.txt").read_text()
    assert pd.read_parquet("runs/quick/tiny/analyses/grokking_curves.parquet")["step"].max() == 20
    assert workplace.pending(quick=True) == {"norms tiny", "drawing norm"} and workplace.pending() == ALL


def test_a_changed_note_only_makes_pictures_stale(made):
    from training.__main__ import main as train

    assert "note" not in Path("runs/figures/accuracy.txt").read_text()
    before = Path("runs/tiny/provenance.json").read_text()
    assert train(["tiny", "--set", "note=by me"]) == 0
    assert Path("runs/tiny/provenance.json").read_text() == before
    assert made.pending() == {"drawing accuracy", "drawing norm"}
    assert main(["draw", "accuracy"]) == 0
    assert "whose note is: by me." in Path("runs/figures/accuracy.txt").read_text()
    assert made.pending() == {"drawing norm"}


def test_different_notes_of_several_runs_name_their_runs(tmp_path):
    from training.runs.run_directory import RunDir

    for recipe, note in (("a", "quick"), ("b", ""), ("c", "quick"), ("d", "mine")):
        RunDir(tmp_path / recipe).write_config({"note": note} if note else {})
    folder = Folder(tmp_path, quick=False)
    table = FIGURES["norms"].tables[0]

    def note(recipes):
        tables = tuple((recipe, table) for recipe in recipes)
        return folder.note(FigureSpec(name="x", shows="", draws="s", tables=tables))

    assert note("ac") == "quick" and note("b") == "" and note("x") == ""
    assert note("abcd") == "a, c: quick; d: mine"


def test_a_failed_task_is_one_line_and_other_tasks_continue(made, capsys):
    bits = "[task]\nname = 'parity'\nn_bits = 6\nn_train = 20\nn_test = 20\n[model]\nname = 'mlp'\n"
    made.write_recipe("bits", f"{bits}[arms.dense]\nmax_steps = 5\n")
    made.write_recipe("barred", TINY)
    made.set_figures(("waves", "fourier", "bits"), ("b", "norms", "barred"), ACCURACY)
    Path("runs/barred").mkdir()
    Path("runs/barred/notes.txt").touch()
    Path("runs/figures/accuracy.pdf").unlink()
    assert made.make() == 1
    out, err = capsys.readouterr()
    training, fourier = sorted(line for line in err.splitlines() if line.startswith("failed: "))[::-1]
    assert training.startswith("failed: training barred: runs/barred: holds files but no config.json")
    assert fourier.startswith("failed: fourier bits: runs/bits") and "a task over residues" in fourier
    assert err.splitlines()[-1] == "left out: waves, b" and "Traceback" not in err
    assert out.split() == ["runs/figures/accuracy.png"]


def test_after_an_interrupt_or_a_kill_make_resumes(workplace):
    long = TINY.replace("max_steps = 60", "max_steps = 6_000").replace("min_steps = 0", "min_steps = 6_000")
    workplace.write_recipe("tiny", long.replace("seeds = [0, 1]", "seeds = [0]"))
    begun = Path("runs/tiny/arms/dense/seed_0")

    process = workplace.start_making("accuracy")
    until = time.monotonic() + 60
    while not begun.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out == ""
    assert err.splitlines()[-1] == "error: interrupted: all is saved; run the command again to resume"
    assert "Traceback" not in err
    assert workplace.pending("accuracy") == ALL - {"norms tiny", "drawing norm"}
    process = workplace.start_making("accuracy")
    time.sleep(3)
    process.kill()
    process.communicate()
    out, err = workplace.start_making("accuracy").communicate(timeout=120)
    assert out == "runs/figures/accuracy.png\n", err
    assert workplace.pending("accuracy") == set()


def test_the_list_shows_the_state_of_every_figure(made, capsys):
    assert made.listed(capsys) == [("tiny trained", "drawn")] * 2
    Path("runs/figures/accuracy.txt").unlink()
    Path("runs/tiny/analyses/norms.json").unlink()
    assert made.listed(capsys) == [("tiny trained", "to draw"), ("tiny trained", "to measure")]
    Path("runs/tiny/arms/random/seed_1/DONE").unlink()
    assert made.listed(capsys) == [("tiny part", "to train")] * 2
    made.write_recipe("tiny", TINY.replace("p = 7", "p = 11"))
    assert made.listed(capsys) == [("tiny refused", "to train")] * 2
    shutil.rmtree("runs")
    assert made.listed(capsys) == [("tiny missing", "to train")] * 2
    assert main(["list"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[:4] == ["figure", "paper", "recipes", "state"]
    assert "left in all" in out and not err


def test_the_list_imports_nothing_heavy(tmp_path):
    code = f"""
import sys
from figures.__main__ import main
assert main(["list", "--runs", {str(tmp_path)!r}]) == 0
assert not {{"torch", "matplotlib", "pandas", "pyarrow", "scipy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)


def test_draw_draws_figures_with_tables_and_refuses_others(made, capsys):
    before = Path("runs/figures/accuracy.png").read_bytes()
    Path("runs/figures/accuracy.png").unlink()
    Path("runs/tiny/analyses/norms.parquet").unlink()
    assert main(["draw"]) == 0
    assert [Path(name).name for name in capsys.readouterr().out.split()] == [
        f"accuracy{end}" for end in (".png", ".pdf", ".csv", ".txt")
    ]
    assert Path("runs/figures/accuracy.png").read_bytes() == before
    assert main(["draw", "norm"]) == 2
    assert "'python -m figures make norm --runs runs' makes it" in capsys.readouterr().err


def test_wrong_usage_is_one_line_and_exit_code_2(workplace, capsys):
    Path("file").touch()
    for arguments, message in (
        (["make", "spectra"], r"NAME: expected some of accuracy, .*norm, .*, got spectra"),
        (["draw", "spectra"], r"NAME: expected some of accuracy, .*norm, .*, got spectra"),
        (["list", "--runs", "file"], "--runs: expected a folder, and file is a file"),
    ):
        assert main(arguments) == 2
        assert re.fullmatch(f"error: {message}\n", capsys.readouterr().err)


def test_measured_costs_are_saved_and_used_as_estimates(made, monkeypatch, capsys):
    monkeypatch.setattr(costs, "MEASURED", made.path / "costs.json")
    monkeypatch.setattr(costs, "TRAININGS", made.path / "training_costs.json")
    assert main(["costs"]) == 0
    saved = json.loads(Path(capsys.readouterr().out.strip()).read_text())
    assert saved["quick"] == {} and saved["full"].keys() == ALL - {"training tiny"}
    trainings = json.loads((made.path / "training_costs.json").read_text())["full"]
    start = json.loads(Path("runs/tiny/provenance.json").read_text())[0]
    assert trainings == pytest.approx({"tiny": start["core_seconds"]}, abs=0.1)
    full, quick = (Folder(Path("runs"), quick=version) for version in (False, True))
    expected = costs.expected_costs(full)
    assert costs.expected_cost(expected, full, "drawing accuracy") == saved["full"]["drawing accuracy"]
    assert costs.expected_cost(expected, full, "training tiny") == trainings["tiny"]
    assert costs.expected_cost(expected, full, "training other") == costs.GUESSES["full"]["training"]
    assert costs.expected_cost(costs.expected_costs(quick), quick, "norms tiny") == costs.GUESSES["quick"][""]


def test_jobs_are_passed_to_exactly_the_analyses_with_this_option():
    files = (ROOT / "analyses").glob("*/command.py")
    spreading = {file.parent.name for file in files if "add_spreading_options(p)" in file.read_text()}
    assert set(planning.PARALLEL) == spreading
