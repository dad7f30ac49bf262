import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from builders import legend_texts
from matplotlib.colors import to_rgb

from analyses.tables.labels import ARMS, arm_label
from figures.drawing.recorded_figure import MOST_NAMED, arm_legend
from figures.drawing.style import arm_styles, table_styles
from training.config.recipe_files import read_recipe, recipe_names

RECIPES = {name: read_recipe(name)[0] for name in recipe_names()}
ALL = {name: list(recipe.arms) for name, recipe in RECIPES.items()}


def lightness(color):
    return float(np.dot(to_rgb(color), (0.299, 0.587, 0.114)))


@pytest.mark.parametrize("recipe", [name for name in ALL if name != "modadd_sweep"])  # drawn as a map
def test_arms_of_a_recipe_differ_in_label_and_style(recipe):
    styles = arm_styles(ALL[recipe])
    assert styles.keys() == set(ALL[recipe])
    for names in (("label",), ("color", "linestyle")):
        assert len({str([style[name] for name in names]) for style in styles.values()}) == len(styles)
    assert not any("_" in style["label"] for style in styles.values())


@pytest.mark.parametrize("recipe", ALL)
def test_roles_change_no_style_of_a_shipped_recipe(recipe):
    roles = {arm: RECIPES[recipe].role(arm) for arm in ALL[recipe]}
    assert arm_styles(ALL[recipe], roles) == arm_styles(ALL[recipe])


def test_an_arm_alone_in_its_role_has_the_style_of_the_role():
    house = arm_styles(["dense", "grokked_ticket", "random"])
    roles = {"base": "dense", "winner": "ticket", "noise": "control", "other": "variant"}
    table = pd.DataFrame({"arm": list(roles), "arm_role": list(roles.values())})
    styles = table_styles(table)
    for arm, named in (("base", "dense"), ("winner", "grokked_ticket"), ("noise", "random")):
        assert styles[arm] == house[named] | {"label": arm}
    assert styles["other"]["color"] not in {house[arm]["color"] for arm in house}
    two = arm_styles(["base", "winner", "late"], roles | {"late": "ticket"})
    assert two["base"] == styles["base"]
    assert house["grokked_ticket"]["color"] not in (two["winner"]["color"], two["late"]["color"])
    taken = arm_styles(["dense", "base"], roles | {"dense": "variant"})
    assert taken["dense"] == house["dense"] and taken["base"]["color"] != house["dense"]["color"]


def test_every_labelled_arm_is_in_a_recipe():
    assert ARMS.keys() <= {arm for arms in ALL.values() for arm in arms}


def test_a_series_is_listed_together_and_darkens_with_its_number():
    arms = ["dense", "ticket_0.9", "ticket_0.8", "random", "ticket_0.75", "ticket_0.7", "biprop_0.5"]
    styles = arm_styles(arms)
    series = ["ticket_0.7", "ticket_0.75", "ticket_0.8", "ticket_0.9"]
    assert list(styles) == ["dense", *series, "random", "biprop_0.5"]
    light = [lightness(styles[arm]["color"]) for arm in series]
    assert light == sorted(light, reverse=True) and light[0] - light[-1] > 0.3
    assert styles == arm_styles(["dense", *series, "random", "biprop_0.5"])


def test_two_arms_are_no_series_but_have_labels_with_numbers():
    styles = arm_styles(["dense", "ticket_0.9", "ticket_0.5"])
    assert list(styles) == ["dense", "ticket_0.9", "ticket_0.5"]
    assert styles["ticket_0.9"]["label"] == "ticket, sparsity 0.9" == arm_label("ticket_0.9")
    assert len({styles[arm]["linestyle"] for arm in styles}) == 3


def test_the_legend_of_a_long_series_names_its_ends_and_few_between():
    arms = ["dense", *(f"taken_at_{step}" for step in range(0, 30_001, 2000))]
    figure = plt.figure(figsize=(7, 2))
    arm_legend(figure, pd.DataFrame({"arm": arms}))
    entries = legend_texts(figure)
    assert len(entries) == 1 + MOST_NAMED
    assert {"dense", "ticket taken at 0", "ticket taken at 30k"} <= set(entries)
    plt.close(figure)


@pytest.mark.parametrize(
    "recipe", ["m_pai", "m_norms", "m_timing", "m_transformer", "kosoy_tangent", "m_ops"]
)
def test_a_legend_is_no_wider_than_its_figure_and_adds_its_rows_to_it(recipe):
    figure = plt.figure(figsize=(7, 2))
    arm_legend(figure, pd.DataFrame({"arm": ALL[recipe]}), fontsize=7, frameon=False)
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    assert box.width < 7
    assert figure.get_figheight() - box.height > 1.6
    plt.close(figure)
