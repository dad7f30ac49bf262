"""Metrics and records with impossible content, in every analysis that reads them."""

import datetime
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from builders import error_line, run_analysis

ANALYSES = ("grokking", "norms", "speed", "masks", "mechanism", "fourier")
BLIND = ("fourier",)
"""Analyses that read no metrics."""
ARM = "dense"


def with_row(name, row, value):
    """Return a mutation of one value."""

    def mutate(table):
        table = table.astype({name: object if isinstance(value, str) else float})
        table.loc[row, name] = value
        return table

    return mutate


def with_column(name, make):
    """Return a mutation of a whole column."""
    return lambda table: table.assign(**{name: make(table)})


METRICS = {
    "step NaN": (with_row("step", 2, np.nan), "step: row 3: expected a whole number from 0, got nan"),
    "step infinite": (with_row("step", 2, np.inf), "step: row 3"),
    "step half": (with_row("step", 2, 200.5), "step: row 3"),
    "step negative": (with_row("step", 0, -100.0), "step: row 1: expected a whole number from 0, got -100"),
    "step huge": (with_row("step", -1, 2.0**70), "step: row"),
    "step twice": (with_row("step", 2, 50.0), "step: row 3: expected a larger number than in the row before"),
    "steps falling": (with_column("step", lambda t: t["step"].to_numpy()[::-1]), "step: row 2"),
    "steps dates": (
        with_column("step", lambda t: [datetime.datetime(2026, 1, 1)] * len(t)),
        "step: row 1: expected numbers",
    ),
    "steps text": (
        with_column("step", lambda t: t["step"].astype(str)),
        "step: row 1: expected numbers, got '0'",
    ),
    "steps lists": (with_column("step", lambda t: [[1]] * len(t)), "step: row 1: expected numbers"),
    "accuracies text": (
        with_column("test_acc", lambda t: ["high"] * len(t)),
        "test_acc: row 1: expected numbers",
    ),
    "accuracies true": (with_column("train_acc", lambda t: [True] * len(t)), "train_acc: row 1"),
    "accuracy 2": (with_row("test_acc", 3, 2.0), "test_acc: row 4: expected a share from 0 to 1, got 2"),
    "accuracy negative": (with_row("train_acc", 1, -0.5), "train_acc: row 2"),
    "accuracy infinite": (with_row("train_acc", 1, np.inf), "train_acc: row 2"),
    "accuracies NaN": (
        with_column("train_acc", lambda t: np.nan),
        "train_acc: expected a measurement, got none",
    ),
    "loss negative": (with_row("test_loss", 1, -3.0), "test_loss: row 2: expected a number from 0, got -3"),
    "no steps": (lambda t: t.drop(columns="step"), "step is missing"),
    "no accuracies": (lambda t: t.drop(columns="test_acc"), "test_acc is missing"),
    "no rows": (lambda t: t[:0], "expected a row per evaluation, got none"),
    "another index": (lambda t: t.set_index("step"), "step is missing"),
}
DONE = {
    "step a list": ({"source": {"arm": ARM, "seed": 0, "step": [1]}}, "source.step: expected a whole number"),
    "step negative": ({"source": {"arm": ARM, "seed": 0, "step": -1}}, "source.step"),
    "step text": ({"source": {"arm": ARM, "seed": 0, "step": "8000"}}, "source.step"),
    "step true": ({"source": {"arm": ARM, "seed": 0, "step": True}}, "source.step"),
    "seed a table": ({"source": {"arm": ARM, "seed": {}, "step": 8000}}, "source.seed"),
    "arm a list": ({"source": {"arm": [ARM], "seed": 0, "step": 8000}}, "source.arm"),
    "source text": ({"source": ARM}, "source: expected a table"),
    "generalised text": (
        {"source": {"arm": ARM, "seed": 0, "step": 8000, "generalised": "no"}},
        "source.generalised",
    ),
    "steps text": ({"steps": "many"}, "steps: expected a whole number from 0, got 'many'"),
    "config a list": ({"config": []}, "config: expected a table"),
    "hash a number": ({"hash": 7}, "hash: expected text, got 7"),
}


@pytest.fixture(scope="module")
def damaged(tiny_run, tmp_path_factory):
    """Return a function that runs an analysis on a changed file."""
    run = shutil.copytree(tiny_run, tmp_path_factory.mktemp("damaged") / "tiny")

    def analyse(name, file, content):
        path = run / "arms" / file
        before = path.read_bytes()
        path.unlink()
        try:
            content(path)
            return path, run_analysis(name, run)
        finally:
            path.write_bytes(before)

    return analyse


def check(analysis, path, printed, message):
    assert (printed.code, "Traceback" in printed.err) == (1, False), printed.err
    line = error_line(printed.err)
    assert str(path) in line and message in line and "\n" not in line


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("mutation", METRICS)
def test_impossible_metrics_are_one_line(damaged, tiny_run, analysis, mutation):
    file, (mutate, message) = f"{ARM}/seed_0/metrics.parquet", METRICS[mutation]
    table = mutate(pd.read_parquet(tiny_run / "arms" / file))
    path, printed = damaged(analysis, file, lambda path: table.to_parquet(path))
    if analysis in BLIND:
        assert printed.code == 0
    else:
        check(analysis, path, printed, message)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("mutation", DONE)
def test_an_impossible_record_is_one_line(damaged, tiny_run, analysis, mutation):
    file, (changes, message) = "grokked_ticket/seed_0/DONE", DONE[mutation]
    record = json.loads((tiny_run / "arms" / file).read_text()) | changes
    path, printed = damaged(analysis, file, lambda path: path.write_text(json.dumps(record)))
    check(analysis, path, printed, message)


def test_a_step_of_the_source_without_a_checkpoint_is_one_line(damaged, tiny_run):
    file = "grokked_ticket/seed_0/DONE"
    record = json.loads((tiny_run / "arms" / file).read_text())
    record |= {"source": {"arm": ARM, "seed": 0, "step": 7777}}
    path, printed = damaged("mechanism", file, lambda path: path.write_text(json.dumps(record)))
    check("mechanism", path, printed, "source.step: expected a checkpoint of dense seed 0, got 7777")


def test_infinite_losses_and_unmeasured_values_are_read(damaged, tiny_run):
    """A network that diverged has infinite losses, and curves may be sparser than rows."""
    file = f"{ARM}/seed_0/metrics.parquet"
    table = pd.read_parquet(tiny_run / "arms" / file)
    table.loc[3, "train_loss"], table.loc[4, "test_acc"], table.loc[5, "l1"] = np.inf, np.nan, np.nan
    table = table.astype({"step": float, "train_acc": "Float64"}).set_index(table.index + 7)
    for analysis in ("grokking", "speed"):
        _, printed = damaged(analysis, file, lambda path: table.to_parquet(path))
        assert printed.code == 0, printed.err
