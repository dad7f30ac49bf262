"""Starting points of arms: weights, masks and arm settings."""

import numpy as np
import pytest
from builders import changed_recipe, train_group_of

from interp.masks.topk import keep_count
from training.config.build_recipe import recipe_from_dict
from training.execution.arms.jobs import Job
from training.execution.arms.sources.reasons import NotTrained
from training.execution.arms.sources.starting_point import starting_point
from training.pruning.initialization import norm_ratio
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, to_dict


def theta(recipe):
    return {name: w.numpy() for name, w in recipe.setting("dense").initial_weights(0).items()}


def train(recipe, run, arm):
    assert train_group_of(recipe, RunDir(run.path), arm) == []
    return run.arm(arm, 0)


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("scope", ["global", "mean_per_tensor"])
def test_a_norm_controlled_arm_is_dense_and_scaled_by_the_tickets_ratio(content, copied, q, scope):
    arm = f"arms.controlled.start=norm_l{q}"
    recipe = changed_recipe(
        content, arm, "arms.controlled.source=grokked_ticket", f"arms.controlled.norm_scope={scope}"
    )
    begun = starting_point(recipe, copied, Job("controlled", 0))
    ratio = norm_ratio(theta(recipe), copied.arm("grokked_ticket", 0).mask(), q, scope)
    assert begun.mask is None and 0 < ratio < 1
    for name, w in theta(recipe).items():
        np.testing.assert_allclose(begun.weights[name], ratio * w, rtol=1e-6)


def test_a_ticket_with_random_weights_keeps_its_mask(content, copied):
    recipe = changed_recipe(
        content,
        "arms.again.method=magnitude",
        "arms.again.source=dense",
        "arms.again.start=random_reinit",
    )
    begun = starting_point(recipe, copied, Job("again", 0))
    ticket = copied.arm("grokked_ticket", 0).mask()
    for name, w in theta(recipe).items():
        np.testing.assert_array_equal(begun.mask[name], ticket[name])
        assert not np.isin(begun.weights[name], w).any()


def test_rewinding_begins_from_the_dense_networks_checkpoint(content, copied):
    recipe = changed_recipe(
        content,
        "arms.late.method=imp",
        "arms.late.source=grokked_ticket",
        "arms.late.from_step=40",
        "arms.late.sparsity=0.75",
        "arms.late.max_steps=20",
        "pruning.require_generalised=false",
    )
    dense = copied.arm("dense", 0)
    row = list(dense.steps()).index(40)
    files = train(recipe, copied, "late")
    mask, ticket = files.mask(), copied.arm("grokked_ticket", 0).mask()
    n = sum(is_kept.size for is_kept in mask.values())
    assert sum(int(is_kept.sum()) for is_kept in mask.values()) == keep_count(n, 0.25)
    for name, w in dense.checkpoints().items():
        assert not (mask[name] & ~ticket[name]).any(), "an iterative mask is nested"
        np.testing.assert_array_equal(files.checkpoints()[name][0], w[row] * mask[name])


@pytest.mark.parametrize("form", ["edge_popup", "biprop", "supermask"])
@pytest.mark.parametrize("train_weights", [False, True])
def test_an_arm_of_scores_ends_with_the_chosen_mask(content, copied, form, train_weights):
    settings = [f"arms.popped.form={form}", "arms.popped.source=dense", "arms.popped.from_step=20"]
    settings += [f"arms.popped.train_weights={str(train_weights).lower()}", "arms.popped.max_steps=60"]
    settings += ["arms.popped.optimizer.lr=0.05", "arms.popped.settle_steps=1000"]
    recipe = changed_recipe(content, *settings)
    files = train(recipe, copied, "popped")
    final = {name: w[-1] for name, w in files.checkpoints().items()}
    begun = {name: w[1] for name, w in copied.arm("dense", 0).checkpoints().items()}
    assert copied.arm("dense", 0).steps()[1] == 20
    for name, is_kept in files.mask().items():
        np.testing.assert_array_equal(is_kept, final[name] != 0)
        if form != "supermask":
            assert is_kept.sum() == keep_count(is_kept.size, 1 - recipe.sparsity("popped"))
        if not train_weights and form != "biprop":
            np.testing.assert_array_equal(final[name][is_kept], begun[name][is_kept])
    assert files.done()["config"]["arms"]["popped"]["optimizer"]["lr"] == 0.05


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["arms.x.start=fresh"], "arms.x.start: expected one of norm_l1"),
        (
            ["arms.x.start=norm_l1"],
            "arms.x.source: expected one of grokked_ticket, random, shuffled, got None",
        ),
        (["arms.x.start=norm_l1", "arms.x.source=dense"], "arms.x.source: expected one of grokked_ticket"),
        (["arms.x.from_step=20"], "arms.x.source: expected one of dense, .*, got None"),
        (
            ["arms.x.source=dense", "arms.x.from_step=33"],
            "arms.x.from_step: expected a step with a checkpoint",
        ),
        (["arms.x.source=dense"], "arms.x.source: expected none for method 'none', got 'dense'"),
        (["arms.x.form=edge_popup", "arms.x.method=random"], "arms.x.method: expected none for edge_popup"),
        (["arms.x.train_weights=true"], "arms.x.train_weights: expected false for weights, got True"),
        (
            ["arms.x.form=tangent", "arms.x.train_weights=true"],
            "arms.x.train_weights: expected false for tangent, got True",
        ),
        (["arms.x.form=tangent", "arms.x.sparsity=0.5"], "arms.x.sparsity: expected none for method 'none'"),
        (["arms.x.form=tangent", "arms.x.method=magnitude"], "arms.x.source: expected one of dense, "),
        (["arms.x.form=linear"], "arms.x.form: expected one of biprop, edge_popup, supermask, tangent"),
        (["arms.x.form=supermask", "arms.x.sparsity=0.5"], "arms.x.sparsity: expected none"),
        (["arms.x.optimizer.lr=-1"], "arms.x.optimizer.lr: expected a number above 0"),
    ],
)
def test_wrong_settings_are_refused_with_their_field(content, settings, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        changed_recipe(content, *settings)


def test_a_source_without_the_checkpoint_is_named(content, copied):
    recipe = changed_recipe(content, "arms.x.source=dense", "arms.x.from_step=400")
    (skipped,) = train_group_of(recipe, RunDir(copied.path), "x")
    assert "dense seed 0 has no checkpoint at step 400: it ended at" in skipped[1]


# --- settings of single arms ------------------------------------------------------------------------------


def test_missing_settings_of_an_arm_are_the_recipes(content):
    recipe = changed_recipe(content, "arms.x.task.frac_train=0.8", "arms.x.optimizer.weight_decay=0.0")
    arm, base = recipe.setting("x"), recipe.setting("dense")
    assert (arm.task.p, arm.task.pairs, arm.task.frac_train) == (7, "ordered", 0.8)
    assert base.task.frac_train == 0.9
    assert (arm.optimizer.lr, arm.optimizer.weight_decay) == (0.01, 0.0)
    assert base.optimizer.weight_decay == 1.0
    assert recipe_from_dict(to_dict(recipe)) == recipe


def test_an_arm_of_another_task_is_trained_on_this_task(content, copied):
    recipe = changed_recipe(content, "arms.x.task.name=mul", "arms.x.max_steps=20", "arms.x.method=random")
    files = train(recipe, copied, "x")
    assert files.done()["config"]["arms"]["x"]["task"]["name"] == "mul"
    metrics = files.metrics()
    for setting, is_equal in (("task.name=mul", True), ("arms.x.task.name=add", False)):
        files.clear()
        assert train(changed_recipe(content, setting), copied, "x").metrics().equals(metrics) is is_equal


def test_a_ticket_may_be_taken_at_any_checkpoint(content, copied):
    settings = ["arms.x.method=magnitude", "arms.x.source=dense", "arms.x.source_step=40"]
    settings += ["pruning.require_generalised=false"]
    begun = starting_point(changed_recipe(content, *settings), copied, Job("x", 0))
    dense = copied.arm("dense", 0)
    weights = {name: w[list(dense.steps()).index(40)] for name, w in dense.checkpoints().items()}
    largest = np.concatenate([abs(w[begun.mask[name]]) for name, w in weights.items()])
    pruned = np.concatenate([abs(w[~begun.mask[name]]) for name, w in weights.items()])
    assert largest.min() >= pruned.max()
    assert begun.source["step"] == 40 and begun.source["generalised"] is False
    accuracy = dense.metrics().set_index("step")["test_acc"]
    assert begun.source["test_acc"] == accuracy[40] != accuracy.iloc[-1]


def test_a_source_that_has_not_generalised_at_the_step_is_refused(content, copied):
    settings = ["arms.x.method=magnitude", "arms.x.source=dense", "arms.x.source_step=40"]
    with pytest.raises(NotTrained, match=r"dense seed 0 has not generalised: test accuracy 0.* at step 40"):
        starting_point(changed_recipe(content, *settings), copied, Job("x", 0))
    settings[2] = "arms.x.source_step=400"
    with pytest.raises(NotTrained, match="dense seed 0 has no checkpoint at step 400"):
        starting_point(changed_recipe(content, *settings), copied, Job("x", 0))


def test_a_skipped_ticket_names_the_setting_to_change(content, copied):
    settings = ["arms.x.method=magnitude", "arms.x.source=dense", "arms.x.source_step=40"]
    with pytest.raises(NotTrained, match=r"--set arms\.x\.source_step=STEP .*require_generalised=false"):
        starting_point(changed_recipe(content, *settings), copied, Job("x", 0))
    dense = copied.arm("dense", 0)
    metrics = dense.metrics()
    never = {str(name): metrics[name].to_numpy()[:3] for name in metrics.columns}
    dense.write_metrics(never)
    last = dense.steps()[-1]
    with pytest.raises(NotTrained, match=rf"--set arms\.dense\.max_steps={max(1000, 2 * last)} .*=false"):
        starting_point(changed_recipe(content, *settings[:2]), copied, Job("x", 0))
    dense.write_metrics(never | {"test_acc": np.full(3, np.nan), "test_loss": np.full(3, np.nan)})
    with pytest.raises(NotTrained, match=r"no test set; --set pruning\.require_generalised=false"):
        starting_point(changed_recipe(content, *settings[:2]), copied, Job("x", 0))


ELASTIC = [
    *("task.name=digits", "model.name=mlp", "model.widths=[16, 16]", "arms.deep.method=elastic"),
    *("arms.deep.source=random", "arms.deep.model.widths=[16, 16, 16]", "arms.deep.max_steps=10"),
]
DEEPER = 'arms.deep.layers={W_0="W_0", W_1="W_1", W_2="W_1", W_3="W_2"}'


@pytest.fixture
def digits(content):
    """Return a recipe of digits with a random mask."""
    content |= {"task": {"name": "digits"}, "model": {"name": "mlp", "widths": [16, 16]}}
    content["arms"] = {"random": {"method": "random", "max_steps": 10}}
    return content


def test_an_elastic_ticket_starts_with_copies_of_its_sources_layers(digits, tmp_path, train_all):
    recipe = changed_recipe(digits, *ELASTIC, DEEPER)
    run, skipped = train_all(recipe, tmp_path / "tiny")
    assert skipped == []
    shallow, deep = run.arm("random", 0), run.arm("deep", 0)
    for to, of in recipe.arms["deep"].layers.items():
        np.testing.assert_array_equal(deep.mask()[to], shallow.mask()[of])
        np.testing.assert_array_equal(deep.checkpoints()[to][0], shallow.checkpoints()[of][0])
    assert deep.steps()[-1] == 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "arms.deep.layers: expected a source for each of W_0, W_1, W_2, W_3, got {}"),
        (['arms.deep.layers={W_0="W_0"}'], "arms.deep.layers: expected a source for each of W_0, W_1, "),
        ([DEEPER.replace('W_2="W_1"', 'W_2="W_9"')], "arms.deep.layers.W_2: expected one of W_0, W_1, W_2"),
        (
            [DEEPER.replace('W_2="W_1"', 'W_2="W_0"')],
            r"arms.deep.layers.W_2: expected a layer of shape \(16, 16\), got 'W_0, \(64, 16\)'",
        ),
        (
            ["arms.deep.method=shuffled"],
            "arms.deep.source: expected one with the shapes .*'W_3'.*, got {'W_0'",
        ),
        (
            ["arms.deep.method=shuffled", "arms.deep.model.widths=[16, 16]", DEEPER],
            "arms.deep.layers: expected none for method 'shuffled'",
        ),
    ],
)
def test_a_map_of_layers_has_to_fit(digits, settings, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        changed_recipe(digits, *ELASTIC, *settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["arms.x.task.name=polynomial"], "arms.x: model.name: expected a model that reads features"),
        (["arms.x.task.p=8"], "arms.x.task.p: expected an odd number from 3, got 8"),
        (["arms.x.task.name=sub"], "arms.x: task: expected a task symmetric in a and b"),
        (["arms.x.model.d_mlp=5", "arms.x.method=shuffled", "arms.x.source=random"], "arms.x.source: expect"),
        (["arms.random.source_step=20"], "arms.random.source_step: expected none for method 'random'"),
        (["arms.grokked_ticket.source_step=33"], "arms.grokked_ticket.source_step: expected a step with a"),
    ],
)
def test_settings_of_an_arm_are_checked(content, settings, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        changed_recipe(content, *settings)
