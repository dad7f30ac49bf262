import numpy as np
import pandas as pd
import pytest
from builders import metrics_of

from training.cli.parser import format_table
from training.config.build_recipe import recipe_from_dict
from training.config.settings import Criterion
from training.inspection.outcomes import outcomes
from training.runs.run_directory import RunDir
from training.schema.overrides import override


def write_arm(run, arm, steps, train, test, source=None):
    files = run.arm(arm, 0)
    files.write_metrics(metrics_of(np.array(steps), np.array(train), np.array(test)))
    files.finish({"hash": "", "config": {}, "steps": steps[-1], "source": source})


@pytest.fixture
def run(tmp_path):
    """Return a run with planted crossings."""
    run = RunDir(tmp_path)
    write_arm(run, "dense", [0, 10, 20, 30, 40], [0, 0.95, 1, 1, 1], [0, 0.1, 0.2, 0.94, 0.95])
    taken = {"arm": "dense", "generalised": False}
    write_arm(run, "grokked_ticket", [0, 10, 15], [0.0, 0.5, 0.9], [0.0, 0.1, 0.2], source=taken)
    write_arm(run, "random", [0, 10], [1.0, 1.0], [0.0, 1.0])
    run.arm("shuffled", 0).skip({"hash": "", "reason": "a reason"})
    return run


def test_times_are_the_first_evaluations_at_or_above_the_threshold(run, recipe):
    rows = {row["arm"]: row for row in outcomes(run, recipe)}
    dense = rows["dense"]
    assert (dense["t_mem"], dense["t_gen"], dense["tau"], dense["steps"]) == (10, 40, 4.0, 40)
    assert (dense["t_mem_interval"], dense["t_gen_interval"]) == ("(0, 10]", "(30, 40]")
    assert (dense["train_acc"], dense["test_acc"], dense["sparsity"]) == (1.0, 0.95, 0.0)
    assert rows["random"]["tau"] is None and rows["random"]["t_mem_interval"] == "<= 0"


def test_an_arm_that_never_crossed_is_censored_at_its_budget(run, recipe):
    ticket = next(row for row in outcomes(run, recipe) if row["arm"] == "grokked_ticket")
    assert ticket["t_mem"] is None and ticket["t_gen"] is None and ticket["tau"] is None
    assert ticket["t_gen_interval"] == ticket["t_mem_interval"] == "> 15"
    assert ticket["steps"] == 15 and ticket["test_acc"] == 0.2


def test_the_threshold_is_the_recipes(run, content):
    override(content, "measure.threshold=0.9")
    dense = outcomes(run, recipe_from_dict(content))[0]
    assert dense["t_gen"] == 30


def test_a_note_names_a_source_that_had_not_generalised(run, recipe):
    notes = {row["arm"]: row["note"] for row in outcomes(run, recipe)}
    assert "had not generalised" in notes["grokked_ticket"] and "dense" in notes["grokked_ticket"]
    assert notes["dense"] == notes["random"] == ""
    assert notes["shuffled"] == "a reason"


def test_every_arm_and_seed_has_a_row_with_its_status(run, content):
    override(content, "seeds=[0, 1, 2]")
    run.arm("dense", 2).write_state({})
    run.arm("dense", 2).path.joinpath("SKIPPED").write_text('{"hash": "old", "reason": "of a former start"}')
    rows = outcomes(run, recipe_from_dict(content))
    status = {(row["arm"], row["seed"]): row["status"] for row in rows}
    assert len(rows) == 12
    assert status["dense", 0] == "done" and status["shuffled", 0] == "skipped"
    assert status["dense", 1] == "not trained" and status["dense", 2] == "half trained"
    assert len({tuple(row) for row in rows}) == 1  # the same columns in every row


def test_a_printed_table_is_aligned_and_marks_missing_values():
    rows = [{"arm": "dense", "t": 12345, "x": 0.123456}, {"arm": "b", "t": None, "x": float("nan")}]
    assert format_table(rows).splitlines() == [
        "arm        t       x",
        "dense  12345  0.1235",
        "b          -       -",
    ]
    assert format_table([]) == "(no rows)"


def test_a_task_without_classes_is_judged_by_its_loss():
    criterion = Criterion("train_loss", "test_loss", 0.3, "down")
    losses = {"train_loss": [1.0, 0.3, 0.1], "test_loss": [1.0, 0.31, 0.2]}
    nothing = {"train_acc": [np.nan] * 3, "test_acc": [np.nan] * 3}
    times = criterion.times(pd.DataFrame({"step": [0, 10, 20], **losses, **nothing}))
    assert (str(times.t_mem), str(times.t_gen)) == ("(0, 10]", "(10, 20]")
    assert criterion.met(0.3) and not criterion.met(0.31)
