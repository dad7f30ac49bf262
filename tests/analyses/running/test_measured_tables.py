import os
import shutil

import pandas as pd
import pytest
from builders import run_analysis, saved_tables
from threadpoolctl import threadpool_info

import analyses
from analyses import ANALYSES, list_analyses, list_claims, load_table, measure
from analyses.__main__ import main
from analyses.fourier.schema import ANALYSIS as FOURIER
from analyses.fourier.schema import MEANS, NEURONS
from analyses.grokking.schema import OUTCOMES
from analyses.running.measured_tables import attribute
from analyses.tables.schema import Analysis, Column, Table
from training import open_run
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError


def times(run):
    return {path: path.stat().st_mtime_ns for path in (run / "analyses").glob("fourier*")}


def test_tables_are_those_of_the_command_and_are_read_back(analysed, tiny_copy):
    fourier = measure(tiny_copy, "fourier")
    expected = analysed.measured(FOURIER)
    assert fourier.summary == expected["json"]
    for table in FOURIER:
        pd.testing.assert_frame_equal(getattr(fourier, attribute(table)), expected[table])
        pd.testing.assert_frame_equal(load_table(tiny_copy, table.name), expected[table])
    assert fourier.table is not fourier.neurons and len(fourier.neurons) == len(expected[NEURONS])
    saved = times(tiny_copy)
    again = measure(open_run(tiny_copy), "fourier", arms=None)
    assert times(tiny_copy) == saved
    pd.testing.assert_frame_equal(again.neurons, fourier.neurons)
    assert again.summary == fourier.summary


def test_tables_of_other_networks_are_measured_again(tiny_copy):
    before = measure(tiny_copy, "grokking")
    shutil.rmtree(tiny_copy / "arms" / "random" / "seed_1")
    assert len(measure(tiny_copy, "grokking").curves) < len(before.curves)


def test_with_arguments_nothing_is_saved(tiny_copy, tiny_run):
    chosen = measure(tiny_copy, "fourier", arms=["dense"], steps=[0, 8000])
    assert set(chosen.table["arm"]) == {"dense"} and set(chosen.table["step"]) == {0, 8000}
    assert list(chosen.neurons) == list(measured_columns(tiny_run, NEURONS))
    assert not times(tiny_copy)
    graph = measure(tiny_copy, "graph_props", nulls=2, jobs=1)
    assert len(graph.table) and not list((tiny_copy / "analyses").glob("graph_props*"))
    speed = measure(tiny_copy, "speed", at=[100, 200])
    assert set(speed.fixed_steps["step"]) == {100, 200}
    assert not list((tiny_copy / "analyses").glob("speed*"))


def measured_columns(run, table):
    return measure(run, table.analysis, arms=["dense"]).neurons.columns


def test_the_process_stays_as_it_was(tiny_copy):
    before = (dict(os.environ), [pool["num_threads"] for pool in threadpool_info()])
    measure(tiny_copy, "norms")
    assert (dict(os.environ), [pool["num_threads"] for pool in threadpool_info()]) == before


def test_tables_are_listed_and_completed(tiny_copy):
    fourier = measure(tiny_copy, "fourier")
    assert {"table", "neurons", "spectra", "summary"} <= set(dir(fourier))
    assert f"neurons: {len(fourier.neurons):,} rows" in repr(fourier)
    with pytest.raises(AttributeError, match=r"^expected one of the tables .*neurons.*, got 'neuron'$"):
        getattr(fourier, "neuron")  # noqa: B009
    names = {attribute(table) for analysis in ANALYSES.values() for table in analysis}
    assert not names & {"summary", "analysis", "tables"}
    for analysis in ANALYSES.values():
        assert len({attribute(table) for table in analysis}) == len(analysis.tables)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"analysis": "forier"}, "analysis: expected one of"),
        ({"analysis": "flow", "untl": 3}, "options: expected some of arms, seeds, until, got untl"),
        ({"analysis": "flow", "until": 0}, "until: expected a whole number from 1, got '0'"),
        ({"analysis": "flow", "steps": [0]}, "options: expected some of arms, seeds, until, got steps"),
        ({"analysis": "graph_props", "nulls": 1}, "nulls: expected 0 or at least 2, got 1"),
        ({"analysis": "fourier", "arms": ["dens"]}, "arms: expected some of dense"),
        ({"analysis": "fourier", "steps": [1]}, "steps: expected steps with a checkpoint"),
    ],
)
def test_a_wrong_argument_is_one_line(tiny_run, arguments, line):
    with pytest.raises(ConfigError) as error:
        measure(tiny_run, **arguments)
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_a_table_that_is_not_there_names_its_command(tiny_run, tiny_copy):
    with pytest.raises(ConfigError, match=r"^name: expected one of .*fourier_neurons"):
        load_table(tiny_run, "neurons")
    with pytest.raises(RunError, match=r"python -m analyses\.stages --run"):
        load_table(tiny_copy, "stages")


def test_analyses_and_claims_are_listed():
    assert list(list_analyses().index) == list(ANALYSES)
    assert list_analyses().loc["fourier", "answers"] == FOURIER.answers
    claims = list_claims()
    assert "modadd_ticket" in claims.loc["M1", "recipes"] and claims["statement"].str.len().gt(10).all()
    assert {"measure", "list_analyses"} <= set(dir(analyses))


PEAKS = Table(
    analysis="peaks",
    meaning="Highest weight of each network.",
    key=("arm", "seed"),
    columns=(
        Column("arm", str, "Arm."),
        Column("arm_role", str, "Role of the arm.", role_of="arm"),
        Column("seed", int, "Seed."),
        Column("peak", float, "Largest weight of the embedding."),
    ),
)


def measure_peaks(run, networks):
    rows = [{"arm": n.arm, "seed": n.seed, "peak": float(n.weights("W_E").max())} for n in networks]
    return analyses.Result({PEAKS: pd.DataFrame(rows)}, {"n": len(rows)}, [])


@pytest.fixture
def peaks():
    ANALYSES["peaks"] = Analysis(
        name="peaks", answers="?", takes="any", cost="0 s", tables=(PEAKS,), measure=measure_peaks
    )
    yield
    del ANALYSES["peaks"]


@pytest.mark.usefixtures("peaks")
def test_an_analysis_of_one_function_is_measured_saved_and_run_by_name(tiny_copy, capsys):
    table = measure(tiny_copy, "peaks").table
    assert len(table) == 6 and set(table["arm_role"]) == {"dense", "ticket", "control"}
    assert main(["peaks", "--run", str(tiny_copy), "--arms", "dense", "--no-plot", "--json"]) == 0
    assert '"n": 2' in capsys.readouterr().out
    assert len(load_table(tiny_copy, "peaks")) == 6  # that of one arm is saved beside
    chosen = tiny_copy / "with_arguments" / "arms_dense" / "analyses" / "peaks.parquet"
    assert len(pd.read_parquet(chosen)) == 2


def test_a_built_in_analysis_runs_by_name(tiny_copy, capsys):
    assert main(["grokking", "--run", str(tiny_copy), "--no-plot"]) == 0
    expected = run_analysis("grokking", tiny_copy)
    assert capsys.readouterr().out == expected.out
    assert OUTCOMES in saved_tables(tiny_copy, [OUTCOMES])
    assert main(["groking", "--run", str(tiny_copy)]) == 2
    assert capsys.readouterr().err.startswith("error: analysis: expected one of")
    assert MEANS.part == ""
