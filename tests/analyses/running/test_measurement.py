"""Analyses measured, read and listed from Python."""

import os
import pickle

import pandas as pd
import pytest
from builders import saved_tables

import analyses
from analyses.fourier.schema import ANALYSIS, NEURONS
from analyses.running.command import command_of
from analyses.running.measurement import measure, one_thread
from analyses.tables.inputs import RunInputs
from training.inspection.run import open_run
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError


def files_of(run):
    """Return time and size of all saved results of a run."""
    return {
        path: path.stat().st_mtime_ns for path in (run / "analyses").glob("*") if "inputs" not in path.name
    }


def test_a_measured_analysis_is_what_the_command_saves(tiny_copy, analysed):
    result = measure(tiny_copy, "fourier")
    assert analysed.analyse("fourier").code == 0
    for suffix in ("json", "csv"):
        saved, by_command = (path / "analyses" / f"fourier.{suffix}" for path in (tiny_copy, analysed.path))
        assert saved.read_bytes() == by_command.read_bytes()
    for table, rows in analysed.tables(*ANALYSIS).items():
        pd.testing.assert_frame_equal(result.tables[table], rows)
    assert not (tiny_copy / "figures").exists()
    assert result.summary == analysed.measured(ANALYSIS)["json"]


def test_what_is_current_is_read_and_what_is_not_is_measured_again(tiny_copy):
    first = measure(open_run(tiny_copy), "norms")
    before = files_of(tiny_copy)
    second = measure(str(tiny_copy), "norms")
    assert files_of(tiny_copy) == before
    pd.testing.assert_frame_equal(first.table, second.table)
    assert second.summary == first.summary and first.printed and not second.printed
    files = RunDir(tiny_copy).arm("dense", 0)
    weights = files.checkpoints()
    files.write_checkpoints(files.steps(), weights | {"W_E": 2 * weights["W_E"]})
    third = measure(RunDir(tiny_copy), "norms")
    assert third.table["l2"].max() > 1.5 * first.table["l2"].max() and files_of(tiny_copy) != before
    (tiny_copy / "analyses" / "norms.parquet").write_bytes(b"damaged")
    pd.testing.assert_frame_equal(measure(tiny_copy, "norms").table, third.table)


def test_other_arguments_are_measured_and_not_saved(tiny_copy):
    result = measure(tiny_copy, "norms", arms=["random"], steps=2000)
    assert set(result.table["arm"]) == {"random"} and set(result.table["step"]) == {2000}
    assert files_of(tiny_copy) == {}
    every = measure(tiny_copy, "masks", every=4000).table
    assert files_of(tiny_copy) == {} and len(every)
    at_default = measure(tiny_copy, "speed", at=[500, 1000, 2000])
    assert RunInputs(RunDir(tiny_copy)).digest() and (tiny_copy / "analyses" / "speed.parquet").exists()
    assert len(at_default.fixed_steps)


@pytest.mark.parametrize(
    ("analysis", "arguments", "message"),
    [
        ("peaks", {}, "analysis: expected one of flow"),
        ("fourier", {"speed": 3}, "analyses.fourier: options: expected none, got speed"),
        ("graph_props", {"null": 3}, "expected some of jobs, nulls, seed, got null"),
        ("graph_props", {"nulls": 1}, "--nulls: expected 0 or at least 2, got 1"),
        ("graph_props", {"nulls": "many"}, "--nulls: expected a whole number from 0, got 'many'"),
        ("lottery", {"simulate": True}, "expected some of growth, got simulate"),
        ("grokking", {"steps": [0]}, "steps: expected none, since it reads all steps, got [0]"),
        ("norms", {"arms": ["none"]}, "expected some of dense, grokked_ticket, random, got none"),
        ("norms", {"steps": [77]}, "expected steps with a checkpoint"),
    ],
)
def test_wrong_arguments_are_one_line(tiny_run, analysis, arguments, message):
    with pytest.raises(ConfigError) as error:
        measure(tiny_run, analysis, **arguments)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_tables_are_attributes(tiny_copy):
    result = measure(tiny_copy, "fourier")
    assert result.neurons is result.tables[NEURONS]
    assert {"table", "neurons", "summary"} <= set(dir(result))
    assert f"neurons: {len(result.neurons):,} rows" in repr(result)
    with pytest.raises(AttributeError, match=r"expected one of table, .*neurons.*, got 'neuron'"):
        result.neuron  # noqa: B018
    assert pickle.loads(pickle.dumps(result)).summary == result.summary


def test_a_saved_table_is_read_by_name(tiny_copy):
    with pytest.raises(RunError, match=r"'python -m analyses.norms --run .*' makes it"):
        analyses.load_table(tiny_copy, "norms_ends")
    result = measure(tiny_copy, "norms")
    pd.testing.assert_frame_equal(analyses.load_table(tiny_copy, "norms_ends"), result.ends)
    with pytest.raises(ConfigError, match=r"table: expected one of norms, norms_ends.*got 'norms_end'"):
        analyses.load_table(tiny_copy, "norms_end")


def test_analyses_and_claims_are_listed():
    listed = analyses.list_analyses()
    assert list(listed["name"]) == list(analyses.ANALYSES)
    assert "fourier_neurons" in listed.set_index("name").loc["fourier", "tables"]
    claims = analyses.list_claims()
    assert list(claims["id"]) == list(analyses.CLAIMS) and claims["analyses"].str.contains("speed").any()


def test_threads_are_as_before(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("name", analyses.ANALYSES)
def test_default_options_change_nothing(name):
    command = command_of(name)
    assert command.changed(command.parse(["--run", "runs/none"])) == {}
    assert command.analysis is analyses.ANALYSES[name]


def test_a_simulation_records_what_differs(tmp_path):
    arguments = ["--simulate", "--p", "7", "--neurons", "16", "--growth", "20"]
    assert command_of("lottery").main([*arguments, "--out", str(tmp_path), "--no-plot"]) == 0
    from analyses.lottery.schema import RULES
    from analyses.tables.storage import read_origin

    assert saved_tables(tmp_path, [RULES])[RULES] is not None
    origin = read_origin(tmp_path / "analyses" / "lottery.parquet")
    assert origin.arguments == {"simulate": True, "p": 7, "neurons": 16}
