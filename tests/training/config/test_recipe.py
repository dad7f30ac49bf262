import copy
import pickle
import tomllib

import pytest

from interp.dynamics.threshold_crossings import Crossing, GrokkingTimes
from training.config.arm_config import arm_config, arm_record, with_new_fields
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import RECIPES, read_recipe, recipe_names
from training.config.settings import CheckpointGrid, is_checkpoint, steps_around
from training.execution.identity.arm_code import arm_code
from training.models.embed_mlp.architecture import EmbedMLP
from training.optimization.optimizers import AdamW
from training.schema.overrides import override
from training.schema.validation import ConfigError, to_dict


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_builds(name):
    recipe, text = read_recipe(name)
    assert recipe.name == name and recipe.about
    assert all(recipe.setting(arm).task.build().n_train > 0 for arm in recipe.arms)
    assert tomllib.loads(text) == tomllib.loads(next(RECIPES.rglob(f"{name}.toml")).read_text())
    assert recipe_from_dict(to_dict(recipe)) == recipe  # config.json holds all of it


@pytest.mark.parametrize("name", recipe_names())
def test_an_arm_has_its_record_in_the_recipe_that_is_sent_with_it(name):
    recipe, _ = read_recipe(name)
    for arm in recipe.arms:
        sent = pickle.loads(pickle.dumps(recipe.restricted(arm, 7)))
        made_from_it = [other for other, its in recipe.arms.items() if its.source == arm]
        assert list(sent.arms) == [*recipe.lineage(arm), *made_from_it]
        assert arm_record(sent, arm, 7) == arm_record(recipe, arm, 7)
        assert arm_code(sent, arm) == arm_code(recipe, arm)
        assert sent.setting(arm) == recipe.setting(arm)
        assert sent.sparsity(arm) == recipe.sparsity(arm) and sent.dependents.get(arm, ()) == (*made_from_it,)


def test_the_recipe_sent_with_an_arm_does_not_grow_with_the_arms_and_seeds_of_others():
    sizes = []
    for n in (10, 1000):
        arms = {"dense": {}} | {f"at_{i}": {"method": "magnitude", "source": "dense"} for i in range(n)}
        recipe = recipe_from_dict({"name": "grid", "seeds": [*range(n)], "arms": arms})
        arm_record(recipe, "at_1", 0)  # what was computed is not sent
        sizes.append(len(pickle.dumps(recipe.restricted("at_1", 0))))
    assert sizes[0] == sizes[1]


def test_a_chain_of_arms_has_its_depths_and_its_first_arm():
    arms = {"c": {"method": "imp", "source": "b"}, "b": {"method": "imp", "source": "a"}, "a": {}, "d": {}}
    recipe = recipe_from_dict({"name": "chain", "arms": arms})
    assert recipe.depths() == {"c": 2, "b": 1, "a": 0, "d": 0}
    assert [recipe.first_of_lineage(arm) for arm in "bcad"] == ["a", "a", "a", "d"]


FORMER_GRIDS = {
    **dict.fromkeys(["elastic_depth", "m_parity"], (100, 100)),
    **dict.fromkeys(["h_embedding", "h_grokking", "h_quad", "h_standard"], (200, 100)),
    **dict.fromkeys(["h_quad_single_freq", "h_relu_single_freq"], (200, 100)),
    "n_mainline": (400, 100),
    "modadd_sweep": (5000, 1000),
}
"""Every so many steps, and until step 2000, for recipes with other grids than 1000 and 100."""
QUICK = ["filan_overlap", "kosoy_tangent", "m_edge_popup", "m_no_wd", "m_norms", "m_ops", "m_pai"]
QUICK += ["m_prune_rates", "m_timing", "modadd_fast", "modadd_ticket", "multi_prize"]
QUICK += ["branch", "forbidden_frequencies", "transplant"]
"""Recipes whose quick version saves every 500 steps."""


@pytest.mark.parametrize("is_quick", [False, True])
@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_store_the_steps_that_they_always_have(name, is_quick):
    recipe, _ = read_recipe(name, quick=is_quick)
    every, early = FORMER_GRIDS.get(name, (1000, 100))
    if is_quick and name in QUICK:
        every = 500
    alike = {(settings.max_steps, recipe.checkpoints(arm)): arm for arm, settings in recipe.arms.items()}
    for (most, _), arm in alike.items():
        steps = range(0, most + 1, recipe.measure.eval_every)
        before = [step for step in steps if step % every == 0 or (step <= 2000 and step % early == 0)]
        assert [step for step in steps if recipe.is_checkpoint(arm, step)] == before


@pytest.mark.parametrize(
    ("name", "frac_train", "dense_steps"), [("modadd_ticket", 0.4, 30_000), ("modadd_fast", 0.5, 6000)]
)
def test_recipes_have_the_papers_numbers(name, frac_train, dense_steps):
    recipe, _ = read_recipe(name)
    assert recipe.seeds == (0, 1, 2)
    task = to_dict(recipe)["task"]
    assert task == {
        "name": "add",
        "p": 67,
        "pairs": "unordered",
        "frac_train": frac_train,
        "split": "own",
        "split_seed": 0,
        "pair_split": False,
    }
    assert recipe.model == EmbedMLP(d_emb=500, d_mlp=48, init_scale=1.0)
    assert recipe.optimizer == AdamW(lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98), eps=1e-8)
    assert recipe.measure.threshold == 0.95
    assert recipe.pruning.sparsity == 0.6 and recipe.pruning.scope == "global"
    assert recipe.pruning.require_generalised
    methods = {arm: (a.method, a.source, recipe.sparsity(arm)) for arm, a in recipe.arms.items()}
    assert methods == {
        "dense": ("none", None, 0.0),
        "grokked_ticket": ("magnitude", "dense", 0.6),
        "random": ("random", None, 0.6),
        "shuffled": ("shuffled", "grokked_ticket", 0.6),
    }
    assert recipe.arms["dense"].min_steps == dense_steps
    assert recipe.arms["dense"].max_steps > dense_steps
    sizes = [rows * columns for rows, columns in recipe.setting("dense").shapes().values()]
    assert sum(sizes) == 115_000
    assert recipe.task.build().n_train == {0.4: 911, 0.5: 1139}[frac_train]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("task.p=8", "task.p: expected an odd number from 3, got 8"),
        ("task.p=1", "task.p: expected an odd number from 3, got 1"),
        ("task.p=-7", "task.p: expected an odd number from 3, got -7"),
        ("task.name=subtract", "task.name: expected one of add, digits, div, .*got 'subtract'"),
        ("task.frac_train=1.5", "task.frac_train: expected a number in"),
        ("task.frac_train=0.001", "task.frac_train: expected a share that is one or more of the 49 pairs"),
        ("task.split=torch", "task.split: expected one of he, nanda, own, got 'torch'"),
        ("task.split_seed=-1", "task.split_seed: expected a whole number from 0, got -1"),
        (
            "model.name=cnn",
            "model.name: expected one of embed_mlp, embedded_mlp, mlp, one_hot_mlp, transformer, got 'cnn'",
        ),
        ("model.d_mlp=0", "model.d_mlp: expected a whole number from 1 to 1000000, got 0"),
        ("model.init_scale=0", "model.init_scale: expected a number above 0, got 0.0"),
        ("optimizer.name=adam", "optimizer.name: expected one of adamw, sgd, got 'adam'"),
        ("optimizer.warmup_steps=-1", "optimizer.warmup_steps: expected a whole number from 0, got -1"),
        ("optimizer.lr=0", "optimizer.lr: expected a number above 0, got 0.0"),
        ("optimizer.lr=fast", "optimizer.lr: expected a number, got 'fast'"),
        ("optimizer.weight_decay=-1", "optimizer.weight_decay: expected a number from 0, got -1.0"),
        ("optimizer.weight_decay=nan", "optimizer.weight_decay: expected a number from 0, got nan"),
        ("optimizer.betas=[0.9, 1.0]", r"optimizer.betas: expected two numbers in \[0, 1\)"),
        ("optimizer.momentum=0.9", "optimizer.momentum: unknown field; expected one of betas"),
        ("measure.eval_every=0", "measure.eval_every: expected a whole number from 1, got 0"),
        (
            "measure.eval_every=7",
            "measure.checkpoints: expected multiples of eval_every = 7",
        ),
        ("measure.threshold=1.5", "measure.threshold: expected a number in"),
        (
            "measure.checkpoints=[{every = 0}]",
            "measure.checkpoints.every: expected a whole number from 1, got 0",
        ),
        (
            "measure.checkpoints=[{log = 9}]",
            "measure.checkpoints.last: expected a step from 1",
        ),
        (
            "measure.checkpoints=[{every = 10, log = 9}]",
            "measure.checkpoints.every: expected a grid with every",
        ),
        (
            "measure.checkpoints=[{around = 't_gen', every = 10}]",
            "measure.checkpoints.within: expected a whole",
        ),
        (
            "measure.checkpoints=[{every = 10, first = 9, last = 3}]",
            "measure.checkpoints.last: expected no step",
        ),
        (
            "arms.dense.checkpoints=[{every = 15}]",
            "arms.dense.checkpoints: expected multiples of eval_every = 10",
        ),
        ("pruning.sparsity=0", "pruning.sparsity: expected a number in .0, 1., got 0.0"),
        ("pruning.sparsity=1", "pruning.sparsity: expected a number in .0, 1., got 1.0"),
        ("pruning.scope=row", "pruning.scope: expected one of global, layer, got 'row'"),
        ("arms.random.sparsity=1", "arms.random.sparsity: expected a number in"),
        ("arms.random.method=snap", "arms.random.method: expected none or one of .*magnitude, "),
        ("arms.random.source=dense", "arms.random.source: expected none for method 'random', got 'dense'"),
        ("arms.shuffled.source=nobody", "arms.shuffled.source: expected one of grokked.*, got 'nobody'"),
        ("arms.shuffled.source=dense", "arms.shuffled.source: expected one of grokked.*, got 'dense'"),
        (
            "arms.shuffled.sparsity=0.5",
            "arms.shuffled.sparsity: expected none for method 'shuffled', got 0.5",
        ),
        ("arms.dense.sparsity=0.5", "arms.dense.sparsity: expected none for method 'none', got 0.5"),
        ("arms.dense.scope=layer", "arms.dense.scope: expected none for method 'none', got 'layer'"),
        (
            "arms.shuffled.scope=layer",
            "arms.shuffled.scope: expected none for method 'shuffled', got 'layer'",
        ),
        ("arms.random.scope=row", "arms.random.scope: expected one of global, layer, got 'row'"),
        ("arms.a/b.max_steps=9", "arms: expected a name of letters, .*, got 'a/b'"),
        ("arms.new.method=magnitude", "arms.new.source: expected one of dense, .*, got None"),
        ("arms.random.max_steps=-1", "arms.random.max_steps: expected a whole number from 0, got -1"),
        ("arms.dense.plateau.window=0", "arms.dense.plateau.window: expected a whole number from 1, got 0"),
        (
            "arms.dense.plateau.window=15",
            "arms.dense.plateau.window: expected a multiple of measure.eval_eve",
        ),
        ("arms.dense.plateau.loss=0", "arms.dense.plateau.loss: expected a number above 0, got 0.0"),
        ("arms.dense.plateau.from_step=-1", "arms.dense.plateau.from_step: expected a whole number from 0"),
        ("arms.dense.max_steps=10", "arms.dense.max_steps: expected at least min_steps = 150, got 10"),
        ("seeds=[-1]", "seeds: expected one or more different whole numbers from 0"),
        ("seeds=[1, 1]", "seeds: expected one or more different whole numbers from 0"),
        ("model.d_emb=10000000000000000", "model.d_emb: expected a whole number from 1 to 1000000"),
        ("seeds=[]", "seeds: expected one or more different whole numbers from 0"),
        ("name=../elsewhere", "name: expected a name of letters, digits, .*, got '../elsewhere'"),
        ("name=.hidden", "name: expected a name of letters"),
        ("arms=3", "arms: expected a table, got 3"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_field(content, setting, message):
    override(content, setting)
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        recipe_from_dict(content)
    assert "\n" not in str(error.value)


def test_a_mask_taken_from_a_source_has_its_sparsity(content):
    override(content, "arms.grokked_ticket.sparsity=0.8")
    recipe = recipe_from_dict(content)
    assert [recipe.sparsity(arm) for arm in ("dense", "grokked_ticket", "shuffled")] == [0.0, 0.8, 0.8]


def test_pruning_settings_are_no_part_of_a_dense_arms_config(content):
    before = recipe_from_dict(content)
    override(content, "pruning.sparsity=0.33")
    after = recipe_from_dict(content)
    assert arm_config(before, "dense", 0) == arm_config(after, "dense", 0)
    assert arm_config(before, "random", 0) != arm_config(after, "random", 0)


def test_a_binary_recipe_file_is_refused(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"name = '\xff\xfe'")
    with pytest.raises(ConfigError, match=r"binary\.toml: not TOML"):
        read_recipe(str(path))


def test_a_cycle_of_sources_is_refused_and_shown(content):
    override(content, "arms.dense.method=shuffled")
    override(content, "arms.dense.source=shuffled")
    with pytest.raises(ConfigError, match=r"arms.dense.source: dense → grokked_ticket → shuffled → dense is"):
        recipe_from_dict(content)
    override(content, "arms.dense.source=dense")
    with pytest.raises(ConfigError, match=r"arms.dense.source: "):
        recipe_from_dict(content)


def test_no_arms_are_refused(content):
    with pytest.raises(ConfigError, match="arms: expected at least one arm"):
        recipe_from_dict(content | {"arms": {}})


def test_lineage_lists_sources_first(recipe):
    assert recipe.lineage("shuffled") == ["dense", "grokked_ticket", "shuffled"]
    assert recipe.lineage("random") == ["random"]


def test_an_arms_config_holds_only_settings_that_affect_its_result(recipe, content):
    config = arm_config(recipe, "grokked_ticket", 0)
    assert list(config["arms"]) == ["dense", "grokked_ticket"]
    assert config["arm"] == "grokked_ticket" and config["seed"] == 0
    for setting in ("name=other", "about=else", "seeds=[0, 5]", "arms.random.max_steps=20"):
        override(content, setting)
    assert arm_config(recipe_from_dict(content), "grokked_ticket", 0) == config
    for setting in ("arms.dense.max_steps=501", "task.split_seed=1", "optimizer.eps=1e-7"):
        changed = to_dict(recipe)
        override(changed, setting)
        assert arm_config(recipe_from_dict(changed), "grokked_ticket", 0) != config


def test_an_arms_sparsity_overrides_the_recipes(content):
    override(content, "arms.random.sparsity=0.9")
    recipe = recipe_from_dict(content)
    assert [recipe.sparsity(arm) for arm in ("random", "grokked_ticket", "dense")] == [0.9, 0.6, 0.0]


def test_an_arms_scope_overrides_the_recipes_and_is_part_of_its_config(content):
    before = recipe_from_dict(content)
    override(content, "arms.random.scope=layer")
    recipe = recipe_from_dict(content)
    assert [recipe.scope(arm) for arm in ("random", "grokked_ticket")] == ["layer", "global"]
    assert arm_config(recipe, "random", 0) != arm_config(before, "random", 0)
    assert arm_config(recipe, "shuffled", 0) == arm_config(before, "shuffled", 0)
    override(content, "pruning.scope=layer")
    assert arm_config(recipe_from_dict(content), "random", 0) == arm_config(recipe, "random", 0)
    assert arm_config(recipe_from_dict(content), "shuffled", 0) != arm_config(recipe, "shuffled", 0)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_an_old_record_with_one_scope_for_all_arms_is_completed(content, scope):
    override(content, f"pruning.scope={scope}")
    now = arm_config(recipe_from_dict(content), "shuffled", 0)
    then = copy.deepcopy(now)
    then["pruning"]["scope"] = scope
    for arm in then["arms"].values():
        del arm["scope"]
    assert with_new_fields(then) == with_new_fields(now) == now


def test_checkpoints_are_dense_early_and_sparse_later():
    grids = (CheckpointGrid(every=50), CheckpointGrid(every=10, last=30))
    assert [s for s in range(0, 151, 5) if is_checkpoint(grids, s, 5)] == [0, 10, 20, 30, 50, 100, 150]


def test_a_logarithmic_grid_is_moved_to_evaluations():
    grids = (CheckpointGrid(log=4, first=10, last=10_000),)
    saved = [step for step in range(0, 20_001, 10) if is_checkpoint(grids, step, 10)]
    assert saved == [0, 10, 100, 1000, 10_000]


def test_a_grid_around_an_event_has_its_evaluated_steps():
    grids = (CheckpointGrid(around="t_gen", every=20, within=40),)
    times = GrokkingTimes(Crossing(0, 10, 500), Crossing(90, 100, 500))
    assert steps_around(grids, times, range(0, 501, 10)) == [60, 80, 100, 120, 140]
    never = GrokkingTimes(Crossing(0, 10, 500), Crossing(500, None, 500))
    assert steps_around(grids, never, range(0, 501, 10)) == []
    assert not is_checkpoint(grids, 100, 10)


def test_a_recipe_is_read_by_name_or_by_file(recipe_file):
    recipe, text = read_recipe(str(recipe_file), ["pruning.sparsity=.7", "name=mine"])
    assert recipe.name == "mine" and recipe.pruning.sparsity == 0.7
    assert text == recipe_file.read_text()
    assert read_recipe(str(recipe_file))[0].name == "tiny"


def test_an_unknown_recipe_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"RECIPE: expected one of .*modadd_fast, .*modadd_ticket.* or"):
        read_recipe("modadd_slow")
    with pytest.raises(
        ConfigError, match=r"RECIPE: expected a file or the folder of a run, and .*none.toml is neither"
    ):
        read_recipe(str(tmp_path / "none.toml"))
    broken = tmp_path / "broken.toml"
    broken.write_text("seeds = [0\n[task")
    with pytest.raises(ConfigError, match=r"^broken.toml: not TOML: "):
        read_recipe(str(broken))
