import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from builders import legend_texts

from analyses.grokking.schema import CURVES, OUTCOMES
from figures.drawing.grokking_curves import GrokkingCurves
from figures.drawing.recorded_figure import Drawing
from figures.grokking import edge_popup, no_weight_decay, operations, outcomes

pytestmark = pytest.mark.usefixtures("house_style")


def test_networks_that_never_generalised_or_were_not_trained_are_named():
    status = ["done", "done", "skipped", "half trained"]
    rows = pd.DataFrame({"arm": ["dense", "snip", "grasp", "grasp"], "status": status})
    rows["t_gen"] = [20.0, None, None, None]
    curves = pd.DataFrame({"threshold": [0.95], "test": [0.1]})
    sentence = GrokkingCurves(rows, curves).sentence()
    assert sentence.endswith("t_gen of each seed; SNIP: 1 never generalised; GraSP: 2 not trained.")
    without = GrokkingCurves(rows, curves.assign(test=np.nan)).sentence()
    assert "never" not in without and "no test set" in without


def test_t_gen_is_marked_at_the_accuracy_of_that_step():
    step = [0, 10, 20]
    curves = pd.concat(
        pd.DataFrame({"arm": "dense", "seed": seed, "step": step, "test": test, "threshold": 0.95})
        for seed, test in ((0, [0.1, 0.97, 1.0]), (1, [0.1, 0.2, 0.96]))
    )
    rows = pd.DataFrame(
        {"arm": "dense", "arm_role": "dense", "seed": [0, 1, 2], "t_gen": [10.0, 20.0, np.nan]}
    )
    figure, ax = plt.subplots()
    drawing = Drawing(figure)
    networks = GrokkingCurves(rows, curves)
    networks.mark_t_gen(drawing, ax, "t_gen")
    assert drawing.table()[["x", "y"]].to_numpy().tolist() == [[10, 0.97], [20, 0.96]]
    labels = [handle.get_label() for handle in networks.handles()]
    assert labels == ["threshold 0.95", "$t_\\mathrm{gen}$ of a seed", "single seed", "median of the seeds"]


@pytest.mark.parametrize(("recipe", "measure"), [("m_parity", "acc"), ("m_polynomial", "loss")])
def test_every_network_is_drawn_once_per_part_of_the_data(recipe, measure, tiny_runs):
    tables = tiny_runs.tables(recipe, OUTCOMES)
    drawn = outcomes.draw(tables).table()
    table = tables[OUTCOMES]
    table = table[table["status"] == "done"]
    for part, time in (("train", "t_mem"), ("test", "t_gen")):
        last = drawn[drawn["panel"] == part]
        assert sorted(last["x"]) == sorted(table[f"{part}_{measure}"])
        reached, never = (drawn[drawn["panel"] == panel] for panel in (time, f"{time} >"))
        assert sorted(reached["x"]) == sorted(table[time].dropna())
        assert sorted(never["x"]) == sorted(table.loc[table[time].isna(), f"{time}_after"])


def test_without_a_test_set_nothing_is_marked_as_never_generalised():
    row = {"arm": "dense", "arm_role": "dense", "seed": 0, "status": "done", "steps": 500, "train_acc": 1.0}
    row |= {"t_mem": 100.0, "t_mem_after": 90.0, "t_gen": np.nan, "t_gen_after": 0.0}
    drawing = outcomes.draw({OUTCOMES: pd.DataFrame([row])})
    drawn = drawing.table().dropna(subset="x")
    assert set(drawn["panel"]) == {"train", "t_mem"}
    assert "There is no test set." in drawing.caption
    assert legend_texts(drawing.figure) == ["train accuracy; memorised"]


def test_the_table_of_edge_popup_is_computed_from_its_curves(tiny_runs):
    curves = tiny_runs.tables("m_edge_popup", CURVES)[CURVES]
    drawing = edge_popup.draw({("m_edge_popup", CURVES): curves}, steps=(5, 20))
    drawn = drawing.table().query("panel == 'table'").set_index(["series", "x"])
    assert "dense" not in drawn.index.get_level_values(0)
    for arm in ("dense_from_1000", "edge_popup", "edge_popup_decay", "weights_and_scores"):
        for step in (5, 20):
            seeds = curves[(curves["arm"] == arm) & (curves["step"] == step)]["test_acc"].to_numpy()
            row = drawn.loc[(arm, step)]
            assert row["y"] == pytest.approx(seeds.sum() / 2)
            assert row["high"] - row["y"] == pytest.approx(abs(seeds[0] - seeds[1]) / 2**0.5)


def test_a_panel_per_operation_with_its_own_networks(tiny_runs):
    tables = {("m_ops", key): rows for key, rows in tiny_runs.tables("m_ops", OUTCOMES, CURVES).items()}
    curves = tables["m_ops", CURVES]
    drawing = operations.draw(tables)
    titles = [ax.get_title(loc="left") for ax in drawing.figure.axes]
    assert titles == ["(a) b − a", "(b) a · b", "(c) a² + b²", "(d) a² + ab + b²"]
    assert all(ax.get_xlabel() == "step" for ax in drawing.figure.axes)
    drawn = drawing.table()
    panel = drawn[drawn["panel"] == "a · b test"]
    assert set(panel["series"]) == {"mul_dense", "mul_ticket", "threshold"}
    curve = panel[(panel["series"] == "mul_ticket") & (panel["seed"] == "0")]
    expected = curves[(curves["arm"] == "mul_ticket") & (curves["seed"] == 0)]
    assert curve["y"].tolist() == expected["test_acc"].tolist()


@pytest.mark.parametrize(
    ("reached", "critical", "says"),
    [
        ([1, 1, 0], 0.7, "generalised, 0.7 (2 of 2)."),
        ([0, 1, 0], 0.7, "0.7 (2 of 2); not so at the smaller 0.5."),
        ([0, 0, 0], None, "At no sparsity"),
    ],
)
def test_the_critical_sparsity_is_the_largest_at_which_most_seeds_generalise(reached, critical, says):
    rows = [
        {"arm": f"ticket_{sparsity}", "arm_role": "ticket", "seed": seed, "sparsity": sparsity}
        | {"status": "done", "test_acc": 0.5, "t_gen": 10.0 if generalised else None}
        for sparsity, generalised in zip((0.5, 0.7, 0.9), reached, strict=True)
        for seed in (0, 1)
    ]
    table = pd.DataFrame(rows).astype({"t_gen": float})
    curves = table[["arm", "seed"]].assign(step=0, test=0.5, threshold=0.95, judged_by="accuracy")
    drawing = no_weight_decay.draw({("m_no_wd", OUTCOMES): table, ("m_no_wd", CURVES): curves})
    drawn = drawing.table().query("series == 'critical'")["x"].tolist()
    assert drawn == ([] if critical is None else [critical])
    assert says in drawing.caption
