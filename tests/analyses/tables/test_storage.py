import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from builders import run_analysis

from analyses.grokking.schema import ANALYSIS as GROKKING
from analyses.grokking.schema import OUTCOMES
from analyses.norms.schema import NORMS
from analyses.tables import origin as origins
from analyses.tables.inputs import Inputs, RunInputs
from analyses.tables.origin import METADATA_KEY, analysis_code, read_origin, staleness
from analyses.tables.schema import Analysis, Column, SchemaError, Table
from analyses.tables.storage import fit_to_schema, load_summary, load_table, save_table
from figures.__main__ import main as figures
from training.runs.atomic_files import RunError

SCHEMA = Table(
    analysis="norms",
    part="tiny",
    meaning="Losses.",
    key=("arm", "step"),
    columns=(
        Column("arm", str, "Arm."),
        Column("arm_role", str, "Role.", role_of="arm"),
        Column("step", int, "Step."),
        Column("loss", float, "Loss.", missing="no test set"),
        Column("t_gen", int, "Step of generalisation.", missing="it never came"),
        Column("holds", bool, "True if so."),
        Column("note", str, "Note.", optional="skipped networks"),
    ),
)


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "step": [0, 10],
            "arm": ["dense", "dense"],
            "t_gen": [None, 10],
            "loss": [np.float32(0.5), np.nan],
            "holds": [True, False],
        }
    )


def saved(tmp_path, rows, **origin):
    path = tmp_path / "run" / "analyses" / "norms_tiny.parquet"
    save_table(path, SCHEMA, rows, roles={"dense": "dense"}, **origin)
    return path


def test_a_loaded_table_has_the_columns_order_and_types_of_its_schema(tmp_path, rows):
    table = load_table(saved(tmp_path, rows), SCHEMA)
    assert list(table) == ["arm", "arm_role", "step", "loss", "t_gen", "holds"]
    assert table["arm_role"].tolist() == ["dense", "dense"]
    assert table["step"].dtype == "int64" and table["holds"].dtype == bool
    assert table["loss"].dtype.kind == table["t_gen"].dtype.kind == "f"
    assert table["t_gen"].tolist()[1] == 10 and np.isnan(table["t_gen"][0])


def test_an_empty_table_has_all_columns():
    empty = fit_to_schema(SCHEMA, pd.DataFrame())
    assert len(empty) == 0 and "loss" in empty and empty["step"].dtype == "int64"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="loss"), "columns of the schema are missing: loss"),
        (lambda t: t.assign(extra=1), "not in the schema: extra"),
        (lambda t: t.assign(step=[0.5, 1.0]), "column step: expected int, got 0.5"),
        (lambda t: t.assign(step=[0, None]), "column step: 1 of 2 values are missing"),
        (lambda t: t.assign(loss=["a", "b"]), "column loss: expected float, got 'a'"),
        (lambda t: t.assign(holds=[0, 1]), "column holds: expected bool"),
        (lambda t: t.assign(arm=[1, 2]), "column arm: expected str, got 1"),
        (
            lambda t: t.assign(step=[0, 0]),
            "expected one row per arm, step; several have arm = dense, step = 0",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_the_column_is_named(rows, change, message):
    with pytest.raises(SchemaError, match=message):
        fit_to_schema(SCHEMA, change(rows.assign(arm_role="dense")))


def test_the_origin_is_recorded(tmp_path, rows):
    inputs = Inputs(
        config="c",
        files={"dense seed 0": {"metrics.parquet": "m", "mask.safetensors": None}, "dense seed 1": {}},
        unfinished={"dense seed 2": "not finished"},
        left_out={"dense seed 1": "expected addition, got mul"},
    )
    origin = read_origin(saved(tmp_path, rows, inputs=inputs, arguments={"arms": ["dense"]}))
    assert (origin.table, origin.version, origin.schema) == ("norms_tiny", 1, SCHEMA.digest())
    assert origin.code == analysis_code("norms") and origin.inputs == inputs
    assert origin.format == 2 and inputs.networks == ["dense seed 0"]
    assert origin.arguments == {"arms": ["dense"]}


class Unchanged(RunInputs):
    """Run of which only the config `c` is what it was."""

    def __init__(self):
        pass

    def change(self, recorded):
        return None if recorded.config == "c" else "made with another config"


def test_a_table_is_stale_by_schema_code_inputs_arguments_and_format(tmp_path, rows, monkeypatch):
    now, inputs = Unchanged(), Inputs(config="c", files={}, unfinished={})
    path = saved(tmp_path, rows, inputs=inputs)
    assert staleness(path, SCHEMA, now) is None
    assert staleness(path, NORMS, now) == "made by another schema"
    with monkeypatch.context() as patched:
        patched.setattr(origins, "analysis_code", lambda analysis: "other")
        assert staleness(path, SCHEMA, now) == "made by other code"
    set_origin(path, format=1)
    assert staleness(path, SCHEMA, now) == "made by another schema"
    other = saved(tmp_path, rows, inputs=replace(inputs, config="d"))
    assert staleness(other, SCHEMA, now) == "made with another config"
    chosen = saved(tmp_path, rows, inputs=inputs, arguments={"steps": [0, 400]})
    assert staleness(chosen, SCHEMA, now) == "made with --steps 0 400"
    assert staleness(saved(tmp_path, rows), SCHEMA, now) == "made of no run"


def set_origin(path, **changes):
    """Change the recorded origin of a saved table."""
    table = pq.read_table(path)
    origin = json.loads(table.schema.metadata[METADATA_KEY]) | changes
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(origin).encode()}), path)


def refusal(path, schema=SCHEMA):
    with pytest.raises(RunError) as error:
        load_table(path, schema)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_unusable_table_is_one_line_with_the_command_that_remakes_the_table(tmp_path, rows):
    path = saved(tmp_path, rows)
    again = f"'python -m analyses.norms --run {tmp_path / 'run'}' makes it again"
    assert refusal(path, NORMS).endswith(again) and "expected the schema norms, version 1" in refusal(
        path, NORMS
    )
    set_origin(path, code="0")
    assert "made by other code than the installed one" in refusal(path) and refusal(path).endswith(again)
    rows.to_parquet(path)
    assert "got none" in refusal(path) and refusal(path).endswith(again)
    path.write_bytes(path.read_bytes()[:100])
    assert "damaged" in refusal(path)
    path.unlink()
    assert "missing" in refusal(path) and "python -m analyses.norms" in refusal(path)


def test_a_summary_is_stale_if_its_main_table_is(tmp_path, rows):
    main = replace(SCHEMA, part="")
    analysis = Analysis(name="norms", answers="?", takes="any", cost="1 s", tables=(main,))
    path = tmp_path / "run" / "analyses" / "norms.json"

    def refused():
        with pytest.raises(RunError) as error:
            load_summary(path, analysis)
        return str(error.value)

    command = f"'python -m analyses.norms --run {tmp_path / 'run'}' makes it"
    assert refused() == f"{path.with_suffix('.parquet')}: missing; {command}"
    save_table(path.with_suffix(".parquet"), main, rows, roles={"dense": "dense"})
    assert refused() == f"{path}: missing; {command}"
    path.write_text('{"arms": ["dense"]}')
    assert load_summary(path, analysis) == {"arms": ["dense"]}
    path.write_text("{")
    assert f"{path}: damaged" in refused()
    rows.to_parquet(path.with_suffix(".parquet"))
    assert refused().endswith(f"{command} again")


SETTINGS = {
    "optimizer.lr": {"dense": 0.01, "ticket": 1.0},
    "source_step": {"dense": None, "ticket": 2000},
    "task.p": {"dense": 7, "ticket": 11},
    "method": {"dense": "none", "ticket": "magnitude"},
    "train_weights": {"dense": None, "ticket": True},
    "holds": {"dense": False, "ticket": False},
}


def test_a_table_of_arms_carries_the_fields_in_which_they_differ(tmp_path, rows):
    many = rows.assign(arm=["ticket", "dense"])
    table = load_table(saved(tmp_path, many, settings=SETTINGS), SCHEMA)
    plain = load_table(saved(tmp_path, many), SCHEMA)
    pd.testing.assert_frame_equal(table[list(plain)], plain)  # "holds" is the table's own
    assert list(table)[len(plain.columns) :] == [name for name in SETTINGS if name != "holds"]
    assert table["optimizer.lr"].tolist() == [1.0, 0.01]
    assert table["source_step"].tolist()[0] == 2000 and np.isnan(table["source_step"][1])
    assert table["task.p"].tolist() == [11, 7] and table["task.p"].dtype == "int64"
    assert table["method"].tolist() == ["magnitude", "none"] and table["method"].dtype == "str"
    assert table["train_weights"].tolist() == [True, None]
    assert all(name in SCHEMA for name in table) and SCHEMA["optimizer.lr"].optional
    digest = replace(SCHEMA, columns=SCHEMA.columns).digest()
    assert read_origin(tmp_path / "run/analyses/norms_tiny.parquet").schema == digest


def test_a_setting_is_neither_made_by_an_analysis_nor_saved_in_a_table_without_arms(tmp_path, rows):
    with pytest.raises(SchemaError, match=r"not in the schema: optimizer\.lr"):
        saved(tmp_path, rows.assign(**{"optimizer.lr": 1.0}))
    layers = Table(
        analysis="norms", meaning="Sizes.", key=("layer",), columns=(Column("layer", str, "Layer."),)
    )
    save_table(tmp_path / "norms.parquet", layers, pd.DataFrame({"layer": ["W_E"]}), settings=SETTINGS)
    assert list(load_table(tmp_path / "norms.parquet", layers)) == ["layer"]
    assert "optimizer.lr" not in layers and "optimizer.lr" in SCHEMA and "other.lr" not in SCHEMA


def test_a_setting_of_a_big_table_costs_little(tmp_path, rows):
    big = pd.concat([rows[:1].assign(step=step) for step in range(2000)])
    sizes = []
    for settings in ({}, {"method": {"dense": "a long name of a method" * 10}}):
        sizes.append(saved(tmp_path, big, settings=settings).stat().st_size)
    assert sizes[1] - sizes[0] < 3000


def test_a_damaged_table_or_summary_is_refused_by_its_readers(tiny_copy):
    assert run_analysis("grokking", tiny_copy).code == 0
    table, summary = (tiny_copy / "analyses" / f"grokking.{suffix}" for suffix in ("parquet", "json"))
    assert len(load_table(table, OUTCOMES)) and load_summary(summary, GROKKING)
    before = summary.read_text()
    summary.write_text(before.replace("100", "101", 1))
    with pytest.raises(
        RunError, match=r"grokking.json: damaged: its SHA-256 .*--run .*/tiny' makes it again"
    ):
        load_summary(summary, GROKKING)
    summary.write_text(before)
    content = table.read_bytes()
    table.write_bytes(content.replace(b"dense", b"dens3", 1))
    with pytest.raises(
        RunError, match=r"grokking.parquet: damaged: its content .*--run .*/tiny' makes it again"
    ):
        load_table(table, OUTCOMES)
    assert figures(["grokking", "--run", str(tiny_copy)]) == 1
    assert run_analysis("grokking", tiny_copy).code == 0 and len(load_table(table, OUTCOMES))
