import numpy as np
import pandas as pd
import pytest
from builders import legend_texts

from analyses.progress.schema import MEASURES, PHASES
from figures.progress import clock_pizza, embedding_density, progress_measures

STEPS = (0, 100, 1000)


pytestmark = pytest.mark.usefixtures("house_style")


def measures(**arms):
    """Return random measures of arms: role, operation, number of seeds."""
    rng = np.random.default_rng(0)
    numbers = [c.name for c in MEASURES.columns if c.dtype is float]
    rows = [
        {"arm": arm, "arm_role": role, "seed": seed, "step": step, "operation": operation}
        | {name: rng.uniform(0.1, 1) for name in numbers}
        for arm, (role, operation, n_seeds) in arms.items()
        for seed in range(n_seeds)
        for step in STEPS
    ]
    return pd.DataFrame(rows)


def phases(arm, memorised, clean_up_from, clean_up_to):
    row = {"arm": arm, "arm_role": "dense", "seed": 0, "memorised": memorised}
    return pd.DataFrame([row | {"clean_up_from": clean_up_from, "clean_up_to": clean_up_to}])


def test_networks_are_chosen_by_operation_and_role_not_by_name():
    add = measures(teacher=("dense", "add", 3), pupil=("ticket", "add", 2), noise=("control", "add", 2))
    products_of_residues = measures(p=("dense", "mul", 1), q=("ticket", "mul", 1), r=("ticket", "mul", 3))
    tables = {("m_ops", MEASURES): products_of_residues, ("modadd_ticket", MEASURES): add}
    drawing = embedding_density.draw(tables)
    table = drawing.table()
    assert set(table["panel"]) == {f"{m} {role}" for m in ("ffd", "fcr") for role in ("dense", "ticket")}
    assert "a + b dense n = 3, a + b grokked ticket n = 2" in drawing.caption
    assert "a · b grokked ticket n = 1" in drawing.caption  # the first ticket alone
    median = table.query("panel == 'ffd dense' and series == 'a + b' and seed == 'median'").set_index("x")[
        "y"
    ]
    np.testing.assert_allclose(median, add.query("arm == 'teacher'").groupby("step")["ffd"].median())


def test_losses_are_medians_of_the_compared_arms():
    table = measures(noise=("control", "add", 2), teacher=("dense", "add", 3), pupil=("ticket", "add", 3))
    drawing = progress_measures.draw({MEASURES: table, PHASES: phases("teacher", 50, 200, 900)})
    drawn = drawing.table()
    panels = {panel for panel in drawn["panel"] if panel.startswith("losses")}
    assert panels == {"losses teacher", "losses pupil"}
    middle = drawn.query("panel == 'losses pupil' and series == 'test' and seed == 'median'")
    expected = table.query("arm == 'pupil'").groupby("step")["test_loss"].median()
    np.testing.assert_allclose(middle.set_index("x")["y"], expected)
    upper = drawing.figure.axes[:2]
    assert [ax.get_yscale() for ax in upper] == ["log", "log"]
    assert upper[0].get_xlim() == upper[1].get_xlim() and upper[0].get_ylim() == upper[1].get_ylim()
    assert {"train", "circuit formation", "clean-up"} <= set(legend_texts(drawing.figure))


@pytest.mark.parametrize(("ends", "n_shades"), [((50, 200, 900), 2), ((300, 200, 900), 0)])
def test_phases_are_shaded_only_if_in_order(ends, n_shades):
    table = measures(teacher=("dense", "add", 1), pupil=("ticket", "add", 1))
    drawing = progress_measures.draw({MEASURES: table, PHASES: phases("teacher", *ends)})
    assert drawing.table()["panel"].eq("phases teacher").sum() == 2 * n_shades
    assert len(drawing.figure.axes[0].patches) == n_shades


def test_networks_are_drawn_at_their_last_checkpoint_and_published_ones_where_published():
    one_arm = measures(dense=("dense", "add", 2))
    tables = dict.fromkeys(clock_pizza.RUNS, one_arm)
    table = clock_pizza.draw(tables).table()
    last = one_arm[one_arm["step"] == STEPS[-1]]
    for recipe, _ in clock_pizza.RUNS:
        points = table[table["series"] == f"{recipe} dense"]
        assert points["x"].tolist() == last["distance_irrelevance"].tolist()
        assert points["y"].tolist() == last["gradient_symmetricity"].tolist()
    path = table[table["series"] == "n_mainline, through training"]
    assert path["x"].tolist() == one_arm.query("seed == 0")["distance_irrelevance"].tolist()
    stars = table[table["series"].str.endswith("published")][["x", "y"]].to_numpy()
    assert {tuple(star) for star in stars} == set(clock_pizza.PUBLISHED.values())
