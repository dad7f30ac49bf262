import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from figures.drawing.censored_points import tau_by_sparsity
from figures.drawing.recorded_figure import Drawing
from figures.drawing.render import STYLE
from figures.drawing.style import arm_styles
from figures.grokking import edge_popup, operations, outcomes
from figures.grokking import no_weight_decay as no_decay
from figures.grokking.accuracy_curves import threshold_words
from figures.speed import ticket_timing


@pytest.fixture(autouse=True)
def house_style():
    with plt.style.context(STYLE):
        yield
    plt.close("all")


def tables_of(module, tiny_runs):
    found = {}
    for name in module.TABLES:
        recipe, table = name.split("/")
        found[name] = pd.read_parquet(tiny_runs.table(recipe, table.partition("_")[0], table))
    return found


def test_medians_of_tau_are_not_drawn_through_a_bound():
    arms = [f"ticket_{s}" for s in (0.5, 0.6, 0.7, 0.8)]
    seeds = pd.DataFrame({"arm": arms, "sparsity": [0.5, 0.6, 0.7, 0.8], "seed": 0})
    doses = seeds.assign(method="magnitude", reference="dense", tau=[9, 90, 7, 8], tau_bound=list("=>=="))
    medians = pd.DataFrame({"arm": arms, "tau_median": [9.0, 90, 7, 8], "tau_median_bound": list("=>==")})
    figure, ax = plt.subplots()
    drawing = Drawing(figure)
    tau_by_sparsity(drawing, ax, doses, medians, arm_styles(arms))
    drawn = drawing.table().groupby("panel")
    np.testing.assert_array_equal(drawn.get_group("median tau")["y"], [9, np.nan, 7, 8])
    assert drawn.get_group("tau >")[["x", "y"]].to_numpy().tolist() == [[0.6, 90]]
    assert sorted(drawn.get_group("tau =")["y"]) == [7, 8, 9]


def test_who_never_generalised_is_told_from_who_was_not_trained():
    status = ["done", "done", "skipped", "half trained"]
    rows = pd.DataFrame({"arm": ["dense", "snip", "grasp", "grasp"], "status": status})
    rows["t_gen"] = [20.0, None, None, None]
    words = threshold_words(rows, pd.DataFrame({"threshold": [0.95]}))
    assert words.endswith("t_gen of each seed; SNIP: 1 never; GraSP: 2 not trained.")


@pytest.mark.parametrize("recipe", ["m_parity", "m_polynomial"])
def test_outcomes_hold_every_network_once_per_part(recipe, tiny_runs):
    table = pd.read_parquet(tiny_runs.table(recipe, "grokking", "grokking"))
    drawn = outcomes.draw({"": table}).table()
    table = table[table["status"] == "done"]
    measure = "acc" if recipe == "m_parity" else "loss"
    for part, time in (("train", "t_mem"), ("test", "t_gen")):
        last = drawn[drawn["panel"] == part]
        assert sorted(last["x"]) == sorted(table[f"{part}_{measure}"])
        reached, never = (drawn[drawn["panel"] == panel] for panel in (time, f"{time} >"))
        assert sorted(reached["x"]) == sorted(table[time].dropna())
        assert sorted(never["x"]) == sorted(table.loc[table[time].isna(), f"{time}_after"])


def test_the_table_of_edge_popup_is_that_of_its_curves(tiny_runs, monkeypatch):
    monkeypatch.setattr(edge_popup, "STEPS", (5, 20))
    tables = tables_of(edge_popup, tiny_runs)
    curves = tables["m_edge_popup/grokking_curves"]
    drawn = edge_popup.draw(tables).table().query("panel == 'table'").set_index(["series", "x"])
    assert "dense" not in drawn.index.get_level_values(0)
    for arm in ("dense_from_1000", "edge_popup", "edge_popup_decay", "weights_and_scores"):
        for step in (5, 20):
            seeds = curves[(curves["arm"] == arm) & (curves["step"] == step)]["test_acc"].to_numpy()
            row = drawn.loc[(arm, step)]
            assert row["y"] == pytest.approx(seeds.sum() / 2)
            assert row["high"] - row["y"] == pytest.approx(abs(seeds[0] - seeds[1]) / 2**0.5)


def test_a_panel_per_operation_with_its_own_networks(tiny_runs):
    tables = tables_of(operations, tiny_runs)
    curves = tables["m_ops/grokking_curves"]
    drawing = operations.draw(tables)
    titles = [ax.get_title(loc="left") for ax in drawing.figure.axes]
    assert titles == ["(a) b − a", "(b) a · b", "(c) a² + b²", "(d) a² + ab + b²"]
    drawn = drawing.table()
    own = drawn[
        (drawn["panel"] == "mul test") & (drawn["series"] == "grokked_ticket") & (drawn["seed"] == "0")
    ]
    expected = curves[(curves["arm"] == "mul_ticket") & (curves["seed"] == 0)]
    assert own["y"].tolist() == expected["test_acc"].tolist()


def test_a_mark_per_ticket_at_its_sources_accuracy(tiny_runs):
    tables = tables_of(ticket_timing, tiny_runs)
    steps = tables["m_timing/speed_fixed_steps"]
    steps["step"] = steps["step"].map({500: 10, 1000: 20, 2000: 40})
    curves = tables["m_timing/grokking_curves"][["arm", "seed", "step", "test_acc"]]
    tables["m_timing/speed_fixed_steps"] = steps.drop(columns="test_acc").merge(curves)
    tables["m_timing/speed_correlations"] = pd.DataFrame(
        {"source": "dense", "step": 20, "seed": [0, 1, None], "n": [3, 3, 6], "spearman": [0.25, None, -1]}
    )
    drawing = ticket_timing.draw(tables)
    drawn = drawing.table()
    sources = tables["m_timing/speed_sources"]
    assert sorted(drawn.query("panel == 'step 20'")["x"]) == sorted(sources["source_acc"])
    said = [text.get_text() for ax in drawing.figure.axes for text in ax.texts]
    assert said == ["", "ρ = -1.00\nby seed 0.25", ""]


@pytest.mark.parametrize(
    ("reached", "critical", "says"),
    [
        ([1, 1, 0], 0.7, "generalised, 0.7 (2 of 2)."),
        ([0, 1, 0], 0.7, "0.7 (2 of 2); not so at the smaller 0.5."),
        ([0, 0, 0], None, "At no sparsity"),
    ],
)
def test_the_critical_sparsity(reached, critical, says):
    rows = [
        {"arm": f"ticket_{sparsity}", "seed": seed, "sparsity": sparsity, "status": "done", "test_acc": 0.5}
        | {"t_gen": 10.0 if held else None}
        for sparsity, held in zip((0.5, 0.7, 0.9), reached, strict=True)
        for seed in (0, 1)
    ]
    table = pd.DataFrame(rows).astype({"t_gen": float})
    curves = table[["arm", "seed"]].assign(step=0, test=0.5, threshold=0.95, judged_by="accuracy")
    drawing = no_decay.draw({"m_no_wd/grokking": table, "m_no_wd/grokking_curves": curves})
    drawn = drawing.table().query("series == 'critical'")["x"].tolist()
    assert drawn == ([] if critical is None else [critical])
    assert says in drawing.caption
