import json

import pytest

from training.config.arm_config import arm_config
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe, recipe_names
from training.schema.overrides import override
from training.schema.validation import ConfigError, config_hash, to_dict

PRUNED_AT_INITIALIZATION = ["snip", "grasp", "synflow"]
OPERATIONS = ["sub", "mul", "x2_plus_y2", "x2_plus_xy_plus_y2"]
SWEEP_CELLS = [
    f"lr{lr}_weight_decay{decay}_frac_train{share}"
    for lr in ("0.0003", "0.001", "0.003")
    for decay in ("0.3", "1", "3")
    for share in ("0.4", "0.5", "0.6")
]
SIMPLE = {"dense": ["dense"], "ticket": ["grokked_ticket"], "control": ["random", "shuffled"]}
ROLES = {
    "branch": {
        "dense": ["dense", "no_decay"],
        "ticket": ["grokked_ticket"],
        "control": ["random"],
        "variant": [
            *("decay_until_t_mem", "decay_until_3000", "decay_from_t_mem", "decay_until_t_gen"),
            *(f"mask_from_{time}" for time in (100, 300, 1000, 2000, "t_gen")),
            *("random_from_1000", "random_from_t_gen"),
        ],
    },
    "elastic_depth": {
        "dense": ["dense", "deep_dense", "shallow_dense"],
        "ticket": ["grokked_ticket"],
        "control": ["stretched_shuffled", "squeezed_shuffled"],
        "variant": ["stretched", "squeezed"],
    },
    "filan_overlap": {
        "dense": ["dense"],
        "ticket": ["grokked_ticket", "imp_1", "imp_2", "imp_3", "imp_4"],
        "control": ["random", "shuffled", *PRUNED_AT_INITIALIZATION, "synflow_one_shot"],
        "variant": ["edge_popup", "biprop", "supermask"],
    },
    "forbidden_frequencies": {
        "dense": ["dense"],
        "variant": ["keys_forbidden", "others_forbidden", "keys_removed", "others_removed"],
    },
    "h_embedding": {"dense": ["dense"]},
    "h_grokking": {"dense": ["dense"]},
    "h_quad": {"dense": ["adamw", "sgd"]},
    "h_quad_single_freq": {"dense": ["dense"]},
    "h_relu_single_freq": {"dense": ["dense"]},
    "h_standard": {"dense": ["dense"]},
    "kosoy_tangent": {
        "dense": ["dense", "dense_no_decay"],
        "ticket": ["grokked_ticket", "ticket_no_decay"],
        "variant": ["tangent_decay", "tangent", "tangent_ticket", "tangent_random"],
    },
    "m_edge_popup": {
        "dense": ["dense"],
        "variant": ["dense_from_1000", "edge_popup", "edge_popup_decay", "weights_and_scores"],
    },
    "m_images": {"dense": ["dense"], "ticket": ["grokked_ticket"], "control": ["shuffled"]},
    "m_no_wd": {
        "dense": ["dense", "dense_no_wd"],
        "ticket": [f"ticket_{sparsity}" for sparsity in (0.5, 0.6, 0.7, 0.8, 0.9)],
    },
    "m_norms": {
        "dense": ["dense"],
        "ticket": ["grokked_ticket"],
        "control": ["norm_l1", "norm_l2", "norm_l1_mean", "norm_l2_mean"],
    },
    "m_ops": {
        "dense": [f"{operation}_dense" for operation in OPERATIONS],
        "ticket": [f"{operation}_ticket" for operation in OPERATIONS],
    },
    "m_pai": {
        "dense": ["dense"],
        "ticket": ["grokked_ticket"],
        "control": [
            *("random", "shuffled", *PRUNED_AT_INITIALIZATION, "synflow_minegishi", "degree_preserving"),
            *("ticket_random_reinit", "ticket_reshuffle", "ticket_signed_constant"),
        ],
    },
    "m_parity": {"dense": ["dense"], "ticket": ["grokked_ticket", "sparse_ticket"], "control": ["shuffled"]},
    "m_polynomial": {"dense": ["dense"], "ticket": ["grokked_ticket"], "control": ["shuffled"]},
    "m_prune_rates": {
        "dense": ["dense"],
        "ticket": [f"ticket_{sparsity}" for sparsity in (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)],
    },
    "m_timing": {
        "dense": ["dense"],
        "ticket": [f"taken_at_{step}" for step in range(2000, 30_001, 2000)],
        "control": ["taken_at_0"],
    },
    "m_transformer": {
        "dense": ["dense"],
        "ticket": ["grokked_ticket", "grokked_ticket_global"],
        "control": ["random", "shuffled", "norm_l1", "norm_l2"],
    },
    "modadd_fast": SIMPLE,
    "modadd_sweep": {
        "dense": [f"dense_{cell}" for cell in SWEEP_CELLS],
        "ticket": [f"grokked_ticket_{cell}" for cell in SWEEP_CELLS],
    },
    "modadd_ticket": SIMPLE,
    "multi_prize": {
        "dense": ["dense"],
        "ticket": ["grokked_ticket"],
        "variant": [
            f"{form}_{which}" for form in ("biprop", "edge_popup") for which in ("0.3", "0.5", "0.7", "wide")
        ],
    },
    "n_mainline": {"dense": ["dense"]},
    "transformer_fast": SIMPLE,
    "transplant": {
        "dense": ["dense"],
        "ticket": ["grokked_ticket"],
        "variant": ["given_keys", "given_others", "given_inputs", "given_outputs"],
    },
}


def test_every_recipe_is_in_the_table():
    assert sorted(ROLES) == recipe_names()


@pytest.mark.parametrize("name", ROLES)
def test_every_arm_of_every_recipe_has_its_role(name):
    recipe, _ = read_recipe(name)
    expected = {arm: role for role, arms in ROLES[name].items() for arm in arms}
    assert {arm: recipe.role(arm) for arm in recipe.arms} == expected


@pytest.mark.parametrize(
    ("settings", "role"),
    [
        ({}, "dense"),
        ({"optimizer": {"weight_decay": 0.0}}, "dense"),
        ({"start": "random_reinit"}, "variant"),
        ({"source": "dense", "from_step": 100}, "variant"),
        ({"form": "supermask"}, "variant"),
        ({"method": "movement", "source": "dense"}, "ticket"),
        ({"method": "large_init", "source": "dense"}, "control"),
        ({"method": "large_init_same_sign", "source": "dense"}, "ticket"),
        ({"method": "magnitude", "source": "dense", "source_step": 0}, "control"),
        ({"method": "magnitude", "source": "dense", "start": "norm_l1"}, "control"),
        ({"method": "random", "start": "reshuffle"}, "variant"),
        ({"method": "magnitude", "source": "dense", "form": "tangent"}, "variant"),
    ],
)
def test_the_role_of_an_arm_follows_from_its_method_source_and_start(settings, role):
    recipe = recipe_from_dict({"name": "tiny", "arms": {"dense": {}, "other": settings}})
    assert recipe.role("other") == role


def test_a_role_in_the_recipe_overrides_and_changes_no_hash(content):
    before = recipe_from_dict(content)
    override(content, "arms.shuffled.role=variant")
    recipe = recipe_from_dict(content)
    assert (before.role("shuffled"), recipe.role("shuffled")) == ("control", "variant")
    config = arm_config(recipe, "shuffled", 0)
    assert config_hash(config) == config_hash(arm_config(before, "shuffled", 0))
    assert "role" not in json.dumps(config)


def test_a_written_config_holds_a_role_only_if_the_recipe_names_one(content):
    assert "role" not in json.dumps(to_dict(recipe_from_dict(content)))
    override(content, "arms.shuffled.role=variant")
    written = to_dict(recipe_from_dict(content))
    assert written["arms"]["shuffled"]["role"] == "variant"
    assert "role" not in written["arms"]["dense"]
    assert recipe_from_dict(written).role("shuffled") == "variant"


def test_an_unknown_role_is_refused(content):
    override(content, "arms.shuffled.role=hero")
    with pytest.raises(ConfigError, match=r"arms\.shuffled\.role"):
        recipe_from_dict(content)
