"""What all analyses have in common: errors in one line, exit codes, weights from elsewhere, quick help."""

import importlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from analyses.running.registry import ANALYSES
from training.runs.run_directory import RunDir

NAMES = [
    "fourier",
    "phases",
    "logits",
    "lottery",
    "progress",
    "grokking",
    "speed",
    "norms",
    "masks",
    "snapshots",
    "graph_props",
]
EXTRA = {"graph_props": ["--nulls", "0", "--jobs", "1"], "progress": ["--jobs", "1"]}


def run_analysis(name, path, *more):
    """Run an analysis quickly, without drawing; what it prints goes to the terminal."""
    main = importlib.import_module(f"analyses.{name}.command").main
    return main(["--run", str(path), "--no-plot", *EXTRA.get(name, []), *more])


def error_of(capsys):
    """The one line that was said."""
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, lines
    return errors[0]


@pytest.mark.parametrize("name", NAMES)
def test_wrong_usage_is_one_line_and_2(name, tiny_run, tmp_path, capsys):
    assert run_analysis(name, tmp_path / "none") == 2
    assert "does not exist" in error_of(capsys)
    assert run_analysis(name, tmp_path) == 2
    assert "has no config.json" in error_of(capsys)
    assert run_analysis(name, tiny_run, "--arms", "ticket") == 2
    assert "expected some of dense, grokked_ticket, random, got ticket" in error_of(capsys)
    if name not in ("grokking", "speed"):
        assert run_analysis(name, tiny_run, "--steps", "0", "77") == 2
        assert "got 77" in error_of(capsys)


def truncate(run):
    path = run / "arms" / "dense" / "seed_1" / "checkpoints.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def lose_mask(run):
    (run / "arms" / "random" / "seed_0" / "mask.safetensors").unlink()


def lose_checkpoints(run):
    (run / "arms" / "random" / "seed_0" / "checkpoints.safetensors").unlink()


def edit_config(run):
    config = json.loads((run / "config.json").read_text())
    config["optimizer"]["lr"] = 0.5
    (run / "config.json").write_text(json.dumps(config))


def break_config(run):
    (run / "config.json").write_text("{")


def never_finish(run):
    for done in run.glob("arms/*/*/DONE"):
        done.unlink()


def put_nan(run):
    files = RunDir(run).arm("dense", 0)
    weights = files.checkpoints()
    weights["W_E"][0, 0, 0] = np.nan
    files.write_checkpoints(files.steps(), weights)


DAMAGES = {
    truncate: "checkpoints.safetensors: damaged",
    lose_mask: "mask.safetensors: missing",
    lose_checkpoints: "checkpoints.safetensors: missing",
    edit_config: "optimizer.lr",
    break_config: "config.json: damaged",
    never_finish: "no arm is finished",
    put_nan: "W_E: has values that are not finite",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_one_line_and_1(damage, tiny_copy, capsys):
    damage(tiny_copy)
    assert run_analysis("masks", tiny_copy) == 1
    assert DAMAGES[damage] in error_of(capsys)


@pytest.mark.parametrize("name", ["fourier", "phases", "lottery", "norms", "graph_props"])
def test_truncated_weights_are_seen_by_all(name, tiny_copy, capsys):
    truncate(tiny_copy)
    assert run_analysis(name, tiny_copy) == 1
    assert "damaged" in error_of(capsys)


@pytest.mark.parametrize("name", ["grokking", "speed"])
def test_damaged_metrics(name, tiny_copy, capsys):
    path = tiny_copy / "arms" / "dense" / "seed_0" / "metrics.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    assert run_analysis(name, tiny_copy) == 1
    assert "metrics.parquet: damaged" in error_of(capsys)


def test_a_half_written_arm_is_left_out_and_named(tiny_copy, tmp_path, capsys):
    (tiny_copy / "arms" / "dense" / "seed_1" / "DONE").unlink()
    assert run_analysis("phases", tiny_copy) == 0
    assert "dense seed 1: left out: not finished" in capsys.readouterr().err
    table = pd.read_parquet(tiny_copy / "analyses" / "phases.parquet")
    assert set(table.query("arm == 'dense'")["seed"]) == {0}


@pytest.fixture
def elsewhere(tiny_run, tmp_path):
    """Weights from elsewhere: no provenance, no DONE, no metrics, a config of three numbers."""
    path = tmp_path / "elsewhere"
    for arm in ("dense", "random"):
        folder = path / "arms" / arm / "seed_0"
        folder.mkdir(parents=True)
        for file in ("checkpoints.safetensors", "mask.safetensors"):
            source = tiny_run / "arms" / arm / "seed_0" / file
            if source.exists():
                shutil.copy(source, folder)
    (path / "config.json").write_text(json.dumps({"task": {"p": 11}, "model": {"d_emb": 10, "d_mlp": 6}}))
    return path


@pytest.mark.parametrize(
    "name", ["fourier", "phases", "lottery", "norms", "masks", "snapshots", "graph_props"]
)
def test_weights_from_elsewhere(name, elsewhere, capsys):
    assert run_analysis(name, elsewhere) == 0
    assert "error" not in capsys.readouterr().err
    table = pd.read_csv(elsewhere / "analyses" / f"{name}.csv")
    assert "dense" in set(table["arm"])


def test_without_metrics_only_what_needs_them_is_missing(elsewhere, capsys):
    assert run_analysis("masks", elsewhere) == 0
    out, err = capsys.readouterr()
    assert err.count("dense seed 0: no metrics.parquet") == 1
    assert "no verdict" in out
    assert run_analysis("grokking", elsewhere) == 1
    assert "expected a network with a metrics.parquet, got none" in error_of(capsys)


def test_times_of_weights_from_elsewhere_with_metrics(elsewhere, tiny_run):
    for arm in ("dense", "random"):
        shutil.copy(
            tiny_run / "arms" / arm / "seed_0" / "metrics.parquet", elsewhere / "arms" / arm / "seed_0"
        )
    assert run_analysis("grokking", elsewhere) == 0
    table = pd.read_parquet(elsewhere / "analyses" / "grokking.parquet").set_index("arm")
    assert table.loc["dense", "t_gen"] == 6000 and np.isnan(table.loc["random", "t_gen"])
    assert run_analysis("speed", elsewhere) == 0
    arms = pd.read_parquet(elsewhere / "analyses" / "speed_arms.parquet").set_index("arm")
    assert arms["t_gen_median"].to_dict() == {"dense": 6000, "random": 2000}


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_is_json_and_the_text_is_for_people(name, analysed):
    printed = analysed.analyse(name)
    assert printed.code == 0, printed.err
    paragraphs = [paragraph.splitlines() for paragraph in printed.out.split("\n\n")]
    assert max(len(line) for lines in paragraphs for line in lines) <= 100
    assert all(lines[0][0].isupper() or lines[0][0] == "(" for lines in paragraphs), "a title is a sentence"

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    text = (analysed.path / "analyses" / f"{name}.json").read_text()
    assert json.loads(text, parse_constant=refuse)


def test_json_prints_the_saved_summary(tiny_run, tmp_path, capsys):
    assert run_analysis("norms", tiny_run, "--out", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(
        (tmp_path / "analyses" / "norms.json").read_text()
    )


@pytest.mark.parametrize("name", ANALYSES)
def test_explain_needs_no_run_and_has_every_column(name, capsys):
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"analyses.{name}.command").main(["--explain"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for table in ANALYSES[name]:
        assert f"\n{table.name}.parquet" in text
        assert all(f"\n  {column.name} (" in text for column in table.columns)


def test_the_list_of_analyses_has_each_with_what_it_takes(capsys):
    from analyses.__main__ import main

    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(f"{name} ") for line in lines) for name in ANALYSES)
    assert main(["--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(ANALYSES)


def test_help_imports_nothing_heavy():
    code = f"""
import importlib, sys
for name in {[f"analyses.{n}.command" for n in ANALYSES] + ["figures.__main__", "analyses.__main__"]!r}:
    try:
        importlib.import_module(name).main(["--help"])
    except SystemExit as stop:
        assert stop.code == 0
heavy = {{"torch", "numpy", "pandas", "scipy", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_no_analysis_imports_torch(tiny_run, tmp_path):
    code = f"""
import importlib, sys
for name in {NAMES!r}:
    more = {EXTRA!r}.get(name, [])
    main = importlib.import_module(f"analyses.{{name}}.command").main
    steps = [] if name in ("grokking", "speed") else ["--steps", "0", "2000"]
    arguments = ["--run", {str(tiny_run)!r}, "--out", {str(tmp_path)!r}, "--no-plot", "--arms", "random"]
    assert main([*arguments, *steps, *more]) == 0
assert "torch" not in sys.modules and "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_figure_is_drawn_by_default(tiny_run, tmp_path):
    main = importlib.import_module("analyses.grokking.command").main
    assert main(["--run", str(tiny_run), "--out", str(tmp_path)]) == 0
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".png", ".pdf", ".csv", ".txt"}
