"""Sweeps with planted times; the oracle is the table of planted times itself."""

import json

import numpy as np
import pandas as pd
import pytest
from builders import begin_run, error_line, metrics_of, run_analysis, skip_arm

from analyses.sweep.schema import CELLS, SWEEP
from analyses.tables.storage import load_table
from figures.sweep import phase_map
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict

T_GEN = {(0.01, 0.1): (200, 400), (0.01, 1.0): (50, 70), (0.1, 0.1): (None, None), (0.1, 1.0): (30, None)}
"""Times of dense networks by learning rate and decay, for two seeds; tickets are five times as quick."""
LAST = 1000


def write_sweep(path, cells, ticket=True):
    """Write a run of dense arms and tickets with planted times."""
    arms = {}
    for lr, decay in cells:
        optimizer = {"lr": lr, "weight_decay": decay}
        arms[f"dense_{lr}_{decay}"] = {"optimizer": optimizer}
        if ticket:
            settings = {"method": "magnitude", "source": f"dense_{lr}_{decay}", "optimizer": optimizer}
            arms[f"ticket_{lr}_{decay}"] = settings
    content = {"name": "planted", "seeds": [0, 1], "task": {"p": 7}, "model": {"d_emb": 2, "d_mlp": 3}}
    recipe = recipe_from_dict(content | {"arms": arms})
    run = begin_run(path, recipe)
    for arm in arms:
        kind, lr, decay = arm.split("_")
        for seed, t_gen in enumerate(cells[float(lr), float(decay)]):
            write_network(run, recipe, arm, seed, t_gen and t_gen // (1 if kind == "dense" else 5))
    return run.path


def write_network(run, recipe, arm, seed, t_gen):
    """Write one network of zeros that memorises at step 10."""
    files, step = run.arm(arm, seed), np.arange(0, LAST + 1, 2)
    shapes = recipe.setting(arm).shapes()
    files.write_checkpoints(np.array([LAST]), {n: np.zeros((1, *s), np.float32) for n, s in shapes.items()})
    if recipe.arms[arm].prunes:
        files.write_mask({name: np.ones(shape, dtype=bool) for name, shape in shapes.items()})
    reached = np.zeros(len(step), bool) if t_gen is None else step >= t_gen
    files.write_metrics(metrics_of(step, np.where(step >= 10, 1.0, 0.1), np.where(reached, 0.99, 0.2)))
    source = recipe.arms[arm].source
    record = {"steps": LAST, "source": {"arm": source, "seed": seed, "step": LAST} if source else None}
    files.finish(arm_record(recipe, arm, seed) | record)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Return path and printed text of an analysed sweep with a skipped arm."""
    path = write_sweep(tmp_path_factory.mktemp("runs") / "planted", T_GEN)
    skip_arm(path, "ticket_0.1_0.1", "its source has not generalised")
    printed = run_analysis("sweep", path)
    assert printed.code == 0, printed.err
    return path, printed.out


def tables_of(path):
    return {t: load_table(path / "analyses" / f"{t.name}.parquet", t) for t in (SWEEP, CELLS)}


def test_every_network_has_its_times_and_the_fields_that_differ(sweep):
    table = tables_of(sweep[0])[SWEEP]
    dense = table[table["arm_role"] == "dense"]
    times = {
        (row["optimizer.lr"], row["optimizer.weight_decay"], row["seed"]): row["t_gen"]
        for row in dense.to_dict("records")
    }
    planted = {(*cell, seed): t for cell, of_cell in T_GEN.items() for seed, t in enumerate(of_cell)}
    assert times.keys() == planted.keys()
    assert all(times[key] == t if t else np.isnan(times[key]) for key, t in planted.items())
    censored = dense[dense["t_gen"].isna()]
    assert (censored["t_gen_after"] == LAST).all() and len(censored) == 3
    assert set(table.loc[table["arm"] == "ticket_0.1_0.1", "status"]) == {"skipped"}
    assert set(table["method"]) == {"none", "magnitude"} and "task.p" not in table
    csv = pd.read_csv(sweep[0] / "analyses" / "sweep.csv")
    assert csv["optimizer.lr"].tolist() == table["optimizer.lr"].tolist()


def test_cells_hold_medians_shares_and_ratios(sweep):
    cells = tables_of(sweep[0])[CELLS].set_index("arm")
    dense = cells.loc["dense_0.01_0.1"]
    assert (dense["t_gen_median"], dense["t_gen_median_bound"], dense["generalised"]) == (200, "=", 1)
    assert np.isnan(dense["ratio"]) and dense["family"] == "dense"
    ticket = cells.loc["ticket_0.01_0.1"]
    assert ticket["t_gen_median"] == 40 and ticket["ratio"] == pytest.approx(5)
    assert ticket["ratio_bound"] == "=" and ticket["family"] == "ticket"
    never = cells.loc["dense_0.1_0.1"]
    assert (never["t_gen_median"], never["t_gen_median_bound"], never["generalised"]) == (LAST, ">", 0)
    half = cells.loc["dense_0.1_1.0"]
    assert (half["t_gen_median"], half["generalised"]) == (30, 0.5)
    skipped = cells.loc["ticket_0.1_0.1"]
    assert (skipped["n"], skipped["n_skipped"]) == (0, 2) and np.isnan(skipped["generalised"])
    assert set(cells["x"]) == {"optimizer.lr"} and set(cells["y"]) == {"optimizer.weight_decay"}


def test_the_printed_table_is_in_plain_words(sweep):
    title, header, *rows = sweep[1].splitlines()
    assert title == "Steps to generalise over learning rate and weight decay."
    assert header.startswith("learning rate  weight decay  arm") and "optimizer" not in sweep[1]
    assert any("skipped" in row for row in rows) and any("> 1,000" in row for row in rows)
    text = " ".join(sweep[1].split())
    assert (
        "Dense: generalises in 3 of 4 settings, earliest at learning rate 0.1 and weight decay 1 (30 steps)."
    ) in text
    json.loads((sweep[0] / "analyses" / "sweep.json").read_text())


def test_the_map_draws_each_cell_once_in_its_place(sweep, house_style):
    drawing = phase_map.draw(tables_of(sweep[0]))
    drawn = drawing.table().set_index("series")
    assert len(drawn) == 8
    place = drawn.loc["dense_0.1_0.1"]
    assert (place["panel"], place["x"], place["y"], place["value"]) == ("dense: above", 1, 0, LAST)
    assert drawn.loc["ticket_0.1_0.1", "panel"] == "ticket: not trained"
    assert drawn.loc["ticket_0.01_0.1", "value"] == 40
    axes = [ax for ax in drawing.figure.axes if ax.get_title(loc="left")]
    assert [ax.get_title(loc="left") for ax in axes] == ["(a) dense", "(b) ticket"]
    assert axes[1].get_xlabel() == "learning rate" and axes[0].get_ylabel() == "weight decay"
    assert {"> 1k", "30", "×"} <= {text.get_text() for ax in axes for text in ax.texts}
    legend = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert len(legend) == 2 and "fewer than half" in legend[0] and "skipped" in legend[1]


def test_the_axes_can_be_exchanged(sweep, tmp_path):
    printed = run_analysis("sweep", sweep[0], "--x", "optimizer.weight_decay", "--out", str(tmp_path))
    cells = tables_of(tmp_path)[CELLS]
    assert printed.code == 0 and set(cells["y"]) == {"optimizer.lr"}
    assert printed.out.splitlines()[1].startswith("weight decay  learning rate")


def test_one_field_is_a_line(tmp_path, house_style):
    path = write_sweep(tmp_path / "line", {key: T_GEN[key] for key in list(T_GEN)[::2]}, ticket=False)
    assert run_analysis("sweep", path).code == 0
    tables = tables_of(path)
    assert tables[CELLS]["y"].isna().all()
    drawn = phase_map.draw(tables).table()
    median = drawn[drawn["panel"] == "median t_gen"]
    assert median["x"].tolist() == [0.01, 0.1]
    np.testing.assert_array_equal(median["y"], [200, np.nan])
    assert sorted(drawn.loc[drawn["panel"] == "t_gen =", "y"]) == [200, 400]
    assert drawn.loc[drawn["panel"] == "t_gen >", "y"].tolist() == [LAST, LAST]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--x", "sparsity"], "--x: expected one of optimizer.lr, optimizer.weight_decay, got sparsity"),
        (["--y", "lr"], "--y: expected one of optimizer.lr, optimizer.weight_decay, got lr"),
        (["--x", "optimizer.lr", "--y", "optimizer.lr"], "--y: expected another field than --x"),
    ],
)
def test_a_field_that_is_not_swept_is_one_line(sweep, arguments, message, tmp_path):
    printed = run_analysis("sweep", sweep[0], *arguments, "--out", str(tmp_path))
    assert printed.code == 2 and message in error_line(printed.err)


def test_a_run_whose_arms_differ_in_no_field_is_refused(tiny_run, tmp_path):
    printed = run_analysis("sweep", tiny_run, "--out", str(tmp_path))
    assert printed.code == 1
    assert "expected arms of one kind that differ in a field, got none" in error_line(printed.err)
