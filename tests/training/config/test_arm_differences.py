"""Fields in which arms differ, of recipes whose differences are known."""

from training.config.arm_differences import differing_fields
from training.config.build_recipe import recipe_from_dict


def recipe_of(arms, **tables):
    return recipe_from_dict({"name": "few", "task": {"p": 7}, "model": {}, "arms": arms} | tables)


def test_fields_of_arms_and_of_their_tables_are_listed_with_every_arms_value():
    arms = {
        "dense": {"optimizer": {"lr": 0.01}},
        "slow": {"optimizer": {"lr": 1}, "max_steps": 5, "min_steps": 3, "settle_steps": 2},
        "ticket": {"method": "magnitude", "source": "dense", "source_step": 2000, "optimizer": {"lr": 0.01}},
        "late": {"method": "magnitude", "source": "dense", "optimizer": {"lr": 0.01}},
        "denser": {"method": "shuffled", "source": "ticket", "optimizer": {"lr": 0.01}},
    }
    assert differing_fields(recipe_of(arms, pruning={"sparsity": 0.7})) == {
        "method": dict(zip(arms, ["none", "none", "magnitude", "magnitude", "shuffled"], strict=True)),
        "source_step": dict(zip(arms, [None, None, 2000, None, None], strict=True)),
        "sparsity": dict(zip(arms, [0.0, 0.0, 0.7, 0.7, 0.7], strict=True)),
        "optimizer.lr": dict(zip(arms, [0.01, 1.0, 0.01, 0.01, 0.01], strict=True)),
    }


def test_a_field_that_only_some_arms_take_is_no_difference():
    arms = {"dense": {}, "ticket": {"method": "magnitude", "source": "dense", "scope": "layer"}}
    assert differing_fields(recipe_of(arms)).keys() == {"method", "sparsity"}


def test_fields_of_other_tasks_are_missing_where_an_arm_has_none():
    arms = {"modular": {}, "parity": {"task": {"name": "parity"}, "model": {"name": "mlp"}}}
    differing = differing_fields(recipe_of(arms))
    assert differing["task.name"] == {"modular": "add", "parity": "parity"}
    assert differing["model.name"] == {"modular": "embed_mlp", "parity": "mlp"}
    assert "task.p" not in differing and all(set(values) == set(arms) for values in differing.values())


def test_arms_that_do_not_differ_have_none():
    assert differing_fields(recipe_of({"short": {"max_steps": 5}, "long": {"max_steps": 50}})) == {}
    assert differing_fields(recipe_of({"dense": {}})) == {}
