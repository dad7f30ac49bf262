"""Arms listed in short: names with fields in braces, and grids of values."""

import itertools

import pytest

from training.__main__ import main
from training.config.grid import expand_grid
from training.config.recipe_files import read_recipe
from training.config.shorthand.templates import expand_templates
from training.schema.validation import ConfigError, to_dict

ARMS = {
    "dense": {},
    "ticket": {"method": "magnitude", "source": "dense"},
    "shuffled": {"method": "shuffled", "source": "ticket"},
}
SWEEP = """
base = "modadd_fast"
base_arms = ["dense", "grokked_ticket", "shuffled"]
seeds = [0, 1]
[grid]
"optimizer.lr" = [1e-3, 1e-2]
optimizer.weight_decay = [0.3, 1.0]
task.frac_train = [0.4, 0.5, 0.6]
[quick.grid]
"optimizer.lr" = [1e-3]
"""


def written(path, text):
    path.write_text(text)
    return str(path)


def test_several_fields_in_braces_make_an_arm_per_combination():
    template = {
        "{task.name}_{optimizer.lr}": {
            "task": {"name": ["sub", "mul"], "p": 7},
            "optimizer": {"lr": [0.1, 1.0]},
        },
        "{task.name}_{optimizer.lr}_ticket": {
            "task": {"name": ["sub", "mul"]},
            "optimizer": {"lr": [0.1, 1.0]},
            "source": "{task.name}_{optimizer.lr}",
        },
    }
    arms = expand_templates(template)
    cells = [("sub", 0.1), ("sub", 1.0), ("mul", 0.1), ("mul", 1.0)]
    assert arms == {
        f"{name}_{lr}": {"task": {"name": name, "p": 7}, "optimizer": {"lr": lr}} for name, lr in cells
    } | {
        f"{name}_{lr}_ticket": {"task": {"name": name}, "optimizer": {"lr": lr}, "source": f"{name}_{lr}"}
        for name, lr in cells
    }
    assert expand_templates(arms) == arms


def test_a_backslash_is_a_plain_character_of_a_value():
    assert expand_templates({"{start}": {"start": ["\\1"], "note": "{start}"}}) == {
        "\\1": {"start": "\\1", "note": "\\1"}
    }


def test_a_template_of_too_many_arms_is_refused_before_it_is_expanded():
    numbers = list(range(1000))
    with pytest.raises(ConfigError, match="at most 10,000 arms, got 1000000"):
        expand_templates({"{p}_{q}": {"p": numbers, "q": numbers}})


def test_a_grid_splits_every_arm_by_the_fields_it_takes_and_its_source_has():
    arms = expand_grid({"arms": ARMS, "grid": {"optimizer.lr": [0.1, 1.0], "sparsity": [0.5, 0.9]}})["arms"]
    rates, sparsities = ((0.1, "lr0.1"), (1.0, "lr1")), ((0.5, "sparsity0.5"), (0.9, "sparsity0.9"))
    wanted = {f"dense_{lr_word}": {"optimizer": {"lr": lr}} for lr, lr_word in rates}
    for (lr, lr_word), (sparsity, word) in itertools.product(rates, sparsities):
        wanted[f"ticket_{lr_word}_{word}"] = {
            "method": "magnitude",
            "source": f"dense_{lr_word}",
            "optimizer": {"lr": lr},
            "sparsity": sparsity,
        }
    for (lr, lr_word), (_, word) in itertools.product(rates, sparsities):
        wanted[f"shuffled_{lr_word}_{word}"] = {
            "method": "shuffled",
            "source": f"ticket_{lr_word}_{word}",
            "optimizer": {"lr": lr},
        }
    assert arms == wanted


def test_an_arms_own_value_stays():
    arms = {"dense": {}, "no_decay": {"optimizer": {"weight_decay": 0.0}}}
    expanded = expand_grid({"arms": arms, "grid": {"optimizer.weight_decay": [0.5, 1]}})["arms"]
    assert list(expanded) == ["dense_weight_decay0.5", "dense_weight_decay1", "no_decay"]
    assert expanded["no_decay"] == arms["no_decay"]


def test_a_dense_arm_is_not_split_by_method_start_or_sparsity():
    grid = {"method": ["magnitude", "imp"], "start": ["rewind", "reshuffle"], "sparsity": [0.5]}
    arms = expand_grid({"arms": {"dense": {}, "ticket": ARMS["ticket"]}, "grid": grid})["arms"]
    assert list(arms)[:2] == ["dense", "ticket_method-magnitude_start-rewind_sparsity0.5"]
    assert len(arms) == 1 + 2 * 2 and all(arm.get("source") == "dense" for arm in list(arms.values())[1:])


def test_names_say_every_kind_of_value():
    content = {"task": {"name": "parity"}, "model": {"name": "mlp"}, "arms": {"dense": {}, "scores": {}}}
    content["arms"]["scores"] = {"form": "edge_popup"}
    grid = {"model.widths": [[20, 20], [9]], "train_weights": [True], "task.name": ["parity"]}
    assert list(expand_grid(content | {"grid": grid})["arms"]) == [
        *("dense_widths-20-20_name-parity", "dense_widths-9_name-parity"),
        *(f"scores_widths{w}_train_weights-true_name-parity" for w in ("-20-20", "-9")),
    ]


def test_a_grid_is_merged_through_base_quick_version_and_overrides(tmp_path):
    path = written(tmp_path / "sweep.toml", SWEEP)
    recipe, _ = read_recipe(path)
    assert len(recipe.arms) == 3 * 2 * 2 * 3
    cell = "lr0.01_weight_decay0.3_frac_train0.6"
    ticket = recipe.arms[f"grokked_ticket_{cell}"]
    assert (ticket.source, ticket.optimizer.lr, ticket.task.frac_train) == (f"dense_{cell}", 0.01, 0.6)
    assert recipe.arms[f"shuffled_{cell}"].source == f"grokked_ticket_{cell}"
    assert ticket.max_steps == read_recipe("modadd_fast")[0].arms["grokked_ticket"].max_steps
    assert len(read_recipe(path, quick=True)[0].arms) == 3 * 2 * 3
    overrides = ["grid.optimizer.lr=[0.5]", 'grid."task.frac_train"=[0.7]', "arms.dense.max_steps=9000"]
    changed, _ = read_recipe(path, overrides)
    assert len(changed.arms) == 3 * 2
    assert changed.arms["dense_lr0.5_weight_decay1_frac_train0.7"].max_steps == 9000


def test_the_config_of_a_grid_holds_its_arms_alone():
    content = {"name": "x", "task": {"p": 7}, "arms": ARMS}
    assert expand_grid(content) == content
    assert "grid" not in to_dict(read_recipe("modadd_sweep", quick=True)[0])


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ('"optimizer.rate" = [1]', r"grid.optimizer.rate: unknown field; expected one of .*optimizer.lr"),
        ('"seeds" = [1]', "grid.seeds: a field of the whole recipe, .*; expected one of checkpoints, form, "),
        ("measure.threshold = [0.5]", "grid.measure.threshold: a field of the whole recipe"),
        ("source = ['dense']", "grid.source: unknown field"),
        ("optimizer.lr = 3", "grid.optimizer.lr: expected a list of one value or more, got 3"),
        ("optimizer.lr = []", "grid.optimizer.lr: expected a list of one value or more"),
        ("optimizer.lr = [1, 1.0]", "grid.optimizer.lr: expected different values"),
        (
            "'optimizer.lr' = [1]\noptimizer.lr = [2]",
            "grid.optimizer.lr: expected one list of values, got '2 lists'",
        ),
        ("train_weights = [true]", "grid.train_weights: expected a field that an arm takes"),
        ("optimizer.lr = [-1.0]", r"arms.dense_lr-1.optimizer.lr: expected a number above 0, got -1"),
        ("method = [3]\nsparsity = [0.5]", r"arms.grokked_ticket_method3_sparsity0.5.method: expected text"),
        ("method = ['none_such']", r"arms.grokked_ticket_method-none_such.method: expected none or one of"),
    ],
)
def test_mistakes_of_a_grid_are_one_line(tmp_path, grid, message):
    text = f'base = "modadd_fast"\nbase_arms = ["dense", "grokked_ticket"]\n[grid]\n{grid}\n'
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        read_recipe(written(tmp_path / "wrong.toml", text))
    assert "\n" not in str(error.value)


def test_a_grid_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^grid: expected a table of fields and their values, got 3"):
        read_recipe(written(tmp_path / "wrong.toml", "grid = 3\n[arms.dense]\n"))


def test_a_grid_of_ten_thousand_arms_says_the_number_and_asks_for_yes(tmp_path, capsys):
    rates, decays = (list(range(1, 101)) for _ in range(2))
    text = f"[grid]\noptimizer.lr = {rates}\noptimizer.weight_decay = {decays}\n[arms.dense]\n"
    path = written(tmp_path / "large.toml", text)
    assert main([path, "--out", str(tmp_path / "runs")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "at most 200 networks, got 30,000 (10,000 arms, 3 seeds each); add --yes" in line
    fewer = ["--set", "grid.optimizer.lr=[0.1,1,10]", "--dry-run", "--out", str(tmp_path / "runs")]
    assert main([path, *fewer]) == 2
    assert main([path, *fewer, "--yes", "--json"]) == 0
    assert capsys.readouterr().out.count('"seed"') == 900


def test_a_grid_without_arms_says_where_arms_come_from(tmp_path):
    recipe = tmp_path / "empty.toml"
    recipe.write_text('base = "modadd_fast"\n[grid]\n"optimizer.lr" = [0.1, 0.2]\n')
    with pytest.raises(ConfigError, match=r"grid: expected arms to split, .* in base_arms, got 'none'"):
        read_recipe(str(recipe))
