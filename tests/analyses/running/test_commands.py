"""Errors, exit codes, printed text and imports of every analysis."""

import importlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from builders import QUICK_ARGUMENTS, error_line, heavy_imports_of_help, run_analysis, skip_arm

from analyses.running.registry import ANALYSES
from training.runs.run_directory import RunDir

NAMES = [
    "fourier",
    "phases",
    "logits",
    "lottery",
    "progress",
    "ablation",
    "patching",
    "steering",
    "stitching",
    "grokking",
    "speed",
    "norms",
    "masks",
    "snapshots",
    "graph_props",
]


def refusal(code, name, path, *arguments):
    """Return the error line of an analysis that ends with an exit code."""
    printed = run_analysis(name, path, *arguments)
    assert printed.code == code
    return error_line(printed.err)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_usage_is_one_line_and_exit_code_2(name, tiny_run, tmp_path):
    assert "does not exist" in refusal(2, name, tmp_path / "none")
    assert "has no config.json" in refusal(2, name, tmp_path)
    error = refusal(2, name, tiny_run, "--arms", "ticket")
    assert "expected some of dense, grokked_ticket, random, got ticket" in error
    if name not in ("grokking", "speed"):
        assert "got 77" in refusal(2, name, tiny_run, "--steps", "0", "77")


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
    files.finish(files.done())  # with the hash of these


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
def test_damage_is_one_line_and_exit_code_1(damage, tiny_copy):
    damage(tiny_copy)
    assert DAMAGES[damage] in refusal(1, "masks", tiny_copy)


def test_a_run_whose_arms_all_diverged_says_so(tiny_copy):
    for arm in ("dense", "grokked_ticket", "random"):
        skip_arm(tiny_copy, arm, "diverged: a loss or norm is not finite")
    line = error_line(run_analysis("grokking", tiny_copy).err)
    assert "no arm is trained: not trained: diverged: a loss" in line and "goes on" not in line


@pytest.mark.parametrize("name", ["fourier", "phases", "lottery", "norms", "graph_props"])
def test_truncated_weights_are_refused(name, tiny_copy):
    truncate(tiny_copy)
    assert "damaged" in refusal(1, name, tiny_copy)


@pytest.mark.parametrize("name", ["grokking", "speed"])
def test_damaged_metrics_are_refused(name, tiny_copy):
    path = tiny_copy / "arms" / "dense" / "seed_0" / "metrics.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    assert "metrics.parquet: damaged" in refusal(1, name, tiny_copy)


def test_a_half_written_arm_is_left_out_and_named(tiny_copy):
    (tiny_copy / "arms" / "dense" / "seed_1" / "DONE").unlink()
    printed = run_analysis("phases", tiny_copy)
    assert printed.code == 0 and "dense seed 1: left out: not finished" in printed.err
    table = pd.read_parquet(tiny_copy / "analyses" / "phases.parquet")
    assert set(table.query("arm == 'dense'")["seed"]) == {0}


@pytest.fixture
def bare_weights(tiny_run, tmp_path):
    """Return weights without provenance, DONE and metrics, with a short config."""
    path = tmp_path / "bare"
    for arm in ("dense", "random"):
        folder = path / "arms" / arm / "seed_0"
        folder.mkdir(parents=True)
        for file in ("checkpoints.safetensors", "mask.safetensors"):
            source = tiny_run / "arms" / arm / "seed_0" / file
            if source.exists():
                shutil.copy(source, folder)
    config = {"task": {"p": 11}, "model": {"d_emb": 10, "d_mlp": 6}, "pruning": {"sparsity": 0.6}}
    (path / "config.json").write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(
    "name", ["fourier", "phases", "lottery", "norms", "masks", "snapshots", "graph_props"]
)
def test_weights_without_records_are_analysed(name, bare_weights):
    printed = run_analysis(name, bare_weights)
    assert printed.code == 0 and "error" not in printed.err
    table = pd.read_csv(bare_weights / "analyses" / f"{name}.csv")
    assert "dense" in set(table["arm"])


def test_without_metrics_only_results_of_metrics_are_missing(bare_weights):
    printed = run_analysis("masks", bare_weights)
    assert printed.code == 0 and "no verdict" in printed.out
    assert printed.err.count("dense seed 0: no metrics.parquet") == 1
    error = refusal(1, "grokking", bare_weights)
    assert "expected curves of training, got weights without metrics.parquet; adopt the weights" in error


def test_no_mask_is_invented_for_weights_without_one(bare_weights):
    config = json.loads((bare_weights / "config.json").read_text())
    del config["pruning"]
    (bare_weights / "config.json").write_text(json.dumps(config))
    for name in ("masks", "graph_props"):
        printed = run_analysis(name, bare_weights)
        assert printed.code == 0
        assert "dense seed 0: left out: expected a mask, or a sparsity at which to draw one" in printed.err
        table = {"masks": "masks_density"}.get(name, name)
        assert set(pd.read_parquet(bare_weights / "analyses" / f"{table}.parquet")["arm"]) == {"random"}
        summary = json.loads((bare_weights / "analyses" / f"{name}.json").read_text())
        (entry,) = summary["left_out"]
        assert (entry["arm"], entry["seed"], entry["columns"]) == ("dense", 0, "all")
        assert "--mask FILE or --set pruning.sparsity" in refusal(1, name, bare_weights, "--arms", "dense")
    printed = run_analysis("norms", bare_weights)
    assert "dense seed 0: kept_l1, kept_l2 left out: expected a mask" in printed.err and printed.code == 0
    norms = pd.read_csv(bare_weights / "analyses" / "norms.csv").groupby("arm")["kept_l2"].count()
    assert norms["dense"] == 0 < norms["random"]


def test_weights_with_metrics_have_times(bare_weights, tiny_run):
    for arm in ("dense", "random"):
        folder = bare_weights / "arms" / arm / "seed_0"
        shutil.copy(tiny_run / "arms" / arm / "seed_0" / "metrics.parquet", folder)
    assert run_analysis("grokking", bare_weights).code == 0
    table = pd.read_parquet(bare_weights / "analyses" / "grokking.parquet").set_index("arm")
    assert table.loc["dense", "t_gen"] == 6000 and np.isnan(table.loc["random", "t_gen"])
    assert run_analysis("speed", bare_weights).code == 0
    arms = pd.read_parquet(bare_weights / "analyses" / "speed_arms.parquet").set_index("arm")
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


def test_json_prints_the_saved_summary(tiny_run, tmp_path):
    printed = run_analysis("norms", tiny_run, "--out", str(tmp_path), "--json")
    assert printed.code == 0
    saved = json.loads((tmp_path / "analyses" / "norms.json").read_text())
    assert saved.pop("origin")["inputs"]["files"].keys() == {
        f"{arm} seed {seed}" for arm in ("dense", "grokked_ticket", "random") for seed in (0, 1)
    }
    assert json.loads(printed.out) == saved and saved["n_networks"] == 6 and saved["left_out"] == []


@pytest.mark.parametrize("name", ANALYSES)
def test_explain_needs_no_run_and_has_every_column(name, capsys):
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"analyses.{name}.command").main(["--explain"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for table in ANALYSES[name]:
        assert f"\n{table.name}.parquet" in text
        assert all(f"\n  {column.name} (" in text for column in table.columns)


def test_every_analysis_is_listed(capsys):
    from analyses.__main__ import main

    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(f"{name} ") for line in lines) for name in ANALYSES)
    assert main(["--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(ANALYSES)


def test_help_imports_nothing_heavy():
    commands = [f"analyses.{name}.command" for name in (*ANALYSES, "report")]
    assert heavy_imports_of_help(*commands, "figures.__main__", "analyses.__main__") == []


def test_no_analysis_imports_torch(tiny_run, tmp_path):
    code = f"""
import importlib, sys
for name in {NAMES!r}:
    more = {QUICK_ARGUMENTS!r}.get(name, [])
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
