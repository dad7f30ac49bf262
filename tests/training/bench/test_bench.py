"""Timed steps and output of `python -m training.bench`."""

import json

import pytest
import torch

from training.bench.command import RECIPES, main
from training.bench.floor import matrix_products
from training.config.recipe_files import read_recipe
from training.models.registry import MODELS
from training.optimization.engine import Engine

KEYS = [
    "recipe",
    "model",
    "as written",
    "engine",
    "floor",
    "as used",
    "equal evaluations",
    "no evaluation",
    "engine / floor",
    "warm-up steps",
    "rounds",
    "spread",
]


def setting_of(name):
    recipe, _ = read_recipe(name)
    return recipe.setting(next(iter(recipe.arms)))


def test_every_model_is_timed_by_default():
    assert {setting_of(name).model.name for name in RECIPES} == set(MODELS)


@pytest.mark.parametrize("name", RECIPES)
def test_a_model_as_written_equals_its_forward(name):
    setting = setting_of(name)
    weights = {name: w.double() for name, w in setting.initial_weights(0).items()}
    inputs = torch.as_tensor(setting.task.build().inputs[:20])
    model = setting.model.implementation()
    expected, outputs = model.forward(weights, inputs), model.as_written(weights)(inputs)
    assert expected.std() > 0.001
    torch.testing.assert_close(outputs, expected, rtol=1e-10, atol=1e-10)


def test_matrix_products_of_a_call_are_recorded_in_order():
    a, b, c = torch.rand(2, 3), torch.rand(3, 4), torch.rand(1, 2, 3)
    multiplications = matrix_products(lambda: (a @ b, torch.bmm(c, b[None]), a + a))
    first, second = (multiply() for multiply in multiplications)
    torch.testing.assert_close(first, a @ b)
    torch.testing.assert_close(second, c @ b)


@pytest.mark.parametrize(
    ("name", "n_products"), [("modadd_ticket", 9), ("m_parity", 5), ("m_polynomial", 11), ("h_standard", 3)]
)
def test_the_floor_consists_of_the_matrix_products_of_a_step(name, n_products):
    setting = setting_of(name)
    data, starts = setting.examples(), [setting.initial_weights(0)]
    engine = Engine(setting.model, setting.optimizer, data, starts, [None])
    multiplications = matrix_products(lambda: engine.network.gradient(engine.weights, engine.grads))
    # A linear layer takes three products; the first one needs no gradient of its input.
    assert len(multiplications) == n_products


def test_json_has_a_row_per_recipe_and_batch(recipe_file, capsys):
    recipes = ["--recipe", str(recipe_file), str(recipe_file)]
    assert main([*recipes, "--rounds", "1", "--arms", "2", "--batches", "1", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["device"] == "cpu" and result["arms"] == 2 and result["threads"] == 1
    for row in result["rows"]:
        assert list(row) == KEYS and row["recipe"] == "tiny" and row["rounds"] == 1
        assert all(row[key] > 0 for key in KEYS[2:11])
        assert row["as used"] == pytest.approx(row["as written"] / row["engine"])
        assert row["spread"]["engine"] == [row["engine"]] * 2
    assert [row["arms"] for row in result["batches"]] == [1, 3, 1, 3]
    for one, three in (result["batches"][:2], result["batches"][2:]):
        gain = three["arm-steps per second"] / one["arm-steps per second"]
        assert one["times one by one"] == 1 and three["times one by one"] == pytest.approx(gain)


def test_the_table_has_a_line_per_recipe(recipe_file, capsys):
    assert main(["--recipe", str(recipe_file), "--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "not the papers' code" in " ".join(lines)
    assert [line.split()[0] for line in lines[-2:]] == ["recipe", "tiny"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "--rounds: expected a whole number from 1, got 0"),
        (["--batches", "4", "0"], "--batches: expected whole numbers from 1, got 0"),
        (["--arms", "0"], "--arms: expected a whole number from 1, got 0"),
        (
            ["--recipe", "nowhere.toml"],
            "RECIPE: expected a file or the folder of a run, and nowhere.toml is neither",
        ),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_the_cost_of_events_is_a_ratio_to_steps_without(capsys):
    assert main(["--events", "--recipe", "modadd_fast", "--rounds", "1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["events"]
    assert [row["event"] for row in rows] == [
        "no event",
        "freeze the first matrix",
        "freeze all",
        "prune",
        "remove 5 frequencies of W_E",
        "remove 5 frequencies of W_E and W_U",
    ]
    assert rows[0]["ratio"] == "1.000" and all(float(row["ratio"]) > 0 for row in rows)
